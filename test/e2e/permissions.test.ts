import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Access } from '../../sandbox/aws/aws-service.ts';
import { isAllowed, type Statement } from '../../sandbox/iam/policy.ts';
import { callLinkgate } from '../../sandbox/linkgate-api.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { type Clients, createClients, provider } from './sandbox.ts';
import { runApprovals } from './scenarios/approvals.ts';
import { runDisconnects } from './scenarios/disconnects.ts';
import type { ScenarioContext } from './scenarios/harness.ts';
import { runPolicies } from './scenarios/policy.ts';
import {
  runLateChanges,
  runReadCommands,
  runRequests,
  runSweeps,
  sendUnparseable,
  switchModes,
} from './scenarios/requests.ts';
import { decideAfterDeregistration, runPrincipals, runServices } from './scenarios/services.ts';
import { removeUnreadableItems } from './scenarios/unreadable.ts';

interface Exception {
  readonly permission: RegExp;
  readonly reason: string;
  /** The order of two runs decides whether the scenarios use it. */
  readonly isRace?: true;
}

/** Permissions that no test uses, by role, action and kind of partition, with the reason to grant them. */
const exceptions: readonly Exception[] = [
  { permission: / logs:/, reason: 'Lambda writes the logs; the sandbox keeps none' },
  {
    permission: /^apply-verdicts vpce:AllowMultiRegion$/,
    reason: 'goes with the Accept of a consumer in another Region; no call of its own',
  },
  {
    permission: /^record-connection-state dynamodb:PutItem PENDING_EFFECT#\*$/,
    reason:
      'an Accept that lands after EC2 showed the Reject; the simulation has it, the EC2 of the sandbox does not',
  },
  {
    permission: /^record-connection-state dynamodb:PutItem AWAITING_APPROVAL#\*$/,
    reason:
      'a connection that people were asked about is accepted after a Reject, or listed again after it was gone; the EC2 of the sandbox does neither',
  },
  {
    permission: /^on-slack-interaction dynamodb:\w+ NOTIFICATION(_RETRY)?#\*$/,
    reason: 'a click on a copy whose post Slack never answered; test/notifications/in-doubt.test.ts has it',
  },
  {
    permission: /^on-table-stream dynamodb:DeleteItem NOTIFICATION_RETRY#\*$/,
    reason:
      'an operations notice that changes while its delivery waits; test/notifications/operations.test.ts has it',
  },
  {
    isRace: true,
    permission: /^notify-customers sqs:SendMessage linkgate-local-customer-notifications$/,
    reason:
      'two runs with an event of one endpoint; test/customer-notifications/notify-customers.test.ts has it',
  },
  {
    isRace: true,
    permission: /^on-approval-link dynamodb:PutItem AWAITING_APPROVAL#\*$/,
    reason: 'a link to a request whose service has changed its approver group, which moves the request',
  },
];

/** One action on one resource; for the table, one kind of partition. */
interface Permission {
  readonly role: string;
  readonly statement: Statement;
  readonly action: string;
  readonly resource: string;
  readonly partition?: string;
}

const packageFolder = mkdtempSync(join(tmpdir(), 'linkgate-permissions-'));
let linkgate: Clients;
let sandbox: Awaited<ReturnType<typeof startSandbox>>;

beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    packageFolder: packageWithShortRuns(),
    prepare: async ({ outputs: { ApiUrl = '' } }) => {
      await callLinkgate(ApiUrl, provider, 'POST', '/setup');
    },
  });
  linkgate = createClients(sandbox.origin);
  await linkgate.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await linkgate.ask('PUT', '/_sandbox/schedules', { enabled: false });
  await runAllScenarios({ sandbox, linkgate });
}, 300_000);

afterAll(async () => {
  linkgate?.close();
  await sandbox?.stop();
  rmSync(packageFolder, { recursive: true });
});

/** Copies the package with a short timeout of apply-verdicts. */
function packageWithShortRuns(): string {
  cpSync(fileURLToPath(new URL('../../.serverless', import.meta.url)), packageFolder, { recursive: true });
  const file = join(packageFolder, 'cloudformation-template-update-stack.json');
  const template = JSON.parse(readFileSync(file, 'utf8'));
  template.Resources.ApplyDashverdictsLambdaFunction.Properties.Timeout = 13;
  writeFileSync(file, JSON.stringify(template));
  return packageFolder;
}

