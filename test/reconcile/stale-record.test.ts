import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { awaitingApproval } from '../../lib/connections/indexes.ts';
import { type ConnectionState, connectionStates, isEnded } from '../../lib/privatelink/connection.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import type { SweepScope } from '../../lib/sweep/sweep.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import {
  aConnection,
  anApproval,
  anApprovalRequest,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  hub,
  noon,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const services = [aService()];
const time = noon.toISOString();
const old = { requestedAt: '2026-11-10T00:00:00.000Z', observedAt: time } as const;

/** Sweeps, and handles the events that the sweep publishes. */
async function sweep(env: TestEnv, scope: SweepScope) {
  await sweepConnections(hub, scope, env.deps);
  await deliver(env);
}

async function deliver(env: TestEnv) {
  const events = env.published.splice(0);
  const requests = events.filter(({ type }) => type === 'Connection Request');
  const changes = events.filter(({ type }) => type === 'Connection Changed');
  const results = [
    ...(await recordStates(changes, env.deps)),
    ...(await decideConnections(
      requests.map(({ connection, observedAt }) => ({ ...connection, observedAt })),
      env.deps,
    )),
  ];
  expect(results.filter((result) => 'error' in result)).toEqual([]);
}

async function listWaiting(env: TestEnv): Promise<string[]> {
  const pages = await Array.fromAsync(awaitingApproval.list('default', env.deps));
  return pages.flat().map(({ endpointId }) => endpointId);
}

const verdicts: Readonly<Record<string, Partial<ConnectionRecord>>> = {
  'that nobody decided': {},
  'that awaits approval': { verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() },
  'that is to be accepted': { verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 0 } },
  'that was accepted': { verdict: aVerdict('accept'), acceptRequestedAt: time },
  'that is to be rejected': { verdict: aVerdict('reject'), pendingEffect: { action: 'reject', attempts: 0 } },
  'that was rejected': { verdict: aVerdict('reject') },
  'that was decided while it was connected': {
    verdict: aVerdict('accept'),
    acceptRequestedAt: time,
    reevaluatedAt: time,
  },
  'that a sweep missed': {
    verdict: aVerdict('ask'),
    approvalRequest: anApprovalRequest(),
    missingSince: time,
  },
};

/** A record of a connection in a state, right or wrong. */
function createRecord(situation: string, state: ConnectionState): ConnectionRecord {
  const { missingSince, ...withoutMissing } = { ...aRecord({ ...old, ...verdicts[situation], state }) };
  if (isEnded(state)) return { ...withoutMissing, endedAt: time };
  return { ...withoutMissing, ...(missingSince !== undefined && { missingSince }) };
}

/** Whether the record agrees with EC2, and a pending request has the effect or approval request of its verdict. */
async function isRight(env: TestEnv, described: ConnectionState): Promise<boolean> {
  const { state, missingSince, endedAt, verdict, pendingEffect } = (await env.record(endpointId(1))) ?? {};
  const isSeen =
    state === described && missingSince === undefined && (endedAt !== undefined) === isEnded(described);
  if (described !== 'pendingAcceptance') return isSeen;
  const isDue = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  const awaited = await listWaiting(env);
  return (
    isSeen &&
    verdict !== undefined &&
    pendingEffect?.action === (isDue ? verdict.outcome : undefined) &&
    awaited.length === (verdict.outcome === 'ask' ? 1 : 0)
  );
}

