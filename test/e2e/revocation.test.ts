import {
  AcceptVpcEndpointConnectionsCommand,
  RejectVpcEndpointConnectionsCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  accounts,
  createEndpoint,
  createService,
  describeState,
  provider,
  type Sandbox,
  startSandbox,
  waitUntil,
} from './sandbox.ts';

const { allowed, blocked, unknown, limited } = accounts;
const hour = 3600;

interface Explanation {
  readonly connection: { readonly state: string };
  readonly history: readonly {
    readonly action: string;
    readonly actor: string;
    readonly disconnectAt?: string;
  }[];
  readonly next: string;
}

let sandbox: Sandbox;
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
}, 60_000);
afterAll(() => sandbox.stop());

async function connect(accountId: string): Promise<string> {
  const endpointId = await createEndpoint(sandbox, accountId, serviceId);
  await waitForState(endpointId, 'available');
  await sandbox.idle();
  return endpointId;
}

const waitForState = (endpointId: string, state: string) =>
  waitUntil(async () => (await describeState(sandbox, endpointId)) === state);

const listActions = async (endpointId: string) => {
  await sandbox.idle();
  return (await sandbox.json<Explanation>('explain', endpointId)).history.map(({ action }) => action);
};

async function advanceHours(hours: number): Promise<void> {
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: hours * hour });
  await sandbox.idle();
}

const findMessages = async (channel: string, endpointId: string) => {
  const path = `/slack/messages?channel=${channel}`;
  const { messages } = await sandbox.ask<{ messages: readonly object[] }>('GET', path);
  return messages.filter((message) => JSON.stringify(message).includes(endpointId));
};

describe('a connection whose entry is removed', () => {
  test('is scheduled at once, disconnected after the grace period, and has both in its history', async () => {
    await sandbox.json('allow', allowed, '--service', 'payments');
    const endpointId = await connect(allowed);
    const { stderr } = await sandbox.linkgate('allowlist', 'remove', allowed, '--service', 'payments');
    expect(stderr + (await listActions(endpointId)).join()).toContain('disconnect-scheduled');
    await waitUntil(async () => (await findMessages('C01APPROVALS', endpointId)).length === 1);

    await advanceHours(71);
    expect(await describeState(sandbox, endpointId)).toBe('available');
    await advanceHours(2);
    await waitForState(endpointId, 'rejected');
    const actions = await listActions(endpointId);
    expect(actions.slice(0, 6)).toEqual([
      'requested',
      'decided',
      'applying',
      'applied',
      'disconnect-scheduled',
      'approval-requested',
    ]);
    expect(actions.slice(-2)).toEqual(['applying', 'disconnected']);
  });

  test('stays if the account is allowed again in the grace period', async () => {
    await sandbox.json('allow', allowed, '--service', 'payments');
    const endpointId = await connect(allowed);
    await sandbox.linkgate('allowlist', 'remove', allowed, '--service', 'payments');
    await waitUntil(async () => (await listActions(endpointId)).includes('disconnect-scheduled'));
    await sandbox.json('allow', allowed, '--service', 'payments');
    await waitUntil(async () => (await listActions(endpointId)).at(-1) === 'extended');
    await advanceHours(100);
    expect(await describeState(sandbox, endpointId)).toBe('available');
  });
});

test('a block disconnects at once, and lists the connections', async () => {
  await sandbox.json('allow', blocked, '--service', 'payments');
  const endpointId = await connect(blocked);
  const { stdout, stderr } = await sandbox.linkgate('block', blocked, '--service', 'payments');
  expect(stdout + stderr).toContain(endpointId);
  await waitForState(endpointId, 'rejected');
});

test('a connection accepted outside linkgate awaits approval, and is disconnected after revoke', async () => {
  const endpointId = await createEndpoint(sandbox, unknown, serviceId);
  await sandbox.idle();
  await sandbox
    .ec2(provider)
    .send(new AcceptVpcEndpointConnectionsCommand({ ServiceId: serviceId, VpcEndpointIds: [endpointId] }));
  await waitForState(endpointId, 'available');
  await sandbox.idle();
  await sandbox.linkgate('sweep', 'connections');
  await advanceHours(1);
  const { connections } = await sandbox.json<{ connections: readonly { endpointId: string }[] }>(
    'connections',
    '--waiting',
  );
  expect(connections.map((connection) => connection.endpointId)).toContain(endpointId);
  await sandbox.json('revoke', endpointId, '--now', '--reason', 'not a customer');
  await waitForState(endpointId, 'rejected');
});

test('a lower endpoint limit disconnects the newest connections', async () => {
  await sandbox.json('allow', limited, '--service', 'payments', '--max-endpoints', '2');
  const [first, second] = [await connect(limited), await connect(limited)];
  await sandbox.json('allow', limited, '--service', 'payments', '--max-endpoints', '1');
  await waitUntil(async () => (await listActions(second)).includes('disconnect-scheduled'));
  await advanceHours(73);
  await waitForState(second, 'rejected');
  expect(await describeState(sandbox, first)).toBe('available');
});

test('a connection that somebody rejects in EC2 is only recorded', async () => {
  const endpointId = await connect(allowed);
  await sandbox
    .ec2(provider)
    .send(new RejectVpcEndpointConnectionsCommand({ ServiceId: serviceId, VpcEndpointIds: [endpointId] }));
  await waitUntil(async () => (await listActions(endpointId)).at(-1) === 'observed');
});

test('a lockdown disconnects all connections of an account, and lists them', async () => {
  const endpointIds = [await connect(allowed), await connect(allowed)];
  const report = await sandbox.json<{ disconnected: readonly { endpointId: string }[] }>(
    ...['lockdown', allowed, '--reason', 'incident', '--yes'],
  );
  expect(report.disconnected.map(({ endpointId }) => endpointId)).toEqual(
    expect.arrayContaining(endpointIds),
  );
  for (const endpointId of endpointIds) expect(await describeState(sandbox, endpointId)).toBe('rejected');
  expect(sandbox.output()).not.toContain('AccessDenied');
});