test('every permission of a role is used', () => {
  const unused = allPermissions().filter((permission) => !isUsed(permission) && !isExcepted(permission));
  expect(unused.map(formatProblem)).toEqual([]);
});

test('every exception is still granted, and unused unless a race decides', () => {
  for (const { permission, isRace } of exceptions) {
    const exceptedPermissions = allPermissions().filter((each) => permission.test(formatPermission(each)));
    expect(exceptedPermissions).not.toEqual([]);
    if (!isRace) expect(exceptedPermissions.filter(isUsed).map(formatProblem)).toEqual([]);
  }
});

test('no call of a function was denied', () => {
  const calls = sandbox.calls.list({ since: 0, principal: undefined });
  const untagged = calls
    .filter(({ action }) => action === 'DeleteTags')
    .map(({ params }) => JSON.stringify(params));
  // A service may lose its tag between two calls; `check-service` then reports the second call.
  const lostItsTag = ({ action, params }: (typeof calls)[number]) =>
    action === 'DescribeVpcEndpointServicePermissions' &&
    untagged.some((tags) => tags.includes(String((params as { ServiceId?: string }).ServiceId)));
  const deniedCalls = calls.filter(
    (call) =>
      call.principal !== 'root' &&
      /AccessDenied|UnauthorizedOperation|AuthorizationError/.test(call.error ?? '') &&
      !lostItsTag(call),
  );
  expect(deniedCalls).toEqual([]);
});

function allPermissions(): Permission[] {
  return sandbox.emulator.lambda
    .functions()
    .flatMap(({ name, roleArn }) =>
      (sandbox.emulator.roles.get(roleArn)?.policies ?? [])
        .flatMap(({ Statement }) => [Statement].flat() as Statement[])
        .flatMap((statement) => listPermissions(statement, name.replace('linkgate-local-', ''))),
    );
}

function listPermissions(statement: Statement, role: string): Permission[] {
  const partitions = statement.Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
  return toList(statement.Action).flatMap((action) =>
    toList(statement.Resource).flatMap((resource): Permission[] => {
      const permission = { role, statement, action, resource };
      if (partitions === undefined) return [permission];
      return toList(partitions as string | readonly string[]).map((partition) => ({
        ...permission,
        partition,
      }));
    }),
  );
}

function isUsed({ role, statement, action, resource, partition }: Permission): boolean {
  const Condition =
    partition === undefined
      ? statement.Condition
      : { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partition } };
  const alone: Statement = {
    Effect: 'Allow',
    Action: action,
    Resource: resource,
    ...(Condition && { Condition }),
  };
  return listUses(role).some((access) => isAllowed([{ Statement: alone }], access));
}

/** Counts the calls of the function, and of Lambda with its role. */
function listUses(role: string): readonly Access[] {
  const { roleArn = '' } =
    sandbox.emulator.lambda.functions().find(({ name }) => name === `linkgate-local-${role}`) ?? {};
  return [
    ...(sandbox.awsRequests.grantedAccesses().get(role) ?? []),
    ...(sandbox.emulator.roles.get(roleArn)?.usedByLambda ?? []),
  ];
}

function isExcepted(permission: Permission): boolean {
  return exceptions.some((exception) => exception.permission.test(formatPermission(permission)));
}

/** Names the partition of the table, or the queue. */
function formatPermission({ role, action, resource, partition }: Permission): string {
  const target = partition ?? (action.startsWith('sqs:') ? resource.split(':').at(-1) : undefined);
  return [role, action, ...(target ? [target] : [])].join(' ');
}

function formatProblem(permission: Permission): string {
  return `${formatPermission(permission)} on ${permission.resource}: play what needs it in this test, or take it out of resources/roles.cjs`;
}

function toList(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : [value].flat();
}

/** Runs all scenarios: all commands of linkgate, and all of its own actions. */
async function runAllScenarios(stage: ScenarioContext) {
  const context = { ...stage, serviceId: await runServices(stage) };
  await runRequests(context);
  await runLateChanges(context);
  await runSweeps(context);
  await switchModes(context);
  await runApprovals(context);
  await runReadCommands(context);
  await runPolicies(context);
  await runDisconnects(context);
  await runPrincipals(context);
  await removeUnreadableItems(context);
  await decideAfterDeregistration(context);
  await sendUnparseable(context);
}
