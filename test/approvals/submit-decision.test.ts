import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { submitDecision } from '../../lib/approvals/submit-decision.ts';
import { setGroup, UnknownGroupError } from '../../lib/approvers/approver-group.ts';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import {
  aConnection,
  alice,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  noon,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const services = [aService()];
const connections = [aConnection()];
const approveInput = { decision: 'approve', by: alice, reason: 'known to us' } as const;
const bob = 'arn:aws:iam::111111111111:user/bob';
const bobs = anApproval({ by: bob });
const awaitingApproval = aRecord({ verdict: aVerdict('ask') });
const denyInput = { decision: 'deny', by: alice, reason: 'unknown' } as const;

describe('an open request', () => {
  test('that a person approves gets the verdict accept in the same transaction, and its effect is enqueued', async () => {
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const env = createTestEnv({ services, connections, records });
    const decision = await submitDecision(endpointId(1), approveInput, env.deps);
    expect(decision).toMatchObject({
      status: 'decided',
      personDecision: { ...approveInput, at: noon.toISOString() },
      record: { verdict: { outcome: 'accept', decidedBy: alice }, pendingEffect: { action: 'accept' } },
    });
    expect(env.applyRequests).toHaveLength(1);
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
  });

  test('of a blocked account gets the verdict reject even if a person approves it', async () => {
    const env = createTestEnv({ services, connections, entries: [anEntry({ effect: 'block' })] });
    const decision = await submitDecision(endpointId(1), approveInput, env.deps);
    expect(decision).toMatchObject({
      status: 'decided',
      record: {
        verdict: { decidedBy: 'linkgate' },
        personDecision: { by: alice },
        pendingEffect: { action: 'reject' },
      },
    });
  });

  test('stays decided if its effect cannot be enqueued, and the error is reported', async () => {
    const env = createTestEnv({ services, connections });
    const error = new Error('the queue is away');
    env.deps.applyQueue = { enqueue: () => Promise.reject(error) };
    expect(await submitDecision(endpointId(1), approveInput, env.deps)).toMatchObject({ status: 'decided' });
    expect(env.errors).toEqual([error]);
  });

  test('at a paused service keeps the decision and stays on hold', async () => {
    const paused = aService({ pausedAt: '2026-11-21T11:00:00.000Z' });
    const env = createTestEnv({ services: [paused], connections });
    const decision = await submitDecision(endpointId(1), approveInput, env.deps);
    expect(decision).toMatchObject({ status: 'decided', record: { verdict: { outcome: 'hold' } } });
    expect(env.applyRequests).toEqual([]);
  });
});

test('an open request without its group of approvers can be denied, and an approval names the command that creates the group', async () => {
  const env = createTestEnv({ services, connections, records: [awaitingApproval], groups: [] });
  const approving = submitDecision(endpointId(1), approveInput, env.deps);
  await expect(approving).rejects.toThrow(UnknownGroupError);
  await expect(approving).rejects.toThrow('linkgate setup');
  expect(await env.actions(endpointId(1))).toEqual([]);
  await submitDecision(endpointId(1), denyInput, env.deps);
  expect(await env.record(endpointId(1))).toMatchObject({ pendingEffect: { action: 'reject' } });
});

describe('an open request that needs two approvals', () => {
  async function createQuorumEnv() {
    const env = createTestEnv({ services: [aService({ approvers: 'ops' })], connections });
    const emails = ['alice@example.com', 'bob@example.com'];
    await setGroup('ops', { quorum: 2, slackUsers: [], emails }, alice, env.deps);
    return env;
  }

  test('stays open after the first one, and counts its approvals', async () => {
    const env = await createQuorumEnv();
    expect(await submitDecision(endpointId(1), approveInput, env.deps)).toMatchObject({
      status: 'decided',
      record: {
        verdict: {
          outcome: 'ask',
          decidedBy: 'linkgate',
          findings: [{ reason: `1 of 2 approvals: ${alice}` }, {}],
        },
        approvals: { decisions: [approveInput], quorum: 2 },
      },
    });
    expect(await env.record(endpointId(1))).not.toHaveProperty('personDecision');
    expect(env.applyRequests).toEqual([]);
    expect(await env.actions(endpointId(1))).toEqual(['requested', 'approved', 'approval-requested']);
  });

  test('is accepted by two people at once, and keeps both decisions', async () => {
    const env = await createQuorumEnv();
    await Promise.all(
      [alice, bob].map((by) => submitDecision(endpointId(1), { ...approveInput, by }, env.deps)),
    );
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept' },
      approvals: { decisions: [{ by: alice }, { by: bob }] },
    });
  });

  test('keeps its first approval when policy changes, and is accepted when its account is allowed', async () => {
    const env = await createQuorumEnv();
    await submitDecision(endpointId(1), approveInput, env.deps);
    env.put(entryItem(anEntry({ endpointIds: [endpointId(9)] })));
    await decideConnections(connections, env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' }, approvals: {} });
    env.put(entryItem(anEntry({ version: 2 })));
    await decideConnections(connections, env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', decidedBy: 'linkgate' },
    });
  });
});

