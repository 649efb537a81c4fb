import { describe, expect, test } from '@jest/globals';
import { listAwaiting } from '../../lib/connections/awaiting-approval.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { type ConnectionState, connectionStates, isGone } from '../../lib/privatelink/connection.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import type { SweepScope } from '../../lib/sweep/lease.ts';
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

/** A pass, and everything that its events bring about. */
async function sweep(world: TestEnv, pass: SweepScope) {
  await sweepConnections(hub, pass, world.deps);
  await deliver(world);
}

async function deliver(world: TestEnv) {
  const events = world.published.splice(0);
  const requests = events.filter(({ type }) => type === 'Connection Request');
  const changes = events.filter(({ type }) => type === 'Connection Changed');
  const results = [
    ...(await recordStates(changes, world.deps)),
    ...(await decideConnections(
      requests.map(({ connection, observedAt }) => ({ ...connection, observedAt })),
      world.deps,
    )),
  ];
  expect(results.filter((result) => 'error' in result)).toEqual([]);
}

async function waitingFor(world: TestEnv): Promise<string[]> {
  const waiting: string[] = [];
  for await (const page of listAwaiting('default', world.deps)) waiting.push(...page);
  return waiting;
}

const verdicts: Readonly<Record<string, Partial<ConnectionRecord>>> = {
  'that nobody decided': {},
  'that people were asked about': { verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() },
  'that is to be accepted': { verdict: aVerdict('accept'), effect: { action: 'accept', asked: 0 } },
  'that was accepted': { verdict: aVerdict('accept'), acceptRequestedAt: time },
  'that is to be rejected': { verdict: aVerdict('reject'), effect: { action: 'reject', asked: 0 } },
  'that was rejected': { verdict: aVerdict('reject') },
  'that was looked after while it was connected': {
    verdict: aVerdict('accept'),
    acceptRequestedAt: time,
    reevaluatedAt: time,
  },
  'that a pass missed': {
    verdict: aVerdict('ask'),
    approvalRequest: anApprovalRequest(),
    missingSince: time,
  },
};

/** What is remembered of a connection in a state, rightly or not. */
function memory(what: string, state: ConnectionState): ConnectionRecord {
  const { missingSince, ...known } = { ...aRecord({ ...old, ...verdicts[what], state }) };
  if (isGone(state)) return { ...known, endedAt: time };
  return { ...known, ...(missingSince !== undefined && { missingSince }) };
}

/** Whether what is remembered of it is what EC2 shows, and of a request that waits all that its verdict takes is there. */
async function isRight(world: TestEnv, shown: ConnectionState): Promise<boolean> {
  const { state, missingSince, endedAt, verdict, effect } = (await world.record(endpointId(1))) ?? {};
  const isSeen = state === shown && missingSince === undefined && (endedAt !== undefined) === isGone(shown);
  if (shown !== 'pendingAcceptance') return isSeen;
  const isDue = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  const awaited = await waitingFor(world);
  return (
    isSeen &&
    verdict !== undefined &&
    effect?.action === (isDue ? verdict.outcome : undefined) &&
    awaited.length === (verdict.outcome === 'ask' ? 1 : 0)
  );
}

describe('one pass a minute later sets right, in whatever state EC2 shows it, and the next ones find nothing to do, of a connection', () => {
  const states = connectionStates.flatMap((remembered) =>
    Object.keys(verdicts).map((what) => ({ what, remembered })),
  );

  test.each(states)('$what what is remembered as $remembered', async ({ what, remembered }) => {
    const wrong: string[] = [];
    for (const shown of connectionStates) {
      const world = createTestEnv({ services, records: [memory(what, remembered)] });
      world.ec2.show(aConnection({ ...old, state: shown }));
      world.wait(60);
      await sweep(world, 'full');
      if (!(await isRight(world, shown))) wrong.push(shown);
      // Whether what lives stays is decided once it is known to live.
      await sweep(world, 'full');
      // What is on its way to be connected is looked at again and again.
      world.wait(600);
      await sweepConnections(hub, 'full', world.deps);
      if (world.published.length > 0 || !(await isRight(world, shown))) wrong.push(`${shown} once more`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a request that waits', () => {
  const request = aConnection(old);
  const asked = { ...old, verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() };

  /** What becomes of what is remembered when one event says of it what is not so, and a pass comes after it. */
  async function afterWrongEvent(
    record: Partial<ConnectionRecord>,
    state: ConnectionState,
    secondsLater = 1,
  ) {
    const world = createTestEnv({
      services,
      connections: [request],
      records: [aRecord({ ...old, ...record })],
    });
    world.wait(1);
    const wrong = { connection: { ...request, state }, observedAt: '2099-01-01T00:00:00.000Z' };
    await recordStates([{ type: 'Connection Changed', ...wrong }], world.deps);
    expect(await waitingFor(world)).toEqual([]);
    world.wait(secondsLater);
    await sweep(world, 'pending');
    return world;
  }

  test.each(connectionStates.filter((state) => state !== 'pendingAcceptance'))(
    'and that one event said to be %s is open again with the next pass, as if nothing had been said',
    async (state) => {
      const world = await afterWrongEvent(asked, state);
      const { approvalRequest } = asked;
      const is = { state: 'pendingAcceptance', verdict: { outcome: 'ask' } };
      expect(await world.record(endpointId(1))).toMatchObject(
        isGone(state) ? is : { ...is, approvalRequest },
      );
      expect(await waitingFor(world)).toEqual([endpointId(1)]);
      expect(isGone(state) || (await world.actions(endpointId(1)))).toEqual(
        isGone(state) || expect.arrayContaining(['observed', 'decided']),
      );
    },
  );

  test.each(['available', 'deleting', 'rejected'] as const)(
    'and that was denied, is so still after one event said that it was %s',
    async (state) => {
      const approval = anApproval({ decision: 'deny', reason: 'unknown' });
      const denied = {
        ...asked,
        verdict: aVerdict('reject'),
        effect: { action: 'reject', asked: 0 },
        approval,
      } as const;
      const world = await afterWrongEvent(denied, state, 30);
      expect(await world.record(endpointId(1))).toMatchObject({
        state: 'pendingAcceptance',
        verdict: { outcome: 'reject' },
        effect: { action: 'reject' },
        approval,
      });
    },
  );

  test.each(['available', 'deleting', 'rejected'] as const)(
    'and that one of two has approved, is approved by one still after one event said that it was %s',
    async (state) => {
      const approvals = { words: [anApproval()], quorum: 2 };
      const world = await afterWrongEvent({ ...asked, approvals }, state);
      expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' }, approvals });
    },
  );

  test('is not taken for one where linkgate has just seen EC2 accept what it asked for: EC2 may be late', async () => {
    const accepted = { verdict: aVerdict('accept'), state: 'available', acceptRequestedAt: time } as const;
    const records = [aRecord({ ...old, ...accepted })];
    const world = createTestEnv({ services, entries: [anEntry()], connections: [request], records });
    world.wait(29);
    await sweep(world, 'pending');
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'available' });
    world.wait(1);
    await sweep(world, 'pending');
    expect(await world.record(endpointId(1))).toMatchObject({
      state: 'pendingAcceptance',
      effect: { action: 'accept', asked: 0 },
    });
  });

  test('is not open again by a look from before EC2 showed it otherwise', async () => {
    const world = createTestEnv({ services, records: [aRecord({ ...asked, state: 'available' })] });
    await decideConnections([{ ...request, observedAt: '2026-11-21T11:59:59.999Z' }], world.deps);
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'available' });
  });
});
