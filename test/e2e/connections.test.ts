import {
  AcceptVpcEndpointConnectionsCommand,
  DeleteVpcEndpointsCommand,
  DescribeVpcEndpointServiceConfigurationsCommand,
} from '@aws-sdk/client-ec2';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DoctorResult } from '../../lib/doctor/doctor-result.ts';
import { accounts, createEndpoint, createService, describeState, provider, startSandbox } from './sandbox.ts';

const { allowed, blocked, unknown, limited } = accounts;
const accepted = ['requested', 'decided', 'applying', 'applied'];

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

/** Registers a service with one allowed account and one blocked account. */
async function register(id: string): Promise<void> {
  await sandbox.json('service', 'add', id);
  await sandbox.json('allow', allowed, '--service', id);
  await sandbox.json('block', blocked, '--service', id);
  await sandbox.idle();
}
beforeAll(async () => {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await register(serviceId);
});

async function accept(service: string, endpointId: string): Promise<void> {
  const input = { ServiceId: service, VpcEndpointIds: [endpointId] };
  await sandbox.ec2(provider).send(new AcceptVpcEndpointConnectionsCommand(input));
  await sandbox.waitForState(endpointId, 'available');
}

describe('an automatic decision', () => {
  test('takes at most 16 AWS calls of functions, all allowed by their roles', async () => {
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
    await sandbox.sweep();
    await sandbox.advanceClock(60);
    await sandbox.idle();
    await sandbox.ask('DELETE', '/_sandbox/calls');
    const endpointId = await sandbox.connect(allowed, serviceId);
    const calls = (await sandbox.calls()).filter(({ principal }) => principal !== 'root');
    expect(calls.map(({ principal, action }) => `${principal} ${action}`)).toHaveLength(16);
    expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await sandbox.listActions(endpointId)).toEqual(accepted);
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
  });
});

describe('a request that awaits approval', () => {
  test.each([
    ['allow', 'available', '055555555555'],
    ['block', 'rejected', '666666666666'],
  ])('follows a later %s of its account: it is then %s', async (command, state, account) => {
    const endpointId = await sandbox.connect(account, serviceId);
    await sandbox.json(command, account, '--service', serviceId);
    await sandbox.waitForState(endpointId, state);
  });

  test('is decided by one of two concurrent decisions, and the other one is refused', async () => {
    const endpointId = await sandbox.connect(unknown, serviceId);
    const results = await Promise.all([
      sandbox.linkgate('approve', endpointId, '--reason', 'yes'),
      sandbox.linkgate('deny', endpointId, '--reason', 'no'),
    ]);
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    const loser = results.find(({ exitCode }) => exitCode === 1);
    expect(loser?.stderr).toMatch(/arn:aws:iam::111111111111:root (approved|denied) it at \d{4}/);
    const closing = (await sandbox.listActions(endpointId)).filter((action) =>
      /approved|denied/.test(action),
    );
    expect(closing).toHaveLength(1);
  });

  test('beyond the endpoint limit is accepted when an earlier endpoint of its account is deleted', async () => {
    await sandbox.json('allow', limited, '--service', serviceId, '--max-endpoints', '1');
    const first = await sandbox.connect(limited, serviceId);
    const second = await sandbox.connect(limited, serviceId);
    expect(await describeState(sandbox, second)).toBe('pendingAcceptance');
    await sandbox.ec2(limited).send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [first] }));
    await sandbox.waitForState(second, 'available');
    expect((await sandbox.listActions(first)).at(-1)).toBe('deleted');
  });

  test('is not delayed by malformed messages of its location, which go to the dead-letter queue at once', async () => {
    const sqs = new SQSClient(sandbox.config());
    const queueUrl = (name: string) => `${sandbox.url}/${provider}/linkgate-local-${name}.fifo`;
    const malformed = {
      QueueUrl: queueUrl('apply-verdicts'),
      MessageBody: '{"location":"us-east-1"}',
      MessageGroupId: `${provider}/us-east-1`,
    };
    for (let remaining = 20; remaining > 0; remaining--)
      await sqs.send(
        new SendMessageCommand({ ...malformed, MessageDeduplicationId: `malformed-${remaining}` }),
      );
    expect(await describeState(sandbox, await sandbox.connect(allowed, serviceId))).toBe('available');
    const QueueUrl = queueUrl('apply-verdicts-dead-letters');
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: '20' });
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }),
    );
    const problems = { StringValue: expect.stringContaining('location') };
    expect(Messages).toMatchObject([{ Body: malformed.MessageBody, MessageAttributes: { problems } }]);
    sqs.destroy();
  });
});

