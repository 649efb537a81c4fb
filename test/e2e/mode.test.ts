import {
  AcceptVpcEndpointConnectionsCommand,
  DescribeVpcEndpointConnectionNotificationsCommand,
  RejectVpcEndpointConnectionsCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accounts, createEndpoint, createService, describeState, provider, startSandbox } from './sandbox.ts';

const { allowed, blocked, unknown } = accounts;

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

/** Returns the calls of functions that change EC2. */
async function changes(): Promise<string[]> {
  return (await sandbox.calls())
    .filter(
      ({ service, principal, action }) =>
        service === 'ec2' && principal !== 'root' && !/^Describe/.test(action),
    )
    .map(({ principal, action }) => `${principal} ${action}`);
}

/** Answers a request by EC2's API, like a script of the provider. */
function answer(
  Command: typeof AcceptVpcEndpointConnectionsCommand | typeof RejectVpcEndpointConnectionsCommand,
  endpointId: string,
) {
  return sandbox.ec2(provider).send(new Command({ ServiceId: serviceId, VpcEndpointIds: [endpointId] }));
}

describe('beside an existing script, in mode `observe`', () => {
  /** The consumers by outcome. */
  const endpoints = { rejected: '', accepted: '', notAnswered: '', approved: '', awaiting: '' };

  beforeAll(async () => {
    await sandbox.json('mode', 'observe', '--reason', 'beside the old script');
    await sandbox.ask('DELETE', '/_sandbox/calls');
    await sandbox.json('service', 'add', serviceId, '--name', 'orders');
    await sandbox.json('allow', allowed, '--service', 'orders');
    await sandbox.json('block', blocked, '--service', 'orders');
    await sandbox.idle();
  }, 120_000);

  test('a request that the script answers first gets a verdict that shows the difference', async () => {
    endpoints.rejected = await createEndpoint(sandbox, allowed, serviceId);
    endpoints.accepted = await createEndpoint(sandbox, blocked, serviceId);
    await answer(RejectVpcEndpointConnectionsCommand, endpoints.rejected);
    await answer(AcceptVpcEndpointConnectionsCommand, endpoints.accepted);
    await sandbox.waitForState(endpoints.accepted, 'available');
    await sandbox.sweep();
    expect(await sandbox.listActions(endpoints.accepted)).toEqual(['requested', 'observed', 'decided']);
    expect(await sandbox.json('connections', '--drifted')).toMatchObject({
      connections: [
        { endpointId: endpoints.rejected, differs: 'linkgate would accept it, and EC2 shows it rejected' },
        { endpointId: endpoints.accepted, differs: 'linkgate would reject it, and EC2 shows it available' },
      ],
    });
  });

  test('a request that linkgate sees first is decided but not applied, and so is a decision of a person', async () => {
    endpoints.notAnswered = await createEndpoint(sandbox, allowed, serviceId);
    endpoints.approved = await createEndpoint(sandbox, unknown, serviceId);
    endpoints.awaiting = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.sweep();
    expect(await sandbox.explain(endpoints.notAnswered)).toMatchObject({
      connection: {
        state: 'pendingAcceptance',
        differs: 'linkgate would accept it, and EC2 still shows it pendingAcceptance',
        nextStep: expect.stringContaining("linkgate's mode is observe"),
      },
    });
    const { exitCode, stderr } = await sandbox.linkgate('approve', endpoints.approved, '--reason', 'known');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('mode is observe') });
    await sandbox.sweep();
    expect(await describeState(sandbox, endpoints.approved)).toBe('pendingAcceptance');
  });

  test('no API call makes a function change EC2', async () => {
    const other = await createService(sandbox);
    const commands = [
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
    ];
    for (const command of commands) await sandbox.json(...command);
    await sandbox.idle();
    expect(await changes()).toEqual([]);
  }, 120_000);

  test('back in mode `enforce` the service gets its tag and notification, and pending requests are decided again and applied', async () => {
    await sandbox.json('mode', 'enforce', '--reason', 'the script is gone');
    await sandbox.idle();
    // linkgate retries a call to EC2 a minute later if the tag was not visible yet.
    await sandbox.advanceClock(61);
    await sandbox.sweep();
    await sandbox.waitForState(endpoints.notAnswered, 'available');
    await sandbox.waitForState(endpoints.approved, 'available');
    await sandbox.idle();
    expect(await changes()).toEqual(
      expect.arrayContaining([
        'on-api-request CreateTags',
        'on-api-request CreateVpcEndpointConnectionNotification',
      ]),
    );
    const { ConnectionNotificationSet } = await sandbox
      .ec2(provider)
      .send(new DescribeVpcEndpointConnectionNotificationsCommand({}));
    expect(ConnectionNotificationSet).toMatchObject([{ ServiceId: serviceId }]);
    const actions = await sandbox.listActions(endpoints.notAnswered);
    expect(actions.slice(0, 3)).toEqual(['requested', 'decided', 'decided']);
    expect(actions.at(-1)).toBe('applied');
    expect(await sandbox.listActions(endpoints.awaiting)).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  }, 120_000);

  test('a request that the script rejected stays rejected, and a blocked one that it accepted is disconnected', async () => {
    await sandbox.waitForState(endpoints.accepted, 'rejected');
    await sandbox.sweep();
    expect(await describeState(sandbox, endpoints.rejected)).toBe('rejected');
    expect((await sandbox.listActions(endpoints.accepted)).at(-1)).toBe('disconnected');
  });
});
