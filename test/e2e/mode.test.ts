import {
  AcceptVpcEndpointConnectionsCommand,
  DescribeVpcEndpointConnectionNotificationsCommand,
  RejectVpcEndpointConnectionsCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { callLinkgate } from '../../sandbox/linkgate-api.ts';
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

const { allowed, blocked, unknown } = accounts;

interface Call {
  readonly principal: string;
  readonly service: string;
  readonly action: string;
}

interface Explanation {
  readonly connection: { readonly state: string; readonly differs: string | null };
  readonly verdict: { readonly outcome: string } | null;
  readonly history: readonly { readonly action: string }[];
  readonly next: string;
}

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
}, 60_000);
afterAll(() => sandbox.stop());

const explain = (endpointId: string) => sandbox.json<Explanation>('explain', endpointId);
const listActions = ({ history }: Explanation) => history.map(({ action }) => action);

/** Runs the scheduled sweeps immediately. */
async function sweep(): Promise<void> {
  await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
  await sandbox.idle();
}

/** Returns the calls of functions that change EC2. */
async function changes(): Promise<string[]> {
  const { calls } = await sandbox.ask<{ calls: Call[] }>('GET', '/_sandbox/calls');
  return calls
    .filter(
      ({ service, principal, action }) =>
        service === 'ec2' && principal !== 'root' && !/^Describe/.test(action),
    )
    .map(({ principal, action }) => `${principal} ${action}`);
}

/** A script of the provider that accepts and rejects requests by EC2's API. */
const script = {
  accept: (serviceId: string, endpointId: string) =>
    sandbox
      .ec2(provider)
      .send(new AcceptVpcEndpointConnectionsCommand({ ServiceId: serviceId, VpcEndpointIds: [endpointId] })),
  reject: (serviceId: string, endpointId: string) =>
    sandbox
      .ec2(provider)
      .send(new RejectVpcEndpointConnectionsCommand({ ServiceId: serviceId, VpcEndpointIds: [endpointId] })),
};

describe('beside an existing script, in mode `observe`', () => {
  let serviceId: string;
  /** The consumers by outcome. */
  const endpoints: Record<
    'rejected' | 'accepted' | 'acceptedLate' | 'notAnswered' | 'approved' | 'awaiting',
    string
  > = {
    rejected: '',
    accepted: '',
    acceptedLate: '',
    notAnswered: '',
    approved: '',
    awaiting: '',
  };

  beforeAll(async () => {
    await sandbox.json('mode', 'observe', '--reason', 'beside the old script');
    await sandbox.ask('DELETE', '/_sandbox/calls');
    serviceId = await createService(sandbox);
    await sandbox.json('service', 'add', serviceId, '--name', 'orders');
    await sandbox.json('allow', allowed, '--service', 'orders');
    await sandbox.json('block', blocked, '--service', 'orders');
    await sandbox.idle();
  }, 30_000);

  test('a request that the script answers first gets a verdict that shows the difference', async () => {
    endpoints.rejected = await createEndpoint(sandbox, allowed, serviceId);
    endpoints.accepted = await createEndpoint(sandbox, blocked, serviceId);
    await script.reject(serviceId, endpoints.rejected);
    await script.accept(serviceId, endpoints.accepted);
    await waitUntil(async () => (await describeState(sandbox, endpoints.accepted)) === 'available');
    await sweep();
    const explanation = await explain(endpoints.accepted);
    expect(explanation.verdict?.outcome).toBe('reject');
    expect(listActions(explanation)).toEqual(['requested', 'observed', 'decided']);
    const { connections } = await sandbox.json<{ connections: object[] }>('connections', '--drifted');
    expect(connections).toMatchObject([
      { endpointId: endpoints.rejected, differs: 'linkgate would accept it, and EC2 shows it rejected' },
      { endpointId: endpoints.accepted, differs: 'linkgate would reject it, and EC2 shows it available' },
    ]);
  });

  test('a request that linkgate sees first is decided but not applied, and the script’s answer is recorded', async () => {
    endpoints.acceptedLate = await createEndpoint(sandbox, blocked, serviceId);
    endpoints.notAnswered = await createEndpoint(sandbox, allowed, serviceId);
    await sweep();
    expect(await explain(endpoints.notAnswered)).toMatchObject({
      connection: {
        state: 'pendingAcceptance',
        differs: 'linkgate would accept it, and EC2 still shows it pendingAcceptance',
      },
      next: expect.stringContaining('Its mode is observe'),
    });
    await script.accept(serviceId, endpoints.acceptedLate);
    await waitUntil(async () => (await describeState(sandbox, endpoints.acceptedLate)) === 'available');
    await sweep();
    const explanation = await explain(endpoints.acceptedLate);
    expect(listActions(explanation)).toEqual(['requested', 'decided', 'observed']);
    expect(explanation.connection.differs).toContain('linkgate would reject it');
  });

  test('a decision is recorded, and the response states that EC2 is not changed', async () => {
    endpoints.approved = await createEndpoint(sandbox, unknown, serviceId);
    endpoints.awaiting = await createEndpoint(sandbox, unknown, serviceId);
    await sweep();
    const { exitCode, stderr } = await sandbox.linkgate('approve', endpoints.approved, '--reason', 'known');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('mode is observe');
    await sweep();
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
  }, 30_000);

  test('back in mode `enforce` the service gets its tag and notification, and pending requests are decided again and applied', async () => {
    await sandbox.json('mode', 'enforce', '--reason', 'the script is gone');
    await sandbox.idle();
    // linkgate retries a call to EC2 a minute later if the tag was not visible yet.
    await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 61 });
    await sweep();
    await waitUntil(async () => (await describeState(sandbox, endpoints.notAnswered)) === 'available');
    await waitUntil(async () => (await describeState(sandbox, endpoints.approved)) === 'available');
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
    const steps = listActions(await explain(endpoints.notAnswered));
    expect(steps.slice(0, 3)).toEqual(['requested', 'decided', 'decided']);
    expect(steps.at(-1)).toBe('applied');
    expect(listActions(await explain(endpoints.awaiting))).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  }, 30_000);

  test('requests that the script rejected stay rejected, and a blocked one that it accepted is disconnected', async () => {
    for (const endpointId of [endpoints.accepted, endpoints.acceptedLate])
      await waitUntil(async () => (await describeState(sandbox, endpointId)) === 'rejected');
    await sweep();
    expect(await describeState(sandbox, endpoints.rejected)).toBe('rejected');
    expect(listActions(await explain(endpoints.accepted)).at(-1)).toBe('disconnected');
  });

  test('in mode `enforce` a connection accepted outside linkgate stays, and awaits approval', async () => {
    await sandbox.ask('PUT', '/_sandbox/faults', [{ delivery: 'sns', rate: 1, drop: true }]);
    const endpointId = await createEndpoint(sandbox, unknown, serviceId);
    await script.accept(serviceId, endpointId);
    await waitUntil(async () => (await describeState(sandbox, endpointId)) === 'available');
    await sandbox.ask('DELETE', '/_sandbox/faults');
    await sandbox.json('sweep', 'connections');
    await sandbox.idle();
    expect(await describeState(sandbox, endpointId)).toBe('available');
    expect(listActions(await explain(endpointId))).toEqual([
      'requested',
      'observed',
      'decided',
      'approval-requested',
    ]);
  });
});

