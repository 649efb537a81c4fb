import {
  AcceptVpcEndpointConnectionsCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DeleteVpcEndpointsCommand,
  DescribeVpcEndpointConnectionNotificationsCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
  ModifyVpcEndpointConnectionNotificationCommand,
  ModifyVpcEndpointServiceConfigurationCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
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

interface Explanation {
  connection: { state: string };
  verdict: { outcome: string; findings: { rule: string; outcome: string; reason: string }[] } | null;
  history: { action: string; actor: string; time: string }[];
}

interface Call {
  principal: string;
  service: string;
  action: string;
  status: number;
  error?: string;
}

let sandbox: Sandbox;
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
}, 60_000);
afterAll(() => sandbox.stop());

/** Registers a service with one allowed account and one blocked account. */
async function aRegisteredService(): Promise<string> {
  const id = await createService(sandbox);
  await sandbox.json('service', 'add', id);
  await sandbox.json('allow', allowed, '--service', id);
  await sandbox.json('block', blocked, '--service', id);
  await sandbox.idle();
  return id;
}

const explain = (endpointId: string) => sandbox.json<Explanation>('explain', endpointId);
const listActions = ({ history }: Explanation) => history.map(({ action }) => action);

async function accept(service: string, endpointId: string): Promise<void> {
  await sandbox
    .ec2(provider)
    .send(new AcceptVpcEndpointConnectionsCommand({ ServiceId: service, VpcEndpointIds: [endpointId] }));
}

async function waitForState(endpointId: string, state: string): Promise<void> {
  await waitUntil(async () => (await describeState(sandbox, endpointId)) === state);
}

describe('a connection request', () => {
  beforeAll(async () => {
    serviceId = await aRegisteredService();
  }, 30_000);

  test('of an allowed account is accepted, and its history has the reason', async () => {
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    await waitForState(endpointId, 'available');
    await sandbox.idle();
    const explanation = await explain(endpointId);
    expect(explanation.verdict).toMatchObject({
      outcome: 'accept',
      findings: [{ rule: 'account-is-allowed', outcome: 'accept' }],
    });
    expect(listActions(explanation)).toEqual(['requested', 'decided', 'applying', 'applied']);
  });

  test('of a blocked account is rejected', async () => {
    const endpointId = await createEndpoint(sandbox, blocked, serviceId);
    await waitForState(endpointId, 'rejected');
    await sandbox.idle();
    const explanation = await explain(endpointId);
    expect(explanation.verdict?.outcome).toBe('reject');
    expect(listActions(explanation)).toEqual(['requested', 'decided', 'applying', 'applied']);
  });

  test('of an unknown account awaits approval, and is accepted after it', async () => {
    const endpointId = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.idle();
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect((await explain(endpointId)).verdict?.outcome).toBe('ask');
    const { connections } = await sandbox.json<{ connections: object[] }>('connections', '--waiting');
    expect(connections).toMatchObject([{ endpointId, ownerAccountId: unknown, verdict: 'ask' }]);

    await sandbox.json('approve', endpointId, '--reason', 'signed the contract');
    await waitForState(endpointId, 'available');
    await sandbox.idle();
    const explanation = await explain(endpointId);
    expect(listActions(explanation)).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'approved',
      'applying',
      'applied',
    ]);
    expect(explanation.history[3]?.actor).toBe('arn:aws:iam::111111111111:root');
  });

  test('is rejected after a denial, and cannot be decided again', async () => {
    const endpointId = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.idle();
    await sandbox.json('deny', endpointId, '--reason', 'no contract');
    await waitForState(endpointId, 'rejected');
    const { exitCode, stderr } = await sandbox.linkgate('approve', endpointId);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('denied it at');
    expect(stderr).toContain('no contract');
  });

  test('that awaits approval is accepted when its account is allowed', async () => {
    const account = '055555555555';
    const endpointId = await createEndpoint(sandbox, account, serviceId);
    await sandbox.idle();
    await sandbox.json('allow', account, '--service', serviceId);
    await waitForState(endpointId, 'available');
  });

  test('that awaits approval is rejected when its account is blocked', async () => {
    const account = '666666666666';
    const endpointId = await createEndpoint(sandbox, account, serviceId);
    await sandbox.idle();
    await sandbox.json('block', account, '--service', '*');
    await waitForState(endpointId, 'rejected');
  });

  test('of two at once is accepted once with --max-endpoints 1, and the other one awaits approval', async () => {
    const account = '777777777777';
    await sandbox.json('allow', account, '--service', serviceId, '--max-endpoints', '1');
    await sandbox.idle();
    const endpointIds = await Promise.all([
      createEndpoint(sandbox, account, serviceId),
      createEndpoint(sandbox, account, serviceId),
    ]);
    await sandbox.idle();
    const outcomes = await Promise.all(endpointIds.map(async (id) => (await explain(id)).verdict?.outcome));
    expect(outcomes.sort()).toEqual(['accept', 'ask']);
  });

  test('is decided by one of two concurrent decisions, and the other one is refused', async () => {
    const endpointId = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.idle();
    const results = await Promise.all([
      sandbox.linkgate('approve', endpointId, '--reason', 'yes'),
      sandbox.linkgate('deny', endpointId, '--reason', 'no'),
    ]);
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    const loser = results.find(({ exitCode }) => exitCode === 1);
    expect(loser?.stderr).toMatch(/arn:aws:iam::111111111111:root (approved|denied) it at \d{4}/);
    await sandbox.idle();
    const closing = listActions(await explain(endpointId)).filter((action) => /approved|denied/.test(action));
    expect(closing).toHaveLength(1);
  });

  test('of a service without notifications is decided by the sweep', async () => {
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notifications: false });
    const endpointIds = await Promise.all(
      [allowed, blocked].map((account) => createEndpoint(sandbox, account, serviceId)),
    );
    await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 60 });
    await Promise.all([
      waitForState(endpointIds[0] ?? '', 'available'),
      waitForState(endpointIds[1] ?? '', 'rejected'),
    ]);
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notifications: true });
  });
});

