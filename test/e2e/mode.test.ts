import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accounts, createEndpoint, createService, describeState, startSandbox } from './sandbox.ts';

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

const timeoutMs = 120_000;
const endpoints = { allowed: '', approved: '', waiting: '' };

beforeAll(async () => {
  await sandbox.json('mode', 'observe', '--reason', 'beside the old script');
  await sandbox.ask('DELETE', '/_sandbox/calls');
  await sandbox.json('service', 'add', serviceId, '--name', 'orders');
  await sandbox.json('allow', accounts.allowed, '--service', 'orders');
}, timeoutMs);

/** Returns the calls of functions that change EC2. */
async function listEc2Changes(): Promise<string[]> {
  return (await sandbox.calls())
    .filter(
      ({ service, principal, action }) =>
        service === 'ec2' && principal !== 'root' && !/^Describe/.test(action),
    )
    .map(({ principal, action }) => `${principal} ${action}`);
}

test(
  'in mode `observe` requests are decided, also by people, and neither they nor any API call change EC2',
  async () => {
    endpoints.allowed = await createEndpoint(sandbox, accounts.allowed, serviceId);
    endpoints.approved = await createEndpoint(sandbox, accounts.unknown, serviceId);
    endpoints.waiting = await createEndpoint(sandbox, accounts.unknown, serviceId);
    await sandbox.sweep();
    const { exitCode, stderr } = await sandbox.linkgate('approve', endpoints.approved, '--reason', 'known');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('mode is observe') });

    const other = await createService(sandbox);
    for (const command of [
      ['setup'],
      ['service', 'add', other, '--name', 'other'],
      ['allow', '555555555555', '--service', '*', '--max-endpoints', '1'],
      ['allowlist', 'remove', '555555555555', '--service', '*'],
      ['pause', 'other'],
      ['resume', 'other'],
      ['approvers', 'set', 'ops', '--email', 'ops@example.com'],
      ['sweep', 'connections'],
      ['service', 'remove', 'other'],
      ['mode', 'observe'],
    ])
      await sandbox.json(...command);
    await sandbox.sweep();
    for (const endpointId of Object.values(endpoints))
      expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect(await sandbox.explain(endpoints.allowed)).toMatchObject({
      connection: {
        differs: 'linkgate would accept it, and EC2 still shows it pendingAcceptance',
        nextStep: expect.stringContaining("linkgate's mode is observe"),
      },
    });
    expect(await listEc2Changes()).toEqual([]);
  },
  timeoutMs,
);

test(
  'back in mode `enforce` the service gets its tag and notification, and requests are decided again and applied',
  async () => {
    await sandbox.json('mode', 'enforce', '--reason', 'the script is gone');
    await sandbox.idle();
    // linkgate retries a call to EC2 a minute later if the tag was not visible yet.
    await sandbox.advanceClock(61);
    await sandbox.sweep();
    await sandbox.waitForState(endpoints.allowed, 'available');
    await sandbox.waitForState(endpoints.approved, 'available');
    expect(await listEc2Changes()).toEqual(
      expect.arrayContaining([
        'on-api-request CreateTags',
        'on-api-request CreateVpcEndpointConnectionNotification',
      ]),
    );
    const actions = await sandbox.listActions(endpoints.allowed);
    expect(actions.slice(0, 3)).toEqual(['requested', 'decided', 'decided']);
    expect(actions.at(-1)).toBe('applied');
    expect(await sandbox.listActions(endpoints.waiting)).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  },
  timeoutMs,
);
