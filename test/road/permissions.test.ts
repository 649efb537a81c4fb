import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  AcceptVpcEndpointConnectionsCommand,
  DeleteTagsCommand,
  DeleteVpcEndpointConnectionNotificationsCommand,
  DeleteVpcEndpointsCommand,
  DescribeVpcEndpointConnectionNotificationsCommand,
  ModifyVpcEndpointConnectionNotificationCommand,
} from '@aws-sdk/client-ec2';
import {
  ListSubscriptionsByTopicCommand,
  SetSubscriptionAttributesCommand,
  SNSClient,
} from '@aws-sdk/client-sns';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Access } from '../../sandbox/aws/aws-service.ts';
import { isAllowed, type Statement } from '../../sandbox/iam/policy.ts';
import { callLinkgate } from '../../sandbox/linkgate-api.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import {
  accounts,
  type Clients,
  clientsOf,
  createEndpoint,
  createService,
  provider,
  until,
} from './sandbox.ts';

/** What nothing here uses, and why it is granted all the same: by role, action and kind of partition. */
const exceptions: readonly { readonly permission: RegExp; readonly reason: string }[] = [
  { permission: / logs:/, reason: 'Lambda writes the logs; the sandbox keeps none' },
  {
    permission: /^apply-verdicts vpce:AllowMultiRegion$/,
    reason: 'goes with the Accept of a consumer in another Region; no call of its own',
  },
  {
    permission: /^tend-connection dynamodb:PutItem DUE#\*$/,
    reason:
      'an Accept that lands after EC2 showed the Reject; the simulation has it, the EC2 of the sandbox does not',
  },
];

/** One action on one resource; for the table, in one kind of partition. */
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
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox({
    port: 0,
    packageFolder: packageWithShortRuns(),
    prepare: async ({ outputs: { ApiUrl = '' } }) => {
      await callLinkgate(ApiUrl, provider, 'POST', '/setup');
    },
  });
  linkgate = clientsOf(sandbox.origin);
  await linkgate.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await linkgate.ask('PUT', '/_sandbox/schedules', { enabled: false });
  await everything();
}, 180_000);

afterAll(async () => {
  linkgate?.close();
  await sandbox?.stop();
  rmSync(packageFolder, { recursive: true });
});

/** The package, but with a time limit for apply-verdicts that a test can wait for. */
function packageWithShortRuns(): string {
  cpSync(fileURLToPath(new URL('../../.serverless', import.meta.url)), packageFolder, { recursive: true });
  const file = join(packageFolder, 'cloudformation-template-update-stack.json');
  const template = JSON.parse(readFileSync(file, 'utf8'));
  template.Resources.ApplyDashverdictsLambdaFunction.Properties.Timeout = 13;
  writeFileSync(file, JSON.stringify(template));
  return packageFolder;
}

test('every permission of a role is used, so that no function may do what it need not', () => {
  const unused = allPermissions().filter((permission) => !isUsed(permission) && !isExcepted(permission));
  expect(unused.map(told)).toEqual([]);
});

test('what is left out of that is still granted, and still used by nothing', () => {
  for (const { permission } of exceptions) {
    const meant = allPermissions().filter((each) => permission.test(nameOf(each)));
    expect(meant).not.toEqual([]);
    expect(meant.filter(isUsed).map(told)).toEqual([]);
  }
});

test('no function was refused anything that it asked for', () => {
  const refused = sandbox.calls
    .list({ since: 0, principal: undefined })
    .filter(
      ({ principal, error }) =>
        principal !== 'root' && /AccessDenied|UnauthorizedOperation|AuthorizationError/.test(error ?? ''),
    );
  expect(refused).toEqual([]);
});

function allPermissions(): Permission[] {
  return sandbox.cloud.lambda
    .functions()
    .flatMap(({ name, roleArn }) =>
      (sandbox.cloud.roles.get(roleArn)?.policies ?? [])
        .flatMap(({ Statement }) => [Statement].flat() as Statement[])
        .flatMap((statement) => permissionsIn(statement, name.replace('linkgate-local-', ''))),
    );
}