describe('a decision is too late', () => {
  const available = [aConnection({ state: 'available' })];
  const acceptedByBob = { verdict: aVerdict('accept', { decidedBy: bob }), personDecision: bobs };
  test.each<[string, Parameters<typeof createTestEnv>[0], object]>([
    [
      'another person decided, and the result names them',
      { connections, records: [aRecord(acceptedByBob)] },
      { record: { personDecision: { by: bob, decision: 'approve' } } },
    ],
    [
      'it was decided and connected right after EC2 showed it pending, and the result names who decided',
      { connections, records: [aRecord({ state: 'available', ...acceptedByBob })] },
      { connection: { state: 'available' }, record: { personDecision: { by: bob } } },
    ],
    ['EC2 shows another state', { connections: available }, { connection: { state: 'available' } }],
    ['policy decided before', { connections, records: [aRecord({ verdict: aVerdict('reject') })] }, {}],
  ])('when %s', async (_, contents, result) => {
    const env = createTestEnv({ services, ...contents });
    expect(await submitDecision(endpointId(1), denyInput, env.deps)).toMatchObject({
      status: 'not-open',
      ...result,
    });
    expect(await env.actions(endpointId(1))).toEqual([]);
  });

  test('when EC2 no longer lists the endpoint, whatever its record says', async () => {
    const env = createTestEnv({ services, records: [awaitingApproval] });
    expect(await submitDecision(endpointId(1), approveInput, env.deps)).toEqual({
      status: 'not-open',
      record: awaitingApproval,
    });
  });

  test('when another person decides during the call to EC2, and the result names them', async () => {
    const env = createTestEnv({
      services,
      connections: [aConnection({ state: 'pending' })],
      records: [awaitingApproval],
    });
    const decidedRecord = aRecord({
      verdict: aVerdict('accept', { decidedBy: bob }),
      personDecision: bobs,
      version: 2,
    });
    env.ec2.beforePage = () => env.put(recordItem(decidedRecord));
    expect(await submitDecision(endpointId(1), denyInput, env.deps)).toMatchObject({
      status: 'not-open',
      connection: { state: 'pending' },
      record: { personDecision: { by: bob } },
    });
  });
});

describe('an endpoint is unknown', () => {
  test('when neither EC2 nor the table has it', async () => {
    const env = createTestEnv({ services });
    expect(await submitDecision(endpointId(9), approveInput, env.deps)).toEqual({ status: 'unknown' });
  });

  test('when its service is not registered', async () => {
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const env = createTestEnv({ connections, records });
    expect(await submitDecision(endpointId(1), approveInput, env.deps)).toEqual({ status: 'unknown' });
  });
});