describe('a sweep corrects the record, whatever state EC2 shows, of a connection', () => {
  const states = connectionStates.flatMap((recorded) =>
    Object.keys(verdicts).map((situation) => ({ situation, recorded })),
  );

  test.each(states)('$situation and that is recorded as $recorded', async ({ situation, recorded }) => {
    const wrong: string[] = [];
    for (const described of connectionStates) {
      const env = createTestEnv({ services, records: [createRecord(situation, recorded)] });
      env.ec2.show(aConnection({ ...old, state: described }));
      env.advanceSeconds(60);
      await sweep(env, 'full');
      if (!(await isRight(env, described))) wrong.push(described);
      // The next sweep decides a connected endpoint once it is recorded as connected.
      await sweep(env, 'full');
      // linkgate describes a `pending` connection again for ten minutes.
      env.advanceSeconds(600);
      await sweepConnections(hub, 'full', env.deps);
      if (env.published.length > 0 || !(await isRight(env, described))) wrong.push(`${described} once more`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a request that is pending acceptance', () => {
  const request = aConnection(old);
  const awaitingRecord = { ...old, verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() };

  /** Creates the environment after one wrong event and the next sweep. */
  async function afterWrongEvent(
    record: Partial<ConnectionRecord>,
    state: ConnectionState,
    secondsLater = 1,
  ) {
    const env = createTestEnv({
      services,
      connections: [request],
      records: [aRecord({ ...old, ...record })],
    });
    env.advanceSeconds(1);
    const wrong = { connection: { ...request, state }, observedAt: '2099-01-01T00:00:00.000Z' };
    await recordStates([{ type: 'Connection Changed', ...wrong }], env.deps);
    expect(await listWaiting(env)).toEqual([]);
    env.advanceSeconds(secondsLater);
    await sweep(env, 'pending');
    return env;
  }

  test.each(connectionStates.filter((state) => state !== 'pendingAcceptance'))(
    'and that one event wrongly showed as %s is open again after the next sweep',
    async (state) => {
      const env = await afterWrongEvent(awaitingRecord, state);
      const { approvalRequest } = awaitingRecord;
      const is = { state: 'pendingAcceptance', verdict: { outcome: 'ask' } };
      expect(await env.record(endpointId(1))).toMatchObject(isEnded(state) ? is : { ...is, approvalRequest });
      expect(await listWaiting(env)).toEqual([endpointId(1)]);
      expect(isEnded(state) || (await env.actions(endpointId(1)))).toEqual(
        isEnded(state) || expect.arrayContaining(['observed', 'decided']),
      );
    },
  );

  const personDecision = anApproval({ decision: 'deny', reason: 'unknown' });
  const denied = {
    verdict: aVerdict('reject'),
    pendingEffect: { action: 'reject', attempts: 0 },
    personDecision,
  } as const;
  const isDenied = { verdict: { outcome: 'reject' }, pendingEffect: { action: 'reject' }, personDecision };
  const approvals = { decisions: [anApproval()], quorum: 2 };
  const wrongStates = ['available', 'deleting', 'rejected'] as const;
  test.each([
    ['stays denied', denied, 30, isDenied],
    ['keeps the first of two approvals', { approvals }, 1, { verdict: { outcome: 'ask' }, approvals }],
  ])('%s after one event wrongly showed it in another state', async (_what, record, seconds, expected) => {
    for (const state of wrongStates) {
      const env = await afterWrongEvent({ ...awaitingRecord, ...record }, state, seconds);
      expect(await env.record(endpointId(1))).toMatchObject({ state: 'pendingAcceptance', ...expected });
    }
  });

  test('is reopened only 30 seconds after linkgate accepted it, because EC2 may show an older state until then', async () => {
    const accepted = { verdict: aVerdict('accept'), state: 'available', acceptRequestedAt: time } as const;
    const records = [aRecord({ ...old, ...accepted })];
    const env = createTestEnv({ services, entries: [anEntry()], connections: [request], records });
    env.advanceSeconds(29);
    await sweep(env, 'pending');
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'available' });
    env.advanceSeconds(1);
    await sweep(env, 'pending');
    expect(await env.record(endpointId(1))).toMatchObject({
      state: 'pendingAcceptance',
      pendingEffect: { action: 'accept', attempts: 0 },
    });
  });

  test('is not reopened by a description from before EC2 showed another state', async () => {
    const env = createTestEnv({ services, records: [aRecord({ ...awaitingRecord, state: 'available' })] });
    await decideConnections([{ ...request, observedAt: '2026-11-21T11:59:59.999Z' }], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'available' });
  });
});