function permissionsIn(statement: Statement, role: string): Permission[] {
  const partitions = statement.Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
  return listOf(statement.Action).flatMap((action) =>
    listOf(statement.Resource).flatMap((resource): Permission[] => {
      const permission = { role, statement, action, resource };
      if (partitions === undefined) return [permission];
      return listOf(partitions as string | readonly string[]).map((partition) => ({
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
  return usesOf(role).some((access) => isAllowed([{ Statement: alone }], access));
}

/** By its own calls, and by Lambda's on its behalf. */
function usesOf(role: string): readonly Access[] {
  const { roleArn = '' } =
    sandbox.cloud.lambda.functions().find(({ name }) => name === `linkgate-local-${role}`) ?? {};
  return [
    ...(sandbox.awsRequests.granted().get(role) ?? []),
    ...(sandbox.cloud.roles.get(roleArn)?.usedByLambda ?? []),
  ];
}

function isExcepted(permission: Permission): boolean {
  return exceptions.some((exception) => exception.permission.test(nameOf(permission)));
}

function nameOf({ role, action, partition }: Permission): string {
  return [role, action, ...(partition ? [partition] : [])].join(' ');
}

function told(permission: Permission): string {
  return `${nameOf(permission)} on ${permission.resource}: play what needs it in this test, or take it out of resources/roles.cjs`;
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : [value].flat();
}

/** Whatever linkgate can be asked for, and what it does by itself. */
async function everything() {
  await services();
  await requests();
  await lateChanges();
  await sweeps();
  await switches();
  await approvals();
  await questions();
  await endings();
  await principals();
  await farewell();
}

async function services() {
  const busy = await createService(linkgate, false);
  await createEndpoint(linkgate, accounts.unknown, busy);
  await linkgate.idle();
  await linkgate.json('service', 'add', busy);
  await linkgate.idle();
  await linkgate.json('service', 'remove', busy);

  const passing = await createService(linkgate);
  await linkgate.json('service', 'add', passing);
  await linkgate.json('service', 'remove', passing);

  serviceId = await createService(linkgate);
  await linkgate.json('service', 'add', serviceId, '--name', 'payments');
  const ec2 = linkgate.ec2(provider);
  const notification = async () => {
    const filter = { Filters: [{ Name: 'service-id', Values: [serviceId] }] };
    const { ConnectionNotificationSet } = await ec2.send(
      new DescribeVpcEndpointConnectionNotificationsCommand(filter),
    );
    return ConnectionNotificationSet?.[0]?.ConnectionNotificationId ?? '';
  };
  const ConnectionNotificationId = await notification();
  await ec2.send(
    new ModifyVpcEndpointConnectionNotificationCommand({
      ConnectionNotificationId,
      ConnectionEvents: ['Delete'],
    }),
  );
  await linkgate.json('service', 'add', serviceId);
  await linkgate.idle();
  // CloudTrail's record of it names no service, so that every one is looked at.
  await ec2.send(
    new DeleteVpcEndpointConnectionNotificationsCommand({
      ConnectionNotificationIds: [await notification()],
    }),
  );
  await ec2.send(new DeleteTagsCommand({ Resources: [serviceId], Tags: [{ Key: 'linkgate' }] }));
  await linkgate.idle();
  await linkgate.json('service', 'add', serviceId);
  await linkgate.json('pause', serviceId);
  await linkgate.json('resume', serviceId);
}

async function requests() {
  await linkgate.json('allow', accounts.allowed, '--service', serviceId);
  await linkgate.json('block', accounts.blocked, '--service', '*');
  await linkgate.json('allow', accounts.counted, '--service', serviceId, '--max-endpoints', '1');
  await linkgate.json('allow', '666666666666', '--service', serviceId);
  await linkgate.json('forget', '666666666666', '--service', serviceId);
  await connect(accounts.blocked);
  const counted = await connect(accounts.counted);
  await linkgate.json('approve', await connect(accounts.unknown));
  await linkgate.json('deny', await connect(accounts.unknown), '--reason', 'no contract');
  await linkgate.json('approve', await connect(accounts.counted));
  await linkgate.idle();
  await disconnect(accounts.counted, counted);
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notificationBody: 'no-ids' });
  await connect(accounts.allowed);
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notificationBody: 'text' });
}

/** Verdicts that change while they are due, calls that EC2 throttles for as long as a run lasts, one that takes effect late, and one that does at once although it failed. */
async function lateChanges() {
  const accept = { service: 'ec2', action: 'AcceptVpcEndpointConnections', rate: 1 };
  await linkgate.ask('PUT', '/_sandbox/faults', [{ ...accept, error: 'RequestLimitExceeded' }]);
  await createEndpoint(linkgate, accounts.allowed, serviceId);
  await until(() => callsOf('apply-verdicts').some(({ action }) => action === 'SendMessage'));
  await linkgate.json('forget', accounts.allowed, '--service', serviceId);
  await until(() =>
    callsOf('decide-connections').some(({ params }) => JSON.stringify(params).includes('"Delete"')),
  );
  await linkgate.ask('DELETE', '/_sandbox/faults');
  await linkgate.json('allow', accounts.allowed, '--service', serviceId);
  await linkgate.idle();

  await linkgate.ask('PUT', '/_sandbox/faults', [{ ...accept, count: 1, error: 'InternalError' }]);
  const late = await connect(accounts.allowed);
  await linkgate.json('block', accounts.allowed, '--service', serviceId);
  await linkgate.idle();
  const command = new AcceptVpcEndpointConnectionsCommand({ ServiceId: serviceId, VpcEndpointIds: [late] });
  await linkgate.ec2(provider).send(command);
  await linkgate.idle();
  await linkgate.json('allow', accounts.allowed, '--service', serviceId);

  await linkgate.ask('PUT', '/_sandbox/assumptions', { pendingAfterMs: 0 });
  await linkgate.ask('PUT', '/_sandbox/faults', [
    { ...accept, count: 1, error: 'InternalError', afterEffect: true },
  ]);
  await connect(accounts.allowed);
}

/** What events missed: connections that are gone, one of them before it was accepted, and a set of counted endpoints that is wrong. */
async function sweeps() {
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notifications: false });
  await linkgate.json('mode', 'observe');
  const gone = await connect(accounts.allowed);
  const goneUnanswered = await connect(accounts.unknown);
  await wholePass();
  await disconnect(accounts.allowed, gone);
  await disconnect(accounts.unknown, goneUnanswered);
  await addToCounted('vpce-00000000000000000');
  for (const _ of ['missing', 'gone']) await wholePass();
  await linkgate.json('mode', 'act');
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notifications: true });
  await linkgate.json('sweep', 'connections');
}