describe('a connected endpoint', () => {
  test('from before the registration is recorded, and stays until its account is blocked', async () => {
    const older = await createService(sandbox);
    const connected = await createEndpoint(sandbox, blocked, older);
    const pending = await createEndpoint(sandbox, unknown, older);
    await accept(older, connected);
    await sandbox.json('service', 'add', older);
    await sandbox.json('sweep', 'connections');
    await sandbox.idle();
    expect(await sandbox.explain(connected)).toMatchObject({
      connection: { state: 'available' },
      verdict: null,
      history: [{ action: 'observed' }],
    });
    expect((await sandbox.explain(pending)).verdict?.outcome).toBe('ask');
    await sandbox.json('block', blocked, '--service', older);
    await sandbox.waitForState(connected, 'rejected');
  });
});

describe('a service', () => {
  test('that is deregistered loses its tag, keeps its connections, and gets no more decisions', async () => {
    const id = await createService(sandbox);
    await register(id);
    const connected = await sandbox.connect(allowed, id);
    const { exitCode, stderr } = await sandbox.linkgate('service', 'remove', id);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('accounts: 2') });
    const { ServiceConfigurations } = await sandbox
      .ec2(provider)
      .send(new DescribeVpcEndpointServiceConfigurationsCommand({ ServiceIds: [id] }));
    expect(ServiceConfigurations?.[0]?.Tags ?? []).toEqual([]);
    const later = await sandbox.connect(allowed, id);
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
    const endpointId = await createEndpoint(sandbox, allowed, id, 'GatewayLoadBalancer');
    await sandbox.json('sweep', 'connections');
    await sandbox.waitForState(endpointId, 'available');
    const { stdout } = await sandbox.linkgate('doctor', '--json');
    const { checks }: { checks: DoctorResult[] } = JSON.parse(stdout);
    expect(checks.filter(({ name, status }) => name === 'repair' && status !== 'ok')).toEqual([]);
    expect(checks.filter(({ detail }) => detail.includes('Gateway Load Balancer'))).toMatchObject([
      { name: 'notification', status: 'ok' },
    ]);
    expect((await sandbox.linkgate('service', 'remove', id)).exitCode).toBe(0);
  });
});

test('one full sweep decides, accepts and records without any notification', async () => {
  await sandbox.assume({ notifications: false });
  await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
  const endpointId = await createEndpoint(sandbox, allowed, serviceId);
  expect(await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections')).toMatchObject({ ok: true });
  expect(await describeState(sandbox, endpointId)).toBe('available');
  expect(await sandbox.listActions(endpointId)).toEqual(accepted);
  await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
  await sandbox.assume({ notifications: true });
});

describe('the outcome does not depend on the assumption', () => {
  const throttled = {
    service: 'ec2',
    action: 'AcceptVpcEndpointConnections',
    error: 'RequestLimitExceeded',
    afterEffect: true,
  };
  const variants: readonly [string, { assumptions?: object; faults?: object[] }][] = [
    ['when notifications are camel-case JSON', { assumptions: { notificationBody: 'camel' } }],
    ['when notifications are Pascal-case JSON', { assumptions: { notificationBody: 'pascal' } }],
    ['when notifications are text', { assumptions: { notificationBody: 'text' } }],
    ['when notifications name no ids', { assumptions: { notificationBody: 'no-ids' } }],
    ['when EC2 refuses the endpoint id filter', { assumptions: { endpointIdFilter: 'refused' } }],
    ['when a repeated Accept is unsuccessful', { assumptions: { repeatedAccept: 'unsuccessful' } }],
    ['when a repeated Accept is fine', { assumptions: { repeatedAccept: 'ok' } }],
    ['when EC2 takes one id a call', { assumptions: { maxIdsPerCall: 1 } }],
    ['when an Accept takes effect and then fails', { faults: [{ ...throttled, rate: 1, count: 1 }] }],
    ['when every third delivery comes twice', { faults: [{ delivery: 'sqs', rate: 0.3, duplicate: true }] }],
  ];
  let defaults: object;

  beforeAll(async () => {
    const assumptions = await sandbox.ask<Record<string, { default: unknown }>>(
      'GET',
      '/_sandbox/assumptions',
    );
    defaults = Object.fromEntries(
      Object.entries(assumptions).map(([name, { default: value }]) => [name, value]),
    );
  });
  afterEach(async () => {
    await sandbox.setFaults();
    await sandbox.assume(defaults);
  });

  test.each(variants)('%s', async (_name, { assumptions = {}, faults = [] }) => {
    await sandbox.assume(assumptions);
    await sandbox.setFaults(...faults);
    const [allowedId = '', blockedId = '', unknownId = ''] = await Promise.all(
      [allowed, blocked, unknown].map((account) => createEndpoint(sandbox, account, serviceId)),
    );
    await sandbox.waitForState(allowedId, 'available');
    await sandbox.waitForState(blockedId, 'rejected');
    expect(await sandbox.listActions(allowedId)).toEqual(accepted);
    expect(await sandbox.listActions(blockedId)).toEqual(accepted);
    expect(await sandbox.listActions(unknownId)).toEqual(['requested', 'decided', 'approval-requested']);
    expect(await describeState(sandbox, unknownId)).toBe('pendingAcceptance');
  });
});