describe('changes outside linkgate', () => {
  test('a connection from before the registration is recorded, and stays until its account is blocked', async () => {
    const older = await createService(sandbox);
    const [connected, pending] = [
      await createEndpoint(sandbox, blocked, older),
      await createEndpoint(sandbox, unknown, older),
    ];
    await accept(older, connected);
    await waitForState(connected, 'available');
    await sandbox.json('service', 'add', older);
    await sandbox.json('sweep', 'connections');
    await sandbox.idle();
    expect(await explain(connected)).toMatchObject({
      connection: { state: 'available' },
      verdict: null,
      history: [{ action: 'observed' }],
    });
    expect((await explain(pending)).verdict?.outcome).toBe('ask');
    await sandbox.json('block', blocked, '--service', older);
    await waitForState(connected, 'rejected');
  });

  test('a request that somebody accepts in EC2 is recorded as accepted outside linkgate', async () => {
    const endpointId = await createEndpoint(sandbox, unknown, serviceId);
    await sandbox.idle();
    await accept(serviceId, endpointId);
    await waitForState(endpointId, 'available');
    await sandbox.idle();
    expect(listActions(await explain(endpointId))).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'observed',
    ]);
    const { exitCode, stderr } = await sandbox.linkgate('approve', endpointId);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/EC2 shows it `(pending|available)`/);
  });

  test('an endpoint that its consumer deletes is recorded as deleted', async () => {
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    await waitForState(endpointId, 'available');
    await sandbox.ec2(allowed).send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [endpointId] }));
    await waitUntil(async () => listActions(await explain(endpointId)).includes('deleted'));
  });

  test('a service without required acceptance is reported as drift', async () => {
    const drifting = await createService(sandbox);
    await sandbox.json('service', 'add', drifting, '--name', 'drifting');
    await sandbox
      .ec2(provider)
      .send(
        new ModifyVpcEndpointServiceConfigurationCommand({ ServiceId: drifting, AcceptanceRequired: false }),
      );
    await sandbox.idle();
    const { service } = await sandbox.json<{ service: { drift: { check: string }[] } }>(
      ...['service', 'show', 'drifting'],
    );
    expect(service.drift.map(({ check }) => check)).toEqual([
      'acceptance-is-not-required',
      'principal-is-everyone',
      'principals-not-in-allowlist',
    ]);
  });
});