async function wholePass() {
  await linkgate.ask('POST', '/_sandbox/clock', { advanceSeconds: 60 });
  await linkgate.ask('POST', '/_sandbox/schedules/sweep-connections');
}

async function addToCounted(endpointId: string) {
  const credentials = { accessKeyId: provider, secretAccessKey: 'any' };
  const client = new DynamoDBClient({ endpoint: linkgate.url, region: 'us-east-1', credentials });
  await client.send(
    new UpdateItemCommand({
      TableName: 'linkgate-local',
      Key: { pk: { S: `COUNTED#${provider}/us-east-1` }, sk: { S: `${serviceId}#${accounts.counted}` } },
      ConditionExpression: 'attribute_exists(pk)',
      UpdateExpression: 'SET endpointIds = list_append(endpointIds, :more)',
      ExpressionAttributeValues: { ':more': { L: [{ S: endpointId }] } },
    }),
  );
  client.destroy();
}

async function switches() {
  await linkgate.json('mode', 'observe', '--reason', 'a trial');
  await connect(accounts.allowed);
  await linkgate.json('mode', 'act');
  await linkgate.idle();
  await linkgate.json(
    'approvers',
    'set',
    'night',
    '--slack-channel',
    'C01OPS',
    '--slack-user',
    'T01LOCAL:U01ALICE',
  );
}

/**
 * Connections that lose their permission: consumers delete some of them, and of the rest the budget leaves some to people. In the
 * end the table is taken for another one.
 */
