import {
  DescribeVpcEndpointServicePermissionsCommand,
  ModifyVpcEndpointServicePermissionsCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accounts, createService, provider, type Sandbox, startSandbox, waitUntil } from './sandbox.ts';

const root = `arn:aws:iam::${accounts.allowed}:root`;
const role = 'arn:aws:iam::333333333333:role/ServiceConsumerRole';
const organization = 'arn:aws:organizations::111111111111:organization/o-abc123';

interface ServiceView {
  readonly service: { readonly drift: readonly { readonly check: string; readonly detail: string }[] };
}

let sandbox: Sandbox;
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  serviceId = await createService(sandbox);
  await modify({ RemoveAllowedPrincipals: ['*'] });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.idle();
}, 60_000);
afterAll(() => sandbox.stop());

function modify(change: { AddAllowedPrincipals?: string[]; RemoveAllowedPrincipals?: string[] }) {
  return sandbox
    .ec2(provider)
    .send(new ModifyVpcEndpointServicePermissionsCommand({ ServiceId: serviceId, ...change }));
}

async function principals(): Promise<(string | undefined)[]> {
  const { AllowedPrincipals = [] } = await sandbox
    .ec2(provider)
    .send(new DescribeVpcEndpointServicePermissionsCommand({ ServiceId: serviceId }));
  return AllowedPrincipals.map(({ Principal }) => Principal);
}

async function drift() {
  const { service } = await sandbox.json<ServiceView>('service', 'show', 'payments');
  return service.drift;
}

async function waitUntilDrift(
  matches: (findings: Awaited<ReturnType<typeof drift>>) => boolean,
): Promise<void> {
  await waitUntil(async () => matches(await drift()));
}

test('a principal that a person added in EC2 is reported as drift, with actor and time', async () => {
  await modify({ AddAllowedPrincipals: [root] });
  await modify({ AddAllowedPrincipals: [role] });
  await expect(modify({ AddAllowedPrincipals: [organization] })).rejects.toMatchObject({
    name: 'InvalidPrincipal',
  });
  await waitUntilDrift((findings) =>
    findings.some(
      ({ detail }) =>
        detail.includes(`added by arn:aws:iam::${provider}:root at `) && detail.includes(`${role} (role)`),
    ),
  );
  await sandbox.json('allow', accounts.allowed, '--service', 'payments');
  await waitUntilDrift((findings) => findings.length === 1 && !findings[0]?.detail.includes(root));
  expect(await drift()).toMatchObject([{ check: 'principals-not-in-allowlist' }]);
  expect(await principals()).toEqual([root, role]);
});

function manage(...flags: string[]) {
  return sandbox.linkgate('service', 'add', serviceId, '--principals', 'managed', ...flags);
}

test('managed principals follow the allowlist, and unknown ones are removed after the grace period', async () => {
  expect(await manage('--grace', '1h')).toMatchObject({ exitCode: 3 });
  await waitUntilDrift((findings) => findings.some(({ check }) => check === 'principals-pending-approval'));
  expect(await principals()).toEqual([root, role]);
  expect(await manage('--yes')).toMatchObject({ exitCode: 0 });
  await sandbox.json('allow', accounts.unknown, '--service', 'payments');
  await sandbox.json('allowlist', 'remove', accounts.allowed, '--service', 'payments');
  const other = `arn:aws:iam::${accounts.unknown}:root`;
  await waitUntil(async () => String(await principals()) === String([role, other]));
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 3_700 });
  await waitUntil(async () => String(await principals()) === other);
  await waitUntilDrift((findings) => findings.length === 0);
}, 60_000);

test('an organization that a person allows is tried once, and the refusal of EC2 is reported', async () => {
  await manage('--other-principal', organization, '--yes');
  await waitUntilDrift((findings) => findings.some(({ detail }) => detail.includes('AWS documents no way')));
}, 60_000);

test('linkgate ignores CloudTrail events of its own changes', async () => {
  await sandbox.idle();
  const { calls } = await sandbox.ask<{ calls: { principal: string; action: string }[] }>(
    'GET',
    '/_sandbox/calls',
  );
  const changes = calls.filter(({ action }) => action === 'ModifyVpcEndpointServicePermissions');
  expect(new Set(changes.map(({ principal }) => principal))).toEqual(new Set(['root', 'check-service']));
});