describe('a service', () => {
  test('that is registered again gets its connection notification and its tag back', async () => {
    const id = await createService(sandbox);
    await sandbox.json('service', 'add', id);
    const ec2 = sandbox.ec2(provider);
    const filter = { Filters: [{ Name: 'service-id', Values: [id] }] };
    const describeNotifications = () =>
      ec2.send(new DescribeVpcEndpointConnectionNotificationsCommand(filter));
    const [before] = (await describeNotifications()).ConnectionNotificationSet ?? [];
    await ec2.send(
      new ModifyVpcEndpointConnectionNotificationCommand({
        ConnectionNotificationId: before?.ConnectionNotificationId,
        ConnectionEvents: ['Delete'],
      }),
    );
    await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'linkgate' }] }));
    const { service } = await sandbox.json<{ service: { drift: { check: string }[] } }>(
      ...['service', 'add', id],
    );
    const ofPrincipals = /^principals?-/;
    expect(service.drift.filter(({ check }) => !ofPrincipals.test(check))).toEqual([]);
    const [after, ...more] = (await describeNotifications()).ConnectionNotificationSet ?? [];
    expect(more).toEqual([]);
    expect(after?.ConnectionEvents?.toSorted()).toEqual(['Accept', 'Connect', 'Delete', 'Reject']);
  });

  test('that is deregistered loses notification and tag, keeps its connections, and gets no more decisions', async () => {
    const id = await aRegisteredService();
    const connected = await createEndpoint(sandbox, allowed, id);
    await waitForState(connected, 'available');
    await sandbox.idle();
    const { exitCode, stderr } = await sandbox.linkgate('service', 'remove', id);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('accounts: 2');
    const { ServiceConfigurations } = await sandbox
      .ec2(provider)
      .send(new DescribeVpcEndpointServiceConfigurationsCommand({ ServiceIds: [id] }));
    expect(ServiceConfigurations?.[0]?.Tags ?? []).toEqual([]);
    const later = await createEndpoint(sandbox, allowed, id);
    await sandbox.idle();
    expect(await describeState(sandbox, later)).toBe('pendingAcceptance');
    expect(await describeState(sandbox, connected)).toBe('available');
    expect((await sandbox.linkgate('allowlist', 'remove', allowed, '--service', id)).exitCode).toBe(0);
  });

  test('of Gateway Load Balancers is registered without a connection notification, and covered by the sweep', async () => {
    const id = await createService(sandbox, true, 'gwy');
    const added = await sandbox.linkgate('service', 'add', id, '--name', 'firewall');
    expect(added).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('the sweep finds new requests'),
    });
    const { service } = await sandbox.json<{ service: { drift: { check: string }[] } }>(
      'service',
      'show',
      id,
    );
    expect(service.drift.map(({ check }) => check)).not.toContain('notification-is-missing');
    await sandbox.json('allow', allowed, '--service', id);
    await sandbox.idle();
    const endpointId = await createEndpoint(sandbox, allowed, id, 'GatewayLoadBalancer');
    await sandbox.json('sweep', 'connections');
    await waitForState(endpointId, 'available');
    const { stdout } = await sandbox.linkgate('doctor', '--json');
    const { checks }: { checks: { name: string; status: string; detail: string }[] } = JSON.parse(stdout);
    expect(checks.filter(({ name, status }) => name === 'repair' && status !== 'ok')).toEqual([]);
    expect(checks.filter(({ detail }) => detail.includes('Gateway Load Balancer'))).toMatchObject([
      { name: 'notification', status: 'ok' },
    ]);
    expect((await sandbox.linkgate('service', 'remove', id)).exitCode).toBe(0);
  });

  test('that another deployment manages is not registered', async () => {
    const id = await createService(sandbox);
    const tags = { Resources: [id], Tags: [{ Key: 'linkgate', Value: 'prod' }] };
    await sandbox.ec2(provider).send(new CreateTagsCommand(tags));
    const { exitCode, stderr } = await sandbox.linkgate('service', 'add', id);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('stage `prod` of linkgate manages');
  });
});

describe('an invalid argument', () => {
  test.each([
    ['an account id of eleven digits', ['allow', '22222222222', '--service', '*']],
    ['an expiry that is past', ['allow', allowed, '--service', '*', '--expires', '2020-01-31']],
    ['a denial without a reason', ['deny', 'vpce-0123456789abcdef0']],
    ['a command that does not exist', ['frobnicate']],
  ])('of %s prints the valid form, with exit code 2', async (_what, args) => {
    const { exitCode, stdout, stderr } = await sandbox.linkgate(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .{20}/);
  });
});

test('a service that is not registered is named, with exit code 1', async () => {
  const { exitCode, stdout, stderr } = await sandbox.linkgate('allow', allowed, '--service', 'nowhere');
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain('`nowhere`');
});

describe('a requested sweep', () => {
  test('reports its result, and a second one has nothing to decide', async () => {
    await sandbox.json('sweep', 'connections');
    const counts = await sandbox.json<Record<string, number>>('sweep', 'connections');
    expect(counts).toMatchObject({ decided: 0, waiting: expect.any(Number) });
    expect(counts.described).toBeGreaterThan(0);
  });
});

describe('without endpoint ids in notifications', () => {
  test('a notification without ids records the effect of linkgate’s call at once', async () => {
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notificationBody: 'no-ids' });
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    await waitForState(endpointId, 'available');
    await sandbox.idle();
    expect(listActions(await explain(endpointId))).toEqual(['requested', 'decided', 'applying', 'applied']);
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notificationBody: 'text' });
  });

  test('one full sweep decides, accepts and records without any notification', async () => {
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notifications: false });
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    const pass = await sandbox.ask<{ ok: boolean }>('POST', '/_sandbox/schedules/sweep-connections');
    expect(pass.ok).toBe(true);
    expect(await describeState(sandbox, endpointId)).toBe('available');
    expect(listActions(await explain(endpointId))).toEqual(['requested', 'decided', 'applying', 'applied']);
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
    await sandbox.ask('PUT', '/_sandbox/assumptions', { notifications: true });
  });
});