async function endings() {
  const service = await createService(linkgate);
  await linkgate.json('service', 'add', service, '--name', 'endings');
  await linkgate.json('allow', accounts.allowed, '--service', service);
  const endpointIds = await Promise.all(
    Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.allowed, service)),
  );
  const [revoked = '', deleted = '', vanished = ''] = endpointIds;
  const byHand = await createEndpoint(linkgate, accounts.unknown, service);
  await linkgate.idle();
  const accept = new AcceptVpcEndpointConnectionsCommand({ ServiceId: service, VpcEndpointIds: [byHand] });
  await linkgate.ec2(provider).send(accept);
  await linkgate.idle();
  await linkgate.json('revoke', revoked, '--reason', 'no contract');
  await linkgate.idle();
  await linkgate.json('forget', accounts.allowed, '--service', service);
  await linkgate.idle();
  await disconnect(accounts.allowed, deleted);
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notifications: false });
  await disconnect(accounts.allowed, vanished);
  for (const _ of ['missing', 'gone']) await wholePass();
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notifications: true });
  await linkgate.ask('POST', '/_sandbox/clock', { advanceSeconds: 72 * 3_600 });
  await wholePass();
  await linkgate.idle();
  await forgetTable();
  await wholePass();
}

async function forgetTable() {
  const credentials = { accessKeyId: provider, secretAccessKey: 'any' };
  const client = new DynamoDBClient({ endpoint: linkgate.url, region: 'us-east-1', credentials });
  const Key = { pk: { S: 'TABLE' }, sk: { S: 'TABLE' } };
  await client.send(new DeleteItemCommand({ TableName: 'linkgate-local', Key }));
  client.destroy();
}

/** linkgate keeps the allowed principals for a while. */
async function principals() {
  await linkgate.json('service', 'add', serviceId, '--principals', 'managed', '--yes');
  await linkgate.idle();
  await linkgate.json('service', 'add', serviceId, '--principals', 'observed');
  await linkgate.idle();
}

/** A person decides what was accepted and is still due, at a service that was taken away before anybody noticed. */
async function farewell() {
  await linkgate.json('mode', 'observe');
  const due = await connect(accounts.allowed);
  await linkgate.ask('PUT', '/_sandbox/faults', [
    { service: 'events', action: 'PutEvents', rate: 1, error: 'InternalFailure' },
  ]);
  await linkgate.json('service', 'remove', serviceId);
  await linkgate.linkgate('approve', due);
  await linkgate.ask('DELETE', '/_sandbox/faults');
}

const channel = 'C01APPROVALS';
const bob = { team: 'T01LOCAL', user: 'U01BOB' };
const toTwo = [
  '--slack-user',
  'T01LOCAL:U01ALICE',
  '--slack-user',
  'T01LOCAL:U01BOB',
  '--slack-channel',
  channel,
];

/** What people are asked and do: in Slack, by mail, and through the API before linkgate has seen the request. */
async function approvals() {
  const { ApiUrl = '' } = sandbox.outputs;
  const { signingSecret, botToken } = sandbox.cloud.slack.credentials;
  await callLinkgate(ApiUrl, provider, 'PUT', '/slack', { signingSecret, botToken });
  await mailboxes();
  // Secrets that were not there are looked for once a minute.
  await linkgate.ask('POST', '/_sandbox/clock', { advanceSeconds: 120 });

  await decideInSlack();
  await decideByMail();
  await decideWhileGroupsChange();

  await disconnect(accounts.unknown, await connect(accounts.unknown));
  await linkgate.ask('POST', '/_sandbox/clock', { advanceSeconds: 120 });
  await Promise.all(Array.from({ length: 12 }, () => createEndpoint(linkgate, accounts.unknown, serviceId)));
  await linkgate.idle();

  await linkgate.json('approvers', 'set', 'default', ...toTwo, '--quorum', '2');
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notifications: false });
  await linkgate.json('approve', await connect(accounts.unknown));
  await linkgate.ask('PUT', '/_sandbox/assumptions', { notifications: true });
}

/** An address that confirms, one whose filter policy somebody takes away, and one that is in the group no more. */
async function mailboxes() {
  const set = ['approvers', 'set', 'default', ...toTwo, '--email', 'approver@example.com'];
  await linkgate.json(...set, '--email', 'former@example.com');
  for (const { text } of sandbox.cloud.mails.list(0)) await fetch(/^http\S+$/m.exec(text)?.[0] ?? '');
  const credentials = { accessKeyId: provider, secretAccessKey: 'any' };
  const sns = new SNSClient({ endpoint: linkgate.url, region: 'us-east-1', credentials });
  const TopicArn = sandbox.outputs.ApprovalsTopicArn;
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  const { SubscriptionArn } = Subscriptions.find(({ Endpoint }) => Endpoint === 'approver@example.com') ?? {};
  const policy = { AttributeName: 'FilterPolicy', AttributeValue: '{}' };
  await sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, ...policy }));
  sns.destroy();
  await linkgate.json(...set);
}

