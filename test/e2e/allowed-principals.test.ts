import {
  DescribeVpcEndpointServicePermissionsCommand,
  ModifyVpcEndpointServicePermissionsCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accounts, createService, provider, startSandbox, waitUntil } from './sandbox.ts';

const root = `arn:aws:iam::${accounts.allowed}:root`;
const role = 'arn:aws:iam::333333333333:role/ServiceConsumerRole';
const organization = 'arn:aws:organizations::111111111111:organization/o-abc123';

interface ServiceView {
  readonly service: { readonly drift: readonly { readonly check: string; readonly detail: string }[] };
}

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

beforeAll(async () => {
  await modify({ RemoveAllowedPrincipals: ['*'], AddAllowedPrincipals: [root, role] });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.json('allow', accounts.allowed, '--service', 'payments');
  await sandbox.idle();
}, 60_000);

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

async function waitUntilDrift(matches: (findings: ServiceView['service']['drift']) => boolean) {
  await waitUntil(async () => {
    const { service } = await sandbox.json<ServiceView>('service', 'show', 'payments');
    return matches(service.drift);
  });
}

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
  await sandbox.advanceClock(3_700);
  await waitUntil(async () => String(await principals()) === other);
  await waitUntilDrift((findings) => findings.length === 0);
}, 60_000);

test('an organization that a person allows is tried once, and the refusal of EC2 is reported', async () => {
  await manage('--other-principal', organization, '--yes');
  await waitUntilDrift((findings) => findings.some(({ detail }) => detail.includes('AWS documents no way')));
}, 60_000);

test('linkgate ignores CloudTrail events of its own changes', async () => {
  await sandbox.idle();
  const changes = (await sandbox.calls()).filter(
    ({ action }) => action === 'ModifyVpcEndpointServicePermissions',
  );
  expect(new Set(changes.map(({ principal }) => principal))).toEqual(new Set(['root', 'check-service']));
});