describe('a paused service', () => {
  let serviceId: string;

  beforeAll(async () => {
    serviceId = await createService(sandbox);
    await sandbox.json('service', 'add', serviceId, '--name', 'paused');
    await sandbox.json('allow', allowed, '--service', 'paused');
    await sandbox.idle();
  }, 30_000);

  test('holds every request, also those with a pending effect', async () => {
    await sandbox.ask('PUT', '/_sandbox/faults', [
      { service: 'ec2', action: 'AcceptVpcEndpointConnections', rate: 1, error: 'RequestLimitExceeded' },
    ]);
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    await waitUntil(async () => (await explain(endpointId)).verdict?.outcome === 'accept');
    await sandbox.json('pause', 'paused', '--reason', 'incident 7');
    await waitUntil(async () => (await explain(endpointId)).verdict?.outcome === 'hold');
    await sandbox.ask('DELETE', '/_sandbox/faults');
    await sandbox.idle();
    await sweep();
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect(await explain(endpointId)).toMatchObject({
      verdict: {
        findings: [{ rule: 'service-is-paused', reason: expect.stringContaining('incident 7') }, {}],
      },
      next: expect.stringContaining('linkgate resume paused'),
    });
    const { stdout } = await sandbox.linkgate('service', 'list');
    expect(stdout).toContain('paused by root');

    await sandbox.json('resume', 'paused');
    await waitUntil(async () => (await describeState(sandbox, endpointId)) === 'available');
  }, 30_000);
});

describe('approvers', () => {
  test('exist from the start', async () => {
    expect(await sandbox.json('approvers', 'list')).toMatchObject({
      groups: [
        {
          name: 'default',
          quorum: 1,
          slackChannel: 'C01APPROVALS',
          slackUsers: [
            { team: 'T01LOCAL', user: 'U01ALICE' },
            { team: 'T01LOCAL', user: 'U01BOB' },
          ],
          emails: ['approver@example.com'],
        },
        { name: 'ops' },
      ],
    });
  });

  test('with a quorum of two leave a request open after one approval; a second approval or a denial closes it', async () => {
    await sandbox.json(
      'approvers',
      'set',
      'two',
      '--email',
      'a@example.com',
      '--email',
      'b@example.com',
      '--quorum',
      '2',
    );
    const serviceId = await createService(sandbox);
    await sandbox.json('service', 'add', serviceId, '--approvers', 'two');
    const endpointId = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.idle();
    const approve = () => sandbox.json('approve', endpointId);
    expect(await approve()).toMatchObject({ decision: { verdict: 'ask', approvals: 1, quorum: 2 } });
    expect(await approve()).toMatchObject({ decision: { verdict: 'ask', approvals: 1, quorum: 2 } });
    await sandbox.json('deny', endpointId, '--reason', 'no contract');
    await waitUntil(async () => (await describeState(sandbox, endpointId)) === 'rejected');

    const another = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.idle();
    await sandbox.json('approve', another);
    const { ApiUrl = '' } = await sandbox.ask<Record<string, string>>('GET', '/_sandbox/outputs');
    const path = `/connections/${another}/decision`;
    await callLinkgate(ApiUrl, `${provider}.bob`, 'POST', path, { decision: 'approve' });
    await waitUntil(async () => (await describeState(sandbox, another)) === 'available');
  });
});