async function clickOn(endpointId: string, action_id: string) {
  const { messages } = await linkgate.ask<{ messages: { ts: string }[] }>(
    'GET',
    `/slack/messages?channel=${channel}`,
  );
  const ts = messages.find((message) => JSON.stringify(message).includes(endpointId))?.ts;
  await linkgate.ask('POST', '/slack/click', { ...bob, channel, ts, action_id });
}

async function decideInSlack() {
  const typed = (text: string) => linkgate.ask('POST', '/slack/command', { ...bob, channel, text });
  const click = async (endpointId: string, action_id: string) => {
    await clickOn(endpointId, action_id);
    await linkgate.idle();
  };
  const endpointId = await connect(accounts.unknown);
  await typed('waiting');
  await typed(`show ${endpointId}`);
  // Opens the modal that asks for the reason.
  await click(endpointId, 'deny');
  await linkgate.ask('POST', '/_sandbox/clock', { advanceSeconds: 2 * 86_400 });
  await wholePass();
  await linkgate.idle();
  await click(endpointId, 'approve-and-allow');
  await linkgate.json('forget', accounts.unknown, '--service', serviceId);
  await click(await connect(accounts.counted), 'approve');
  await typed(`allow ${accounts.unknown} payments`);
  await linkgate.json('forget', accounts.unknown, '--service', serviceId);
}

/** By the newest mail. */
function linkToApprove(): string {
  const { text = '' } = sandbox.cloud.mails.list(0).at(-1) ?? {};
  return new RegExp(`^${sandbox.outputs.ApprovalUrl}\\S+$`, 'm').exec(text)?.[0] ?? '';
}

async function decideByMail() {
  for (const account of [accounts.unknown, accounts.counted]) {
    await connect(account);
    const link = linkToApprove();
    await fetch(link);
    const form = { reason: 'a customer', ...(account === accounts.unknown && { allow: '30' }) };
    await fetch(link, { method: 'POST', body: new URLSearchParams(form) });
    await linkgate.idle();
  }
  await linkgate.json('forget', accounts.unknown, '--service', serviceId);
}

/** The first of two approvals, of a request that waits for another group by now, which nobody has noticed yet. */
async function decideWhileGroupsChange() {
  const bySlack = await connect(accounts.unknown);
  await connect(accounts.unknown);
  const link = linkToApprove();
  await linkgate.ask('PUT', '/_sandbox/faults', [
    { service: 'events', action: 'PutEvents', rate: 1, error: 'InternalFailure' },
  ]);
  const set = ['approvers', 'set', 'pair', ...toTwo, '--email', 'approver@example.com', '--quorum', '2'];
  await linkgate.json(...set);
  await linkgate.json('service', 'add', serviceId, '--approvers', 'pair');
  await clickOn(bySlack, 'approve');
  await fetch(link, { method: 'POST', body: new URLSearchParams({ reason: 'a customer' }) });
  await linkgate.ask('DELETE', '/_sandbox/faults');
  await linkgate.json('service', 'add', serviceId, '--approvers', 'default');
  await linkgate.idle();
}

async function questions() {
  for (const question of [
    ['allowlist'],
    ['approvers', 'list'],
    ['audit', 'verify'],
    ['connections'],
    ['doctor'],
    ['mode'],
    ['service', 'list', '--unregistered'],
    ['service', 'show', serviceId],
  ])
    await linkgate.linkgate(...question, '--json');
}

function callsOf(principal: string) {
  return sandbox.calls.list({ since: 0, principal });
}

async function connect(accountId: string): Promise<string> {
  const endpointId = await createEndpoint(linkgate, accountId, serviceId);
  await linkgate.idle();
  return endpointId;
}

async function disconnect(accountId: string, endpointId: string) {
  await linkgate.ec2(accountId).send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [endpointId] }));
  await linkgate.idle();
}
