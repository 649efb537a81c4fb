import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { recordState } from '../../lib/connections/record-state.ts';
import type { ConnectionState } from '../../lib/privatelink/connection.ts';
import { aConnection, aRecord, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

const time = noon.toISOString();
const registeredAt = '2026-11-01T00:00:00.000Z';
const accepting = {
  pendingEffect: { action: 'accept', attempts: 1, lastAttemptAt: time },
  acceptRequestedAt: time,
} as const;
const rejecting = {
  pendingEffect: { action: 'reject', attempts: 1, lastAttemptAt: time },
  acceptRequestedAt: time,
} as const;

function seen(shown: Parameters<typeof aConnection>[0], at = noon) {
  return { connection: aConnection(shown), observedAt: at.toISOString() };
}

/** The audit actions of a transition, with state and pending effect after it. */
function told(before: ConnectionRecord | undefined, state: ConnectionState, at = noon) {
  const transition = recordState(before, seen({ state }, at), registeredAt, at);
  return (
    transition && {
      actions: transition.auditEvents.map(({ action }) => action),
      state: transition.record.state,
      due: transition.record.pendingEffect?.action,
    }
  );
}

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
    {
      requestedAt: '2026-11-10T00:00:00.000Z',
      reason: 'linkgate first saw it after it was answered',
    },
  ])('unremembered since $requestedAt: $reason', ({ requestedAt, reason }) => {
    const sighting = seen({ state: 'available', requestedAt });
    expect(recordState(undefined, sighting, registeredAt, noon)?.auditEvents).toMatchObject([{ reason }]);
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
    const before = aRecord({ state: 'pending', verdict: aVerdict('accept'), acceptRequestedAt: time });
    expect(told(before, 'available')).toEqual({ actions: [], state: 'available', due: undefined });
  });

  test('rejected where accept is due is refused, and nothing is due any more', () => {
    expect(told(aRecord(accepting), 'rejected')).toEqual({
      actions: ['refused'],
      state: 'rejected',
      due: undefined,
    });
  });

  test('rejected where accept is due and EC2 was not asked is the work of somebody else', () => {
    const before = aRecord({ pendingEffect: { action: 'accept', attempts: 0 } });
    expect(told(before, 'rejected')).toEqual({ actions: ['observed'], state: 'rejected', due: undefined });
  });

  test.each(['pendingAcceptance', 'available'] as const)(
    'live where reject is due, and was remembered as %s, stays: linkgate did not ask for it to be accepted',
    (state) => {
      const effect = { action: 'reject', attempts: 1, lastAttemptAt: time } as const;
      const before = aRecord({ state, verdict: aVerdict('reject'), pendingEffect: effect });
      expect(told(before, 'available')).toEqual({
        actions: ['observed'],
        state: 'available',
        due: undefined,
      });
    },
  );

  test('live where reject is due keeps that due where EC2 was asked to accept it', () => {
    expect(told(aRecord(rejecting), 'available')).toEqual({
      actions: [],
      state: 'available',
      due: 'reject',
    });
  });

  test.each(['deleted', 'failed', 'expired'] as const)('%s is gone, whatever was due', (state) => {
    expect(told(aRecord(accepting), state)).toEqual({ actions: ['deleted'], state, due: undefined });
  });

  test('deleted after it was seen deleting is gone', () => {
    expect(told(aRecord({ state: 'deleting' }), 'deleted')).toMatchObject({ actions: ['deleted'] });
  });

  test('gone a second time is nothing new', () => {
    expect(told(aRecord({ state: 'deleted', endedAt: time }), 'deleted')).toBeUndefined();
  });

  test('as it is remembered is nothing new', () => {
    expect(told(aRecord({ state: 'available' }), 'available')).toBeUndefined();
  });

  test('again after a pass missed it is no longer missing', () => {
    const before = aRecord({ state: 'available', missingSince: time });
    const transition = recordState(before, seen({ state: 'available' }), registeredAt, noon);
    expect(transition?.record).not.toHaveProperty('missingSince');
    expect(transition?.auditEvents).toEqual([]);
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
    const before = aRecord({ state: 'rejected', verdict: aVerdict('reject'), acceptRequestedAt: time });
    expect(told(before, 'pending', secondsAfterNoon(60))).toEqual({
      actions: ['observed'],
      state: 'pending',
      due: 'reject',
    });
  });

  test('live long after it was rejected is what somebody else wanted, and left alone', () => {
    const before = aRecord({ state: 'rejected', verdict: aVerdict('reject'), acceptRequestedAt: time });
    expect(told(before, 'available', secondsAfterNoon(3600))).toEqual({
      actions: ['observed'],
      state: 'available',
      due: undefined,
    });
  });
});

describe('news that took long', () => {
  const later = secondsAfterNoon(30);

  test('is remembered with the time at which EC2 was looked at, not at which it came', () => {
    const first = recordState(undefined, seen({ state: 'pending' }), registeredAt, later);
    expect(first?.record).toMatchObject({ observedAt: time });
    const next = recordState(aRecord(), seen({ state: 'available' }), registeredAt, later);
    expect(next?.record).toMatchObject({ state: 'available', observedAt: time });
  });

  test.each(['pending', 'rejected', 'deleted'] as const)(
    'of a connection that was %s changes nothing that was seen after it',
    (state) => {
      const before = aRecord({ state: 'available', observedAt: later.toISOString(), ...accepting });
      expect(told(before, state, noon)).toBeUndefined();
    },
  );

  test('that was seen at the same moment counts', () => {
    const before = aRecord({ state: 'pending', observedAt: time });
    expect(told(before, 'available', noon)).toMatchObject({ state: 'available' });
  });

  test.each(['pending', 'available', 'rejected'] as const)(
    'of a connection that was %s changes nothing while EC2 is deleting it',
    (state) => {
      expect(told(aRecord({ state: 'deleting', observedAt: time, ...accepting }), state)).toBeUndefined();
    },
  );

  test('that EC2 is deleting a connection changes nothing after it is gone', () => {
    expect(told(aRecord({ state: 'deleted', endedAt: time, observedAt: time }), 'deleting')).toBeUndefined();
  });
});

test('a connection that was thought gone and that EC2 shows after that is there again', () => {
  const before = aRecord({ state: 'deleted', endedAt: time, observedAt: time });
  const sighting = seen({ state: 'available' }, secondsAfterNoon(30));
  const transition = recordState(before, sighting, registeredAt, secondsAfterNoon(30));
  expect(transition?.record).toMatchObject({ state: 'available' });
  expect(transition?.record).not.toHaveProperty('endedAt');
});