describe('an automatic decision', () => {
  test('takes at most 16 AWS calls of functions, all allowed by their roles', async () => {
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
    await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
    await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 60 });
    await sandbox.idle();
    await sandbox.ask('DELETE', '/_sandbox/calls');
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    await waitForState(endpointId, 'available');
    await sandbox.idle();
    const { calls } = await sandbox.ask<{ calls: Call[] }>('GET', '/_sandbox/calls');
    const byFunctions = calls.filter(({ principal }) => principal !== 'root');
    expect(byFunctions.map(({ principal, action }) => `${principal} ${action}`)).toHaveLength(16);
    expect(byFunctions.filter(({ status }) => status !== 200)).toEqual([]);
    expect(listActions(await explain(endpointId))).toContain('applied');
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
  });
});

describe('an Accept call that EC2 throttles and still carries out', () => {
  test('is recorded in the history, even if its notification comes first', async () => {
    const fault = { service: 'ec2', action: 'AcceptVpcEndpointConnections', rate: 1, count: 1 };
    const effect = { error: 'RequestLimitExceeded', afterEffect: true };
    await sandbox.ask('PUT', '/_sandbox/faults', [{ ...fault, ...effect }]);
    const endpointId = await createEndpoint(sandbox, allowed, serviceId);
    await waitForState(endpointId, 'available');
    await sandbox.idle();
    expect(listActions(await explain(endpointId))).toEqual(['requested', 'decided', 'applying', 'applied']);
    await sandbox.ask('DELETE', '/_sandbox/faults');
  });
});

describe('the outcome does not depend on the assumption', () => {
  const accept = { service: 'ec2', action: 'AcceptVpcEndpointConnections' };
  const variants: readonly [string, { assumptions?: object; faults?: object[] }][] = [
    ['when notifications are camel-case JSON', { assumptions: { notificationBody: 'camel' } }],
    ['when notifications are Pascal-case JSON', { assumptions: { notificationBody: 'pascal' } }],
    ['when notifications are text', { assumptions: { notificationBody: 'text' } }],
    ['when notifications name no ids', { assumptions: { notificationBody: 'no-ids' } }],
    ['when EC2 refuses the endpoint id filter', { assumptions: { endpointIdFilter: 'refused' } }],
    ['when a repeated Accept is unsuccessful', { assumptions: { repeatedAccept: 'unsuccessful' } }],
    ['when a repeated Accept is fine', { assumptions: { repeatedAccept: 'ok' } }],
    ['when EC2 takes one id a call', { assumptions: { maxIdsPerCall: 1 } }],
    [
      'when half of the Accepts take effect and then fail',
      { faults: [{ ...accept, rate: 0.5, error: 'RequestLimitExceeded', afterEffect: true }] },
    ],
    ['when every third delivery comes twice', { faults: [{ delivery: 'sqs', rate: 0.3, duplicate: true }] }],
  ];
  let defaults: object;

  beforeAll(async () => {
    defaults = readDefaults(await sandbox.ask<object>('GET', '/_sandbox/assumptions'));
    await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  });
  afterEach(async () => {
    await sandbox.ask('DELETE', '/_sandbox/faults');
    await sandbox.ask('PUT', '/_sandbox/assumptions', defaults);
  });

  test.each(variants)('%s', async (_name, { assumptions, faults }) => {
    if (assumptions) await sandbox.ask('PUT', '/_sandbox/assumptions', assumptions);
    if (faults) await sandbox.ask('PUT', '/_sandbox/faults', faults);
    const [accepted, rejected, awaiting] = await Promise.all(
      [allowed, blocked, unknown].map((account) => createEndpoint(sandbox, account, serviceId)),
    );
    await waitForState(accepted ?? '', 'available');
    await waitForState(rejected ?? '', 'rejected');
    await sandbox.idle();
    expect(await describeState(sandbox, awaiting ?? '')).toBe('pendingAcceptance');
    expect((await explain(awaiting ?? '')).verdict?.outcome).toBe('ask');
  });
});

/** Converts the assumptions of GET, which have a meaning and a default, to the values that PUT takes. */
function readDefaults(assumptions: object): object {
  return Object.fromEntries(
    Object.entries(assumptions).map(([name, { default: value }]: [string, { default: unknown }]) => [
      name,
      value,
    ]),
  );
}
