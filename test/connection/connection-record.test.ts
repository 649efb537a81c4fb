import { describe, expect, test } from '@jest/globals';
import type { ConnectionState } from '../../lib/connection/connection.ts';
import {
  applying,
  type ConnectionRecord,
  decided,
  fulfils,
  hasRunOut,
  isCurrent,
  isOpen,
  mayBecomeLive,
  missing,
  observed,
  refused,
  transitionWrites,
} from '../../lib/connection/connection-record.ts';
import {
  aConnection,
  aFinding,
  alice,
  anApproval,
  aRecord,
  aRequest,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../builders.ts';

const time = noon.toISOString();
const registeredAt = '2026-11-01T00:00:00.000Z';
const nothing = { service: 1, entry: 0, everyServiceEntry: 0 };
const accepting = { effect: { action: 'accept', asked: 1, askedAt: time }, lastAskedAt: time } as const;
const rejecting = { effect: { action: 'reject', asked: 1, askedAt: time }, lastAskedAt: time } as const;

function verdictOf(outcome: 'accept' | 'reject' | 'ask' | 'wait') {
  return { outcome, findings: [aFinding({ outcome })] };
}

/** The actions that a transition tells of, and the state and effect after it. */
function told(before: ConnectionRecord | undefined, state: ConnectionState, at = noon) {
  const transition = observed(before, aConnection({ state }), registeredAt, at);
  return (
    transition && {
      actions: transition.happenings.map(({ action }) => action),
      state: transition.record.state,
      due: transition.record.effect?.action,
    }
  );
}

describe('a request that is decided', () => {
  test('for the first time is remembered with the request and the verdict, and what is due', () => {
    const { record, happenings } = decided(undefined, aRequest(), verdictOf('accept'), nothing, noon);
    expect(record).toMatchObject({
      state: 'pendingAcceptance',
      verdict: { outcome: 'accept', decidedAt: time, decidedBy: 'linkgate', consulted: nothing },
      effect: { action: 'accept', asked: 0 },
    });
    expect(happenings).toMatchObject([
      { action: 'requested', actor: `account ${consumer}`, time: aRequest().requestedAt },
      { action: 'decided', actor: 'linkgate', outcome: 'accept', time },
    ]);
  });

  test.each(['ask', 'wait'] as const)('with %s has nothing due', (outcome) => {
    const before = aRecord({ verdict: aVerdict('accept'), ...accepting });
    expect(decided(before, aRequest(), verdictOf(outcome), nothing, noon).record.effect).toBeUndefined();
  });

  test('again with the same outcome does not forget that EC2 was asked', () => {
    const before = aRecord({ verdict: aVerdict('accept'), ...accepting });
    expect(decided(before, aRequest(), verdictOf('accept'), nothing, noon).record.effect).toEqual(
      accepting.effect,
    );
  });

  test('otherwise than before is due anew', () => {
    const before = aRecord({ verdict: aVerdict('accept'), ...accepting });
    expect(decided(before, aRequest(), verdictOf('reject'), nothing, noon).record.effect).toEqual({
      action: 'reject',
      asked: 0,
    });
  });

  test("by a person is remembered with that person's word", () => {
    const approval = anApproval({ reason: 'known to us' });
    const { record, happenings } = decided(
      aRecord(),
      aRequest(),
      verdictOf('accept'),
      nothing,
      noon,
      approval,
    );
    expect(record).toMatchObject({ approval, verdict: { decidedBy: alice } });
    expect(happenings).toMatchObject([{ action: 'approved', actor: alice, reason: 'known to us' }]);
  });

  test('anew after a person decided keeps that word, and is told as a decision of policy', () => {
    const before = aRecord({ approval: anApproval(), verdict: aVerdict('accept') });
    const { record, happenings } = decided(before, aRequest(), verdictOf('accept'), nothing, noon);
    expect(record).toMatchObject({ approval: anApproval(), verdict: { decidedBy: alice } });
    expect(happenings).toMatchObject([{ action: 'decided', actor: 'linkgate' }]);
  });

  test('after it was thought gone is there again', () => {
    const before = aRecord({ state: 'deleted', goneAt: time, missingSince: time });
    const { record } = decided(before, aRequest(), verdictOf('ask'), nothing, noon);
    expect(record.state).toBe('pendingAcceptance');
    expect(record).not.toHaveProperty('goneAt');
    expect(record).not.toHaveProperty('missingSince');
  });
});

describe('a connection that EC2 was asked about', () => {
  test('is marked, and stays due until EC2 shows it', () => {
    const before = aRecord({ verdict: aVerdict('accept'), effect: { action: 'accept', asked: 0 } });
    const { record, happenings } = applying(before, 'accept', noon);
    expect(record).toMatchObject(accepting);
    expect(happenings).toMatchObject([{ action: 'applying', outcome: 'accept', actor: 'linkgate' }]);
  });

  test('and that EC2 refused stays due too, with the reason in its history', () => {
    const before = aRecord({ verdict: aVerdict('accept'), ...accepting });
    const { record, happenings } = refused(before, 'accept', 'it said no', secondsAfterNoon(60));
    expect(record.effect).toEqual({
      action: 'accept',
      asked: 2,
      askedAt: secondsAfterNoon(60).toISOString(),
    });
    expect(happenings).toMatchObject([{ action: 'refused', actor: 'ec2', reason: 'it said no' }]);
  });

  test('while somebody decided otherwise keeps what is due now', () => {
    const before = aRecord({ verdict: aVerdict('reject'), effect: { action: 'reject', asked: 0 } });
    expect(applying(before, 'accept', noon).record).toMatchObject({
      effect: { action: 'reject', asked: 0 },
      lastAskedAt: time,
    });
  });
});

describe('a connection that EC2 shows', () => {
  test('and that nobody remembers is recorded and left alone', () => {
    expect(told(undefined, 'available')).toEqual({
      actions: ['observed'],
      state: 'available',
      due: undefined,
    });
  });

  test.each([
    { requestedAt: '2026-10-01T00:00:00.000Z', reason: 'older than the registration of the service' },
    { requestedAt: '2026-11-10T00:00:00.000Z', reason: 'found so; linkgate did not decide it' },
  ])('unremembered since $requestedAt is $reason', ({ requestedAt, reason }) => {
    const connection = aConnection({ state: 'available', requestedAt });
    expect(observed(undefined, connection, registeredAt, noon)?.happenings).toMatchObject([{ reason }]);
  });

  test.each(['deleted', 'failed', 'expired'] as const)('%s and that nobody remembers is nothing', (state) => {
    expect(told(undefined, state)).toBeUndefined();
  });

  test.each([
    { due: 'accept', before: accepting, state: 'pending' },
    { due: 'accept', before: accepting, state: 'available' },
    { due: 'reject', before: rejecting, state: 'rejected' },
  ] as const)('$state where $due is due is applied', ({ before, state }) => {
    expect(told(aRecord(before), state)).toEqual({ actions: ['applied'], state, due: undefined });
  });

  test('available after it was seen pending is not applied a second time', () => {
    const before = aRecord({ state: 'pending', verdict: aVerdict('accept'), lastAskedAt: time });
    expect(told(before, 'available')).toEqual({ actions: [], state: 'available', due: undefined });
  });

  test('rejected where accept is due is refused, and nothing is due any more', () => {
    expect(told(aRecord(accepting), 'rejected')).toEqual({
      actions: ['refused'],
      state: 'rejected',
      due: undefined,
    });
  });

  test('live where reject is due keeps that due', () => {
    expect(told(aRecord(rejecting), 'available')).toEqual({
      actions: [],
      state: 'available',
      due: 'reject',
    });
  });

  test.each(['deleted', 'failed', 'expired'] as const)('%s is gone, whatever was due', (state) => {
    expect(told(aRecord(accepting), state)).toEqual({ actions: ['gone'], state, due: undefined });
  });

  test('gone a second time is nothing new', () => {
    expect(told(aRecord({ state: 'deleted', goneAt: time }), 'deleted')).toBeUndefined();
  });

  test('as it is remembered is nothing new', () => {
    expect(told(aRecord({ state: 'available' }), 'available')).toBeUndefined();
  });

  test('again after a pass missed it is no longer missing', () => {
    const before = aRecord({ state: 'available', missingSince: time });
    const transition = observed(before, aConnection({ state: 'available' }), registeredAt, noon);
    expect(transition?.record).not.toHaveProperty('missingSince');
    expect(transition?.happenings).toEqual([]);
  });

  test.each([
    { from: 'pendingAcceptance', to: 'available' },
    { from: 'available', to: 'rejected' },
    { from: 'pendingAcceptance', to: 'rejected' },
  ] as const)('$to instead of $from by no doing of linkgate is observed', ({ from, to }) => {
    const before = aRecord({ state: from, verdict: aVerdict('ask') });
    expect(told(before, to)).toEqual({ actions: ['observed'], state: to, due: undefined });
  });

  test('on its way to be deleted is remembered without a word', () => {
    expect(told(aRecord({ state: 'available' }), 'deleting')).toEqual({
      actions: [],
      state: 'deleting',
      due: undefined,
    });
  });

  test('live soon after it was rejected is put right: a late answer to an earlier call', () => {
    const before = aRecord({ state: 'rejected', verdict: aVerdict('reject'), lastAskedAt: time });
    expect(told(before, 'pending', secondsAfterNoon(60))).toEqual({
      actions: ['observed'],
      state: 'pending',
      due: 'reject',
    });
  });

  test('live long after it was rejected is what somebody else wanted, and left alone', () => {
    const before = aRecord({ state: 'rejected', verdict: aVerdict('reject'), lastAskedAt: time });
    expect(told(before, 'available', secondsAfterNoon(3600))).toEqual({
      actions: ['observed'],
      state: 'available',
      due: undefined,
    });
  });
});

describe('a connection that EC2 does not list', () => {
  test('in one whole pass is missing', () => {
    const { record, happenings } = missing(aRecord({ state: 'available' }), time, noon);
    expect(record).toMatchObject({ state: 'available', missingSince: time });
    expect(happenings).toEqual([]);
  });

  test('in two whole passes is gone, and nothing is due any more', () => {
    const before = aRecord({ state: 'available', missingSince: time, ...rejecting });
    const { record, happenings } = missing(
      before,
      secondsAfterNoon(900).toISOString(),
      secondsAfterNoon(910),
    );
    expect(record).toMatchObject({ state: 'deleted', goneAt: secondsAfterNoon(910).toISOString() });
    expect(record).not.toHaveProperty('effect');
    expect(happenings).toMatchObject([{ action: 'gone' }]);
  });
});

describe('a request is open to people', () => {
  test.each(['ask', 'wait'] as const)('while policy says %s', (outcome) => {
    expect(isOpen(aRecord({ verdict: aVerdict(outcome) }))).toBe(true);
  });

  test('before policy said anything', () => {
    expect(isOpen(aRecord())).toBe(true);
  });

  test.each([
    ['once policy accepts', { verdict: aVerdict('accept') }],
    ['once policy rejects', { verdict: aVerdict('reject') }],
    ['once a person decided', { verdict: aVerdict('wait'), approval: anApproval() }],
    ['once EC2 moved on', { verdict: aVerdict('ask'), state: 'available' }],
  ] as const)('no longer %s', (_when, record) => {
    expect(isOpen(aRecord(record))).toBe(false);
  });
});

describe('a request may still become live', () => {
  test('while its verdict is to accept it', () => {
    expect(mayBecomeLive(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(true);
    expect(mayBecomeLive(aRecord({ verdict: aVerdict('ask') }), noon)).toBe(false);
  });

  test('for some minutes after EC2 was asked, whatever the verdict is by now', () => {
    const record = aRecord({ verdict: aVerdict('reject'), lastAskedAt: time });
    expect(mayBecomeLive(record, secondsAfterNoon(299))).toBe(true);
    expect(mayBecomeLive(record, secondsAfterNoon(300))).toBe(false);
  });
});

describe('a verdict is current', () => {
  const verdict = aVerdict('accept', { until: secondsAfterNoon(60).toISOString() });

  test('while what it rests on is there as it was', () => {
    expect(isCurrent(verdict, nothing, noon)).toBe(true);
  });

  test.each(['service', 'entry', 'everyServiceEntry'])('until its %s changes', (what) => {
    expect(isCurrent(verdict, { ...nothing, [what]: 7 }, noon)).toBe(false);
  });

  test('until it runs out', () => {
    expect(isCurrent(verdict, nothing, secondsAfterNoon(60))).toBe(false);
    expect(hasRunOut({}, secondsAfterNoon(1e9))).toBe(false);
  });
});

describe('the writes of a transition', () => {
  test('carry the condition that nobody else changed the record, and number its audit entries on', () => {
    const before = aRecord({ version: 4, audited: 2 });
    const transition = decided(before, aRequest(), verdictOf('accept'), nothing, noon);
    expect(transitionWrites(before, transition, 'request-1')).toMatchObject([
      { put: { pk: 'CONNECTIONS#1', sk: endpointId(1), version: 5, audited: 3 }, expected: 4 },
      { put: { pk: `AUDIT#${endpointId(1)}`, sk: '000000003', requestId: 'request-1' }, expected: 0 },
      { put: { pk: 'DUE#111111111111/us-east-1', sk: endpointId(1), action: 'accept' } },
    ]);
  });

  test('take the pointer away with what was due', () => {
    const before = aRecord(accepting);
    const transition = observed(before, aConnection({ state: 'pending' }), registeredAt, noon);
    expect(transition && transitionWrites(before, transition, 'request-1')).toContainEqual({
      remove: { pk: 'DUE#111111111111/us-east-1', sk: endpointId(1) },
    });
  });

  test('leave the pointer alone while the same is due', () => {
    const before = aRecord(accepting);
    expect(transitionWrites(before, applying(before, 'accept', noon), 'request-1')).toHaveLength(2);
  });
});

test.each([
  { action: 'accept', states: ['pending', 'available'] },
  { action: 'reject', states: ['rejected'] },
] as const)('$action is fulfilled by $states and nothing else', ({ action, states }) => {
  const all = [
    'pendingAcceptance',
    'pending',
    'available',
    'deleting',
    'deleted',
    'rejected',
    'failed',
  ] as const;
  expect(all.filter((state) => fulfils(action, state))).toEqual(states);
});
