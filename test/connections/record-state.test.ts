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

function aSighting(fields: Parameters<typeof aConnection>[0], at = noon) {
  return { connection: aConnection(fields), observedAt: at.toISOString() };
}

/** The audit actions of a transition, with state and pending effect after it. */
function summarizeTransition(before: ConnectionRecord | undefined, state: ConnectionState, at = noon) {
  const transition = recordState(before, aSighting({ state }, at), registeredAt, at);
  return (
    transition && {
      actions: transition.auditEvents.map(({ action }) => action),
      state: transition.record.state,
      due: transition.record.pendingEffect?.action,
    }
  );
}

describe('a connection that EC2 shows', () => {
  test('without a record is recorded without a pending effect', () => {
    expect(summarizeTransition(undefined, 'available')).toEqual({
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
  ])(
    'without a record and requested at $requestedAt is recorded with the reason: $reason',
    ({ requestedAt, reason }) => {
      const sighting = aSighting({ state: 'available', requestedAt });
      expect(recordState(undefined, sighting, registeredAt, noon)?.auditEvents).toMatchObject([{ reason }]);
    },
  );

  test.each(['deleted', 'failed', 'expired'] as const)('as %s without a record is not recorded', (state) => {
    expect(summarizeTransition(undefined, state)).toBeUndefined();
  });

  test.each([
    { due: 'accept', before: accepting, state: 'pending' },
    { due: 'accept', before: accepting, state: 'available' },
    { due: 'reject', before: rejecting, state: 'rejected' },
  ] as const)(
    'as $state with a pending $due is recorded as applied, and no effect is pending',
    ({ before, state }) => {
      expect(summarizeTransition(aRecord(before), state)).toEqual({
        actions: ['applied'],
        state,
        due: undefined,
      });
    },
  );

  test('available after it was pending is not recorded as applied a second time', () => {
    const before = aRecord({ state: 'pending', verdict: aVerdict('accept'), acceptRequestedAt: time });
    expect(summarizeTransition(before, 'available')).toEqual({
      actions: [],
      state: 'available',
      due: undefined,
    });
  });

  test('rejected after a call to Accept is recorded as refused, and no effect is pending', () => {
    expect(summarizeTransition(aRecord(accepting), 'rejected')).toEqual({
      actions: ['refused'],
      state: 'rejected',
      due: undefined,
    });
  });

  test('rejected before any call to Accept is recorded as observed, and no effect is pending', () => {
    const before = aRecord({ pendingEffect: { action: 'accept', attempts: 0 } });
    expect(summarizeTransition(before, 'rejected')).toEqual({
      actions: ['observed'],
      state: 'rejected',
      due: undefined,
    });
  });

  test.each(['pendingAcceptance', 'available'] as const)(
    'connected with a pending reject has no pending effect if linkgate never called Accept (recorded state: %s)',
    (state) => {
      const effect = { action: 'reject', attempts: 1, lastAttemptAt: time } as const;
      const before = aRecord({ state, verdict: aVerdict('reject'), pendingEffect: effect });
      expect(summarizeTransition(before, 'available')).toEqual({
        actions: ['observed'],
        state: 'available',
        due: undefined,
      });
    },
  );

  test('connected with a pending reject keeps that pending effect if linkgate called Accept', () => {
    expect(summarizeTransition(aRecord(rejecting), 'available')).toEqual({
      actions: [],
      state: 'available',
      due: 'reject',
    });
  });

  test.each(['deleted', 'failed', 'expired'] as const)(
    'as %s is recorded as deleted, whatever effect was pending',
    (state) => {
      expect(summarizeTransition(aRecord(accepting), state)).toEqual({
        actions: ['deleted'],
        state,
        due: undefined,
      });
    },
  );

  test('deleted after it was deleting is recorded as deleted', () => {
    expect(summarizeTransition(aRecord({ state: 'deleting' }), 'deleted')).toMatchObject({
      actions: ['deleted'],
    });
  });

  test('as ended a second time is not recorded again', () => {
    expect(summarizeTransition(aRecord({ state: 'deleted', endedAt: time }), 'deleted')).toBeUndefined();
  });

  test('in the recorded state is not recorded again', () => {
    expect(summarizeTransition(aRecord({ state: 'available' }), 'available')).toBeUndefined();
  });

  test('is no longer recorded as missing after a sweep did not find it', () => {
    const before = aRecord({ state: 'available', missingSince: time });
    const transition = recordState(before, aSighting({ state: 'available' }), registeredAt, noon);
    expect(transition?.record).not.toHaveProperty('missingSince');
    expect(transition?.auditEvents).toEqual([]);
  });

  test.each([
    { from: 'pendingAcceptance', to: 'available' },
    { from: 'available', to: 'rejected' },
    { from: 'pendingAcceptance', to: 'rejected' },
  ] as const)('as $to after $from, which linkgate did not cause, is recorded as observed', ({ from, to }) => {
    const before = aRecord({ state: from, verdict: aVerdict('ask') });
    expect(summarizeTransition(before, to)).toEqual({ actions: ['observed'], state: to, due: undefined });
  });

  test('as deleting is recorded without an audit entry', () => {
    expect(summarizeTransition(aRecord({ state: 'available' }), 'deleting')).toEqual({
      actions: [],
      state: 'deleting',
      due: undefined,
    });
  });

  test('connected soon after it was rejected gets a pending reject, because it is a late effect of an earlier call', () => {
    const before = aRecord({ state: 'rejected', verdict: aVerdict('reject'), acceptRequestedAt: time });
    expect(summarizeTransition(before, 'pending', secondsAfterNoon(60))).toEqual({
      actions: ['observed'],
      state: 'pending',
      due: 'reject',
    });
  });

  test('connected long after it was rejected was accepted by somebody else and has no pending effect', () => {
    const before = aRecord({ state: 'rejected', verdict: aVerdict('reject'), acceptRequestedAt: time });
    expect(summarizeTransition(before, 'available', secondsAfterNoon(3600))).toEqual({
      actions: ['observed'],
      state: 'available',
      due: undefined,
    });
  });
});

describe('a late event', () => {
  const later = secondsAfterNoon(30);

  test('is recorded with the time of the description, not of its arrival', () => {
    const first = recordState(undefined, aSighting({ state: 'pending' }), registeredAt, later);
    expect(first?.record).toMatchObject({ observedAt: time });
    const next = recordState(aRecord(), aSighting({ state: 'available' }), registeredAt, later);
    expect(next?.record).toMatchObject({ state: 'available', observedAt: time });
  });

  test.each(['pending', 'rejected', 'deleted'] as const)(
    'of a connection that was %s does not overwrite what was described later',
    (state) => {
      const before = aRecord({ state: 'available', observedAt: later.toISOString(), ...accepting });
      expect(summarizeTransition(before, state, noon)).toBeUndefined();
    },
  );

  test('is recorded if its description time is that of the record', () => {
    const before = aRecord({ state: 'pending', observedAt: time });
    expect(summarizeTransition(before, 'available', noon)).toMatchObject({ state: 'available' });
  });

  test.each(['pending', 'available', 'rejected'] as const)(
    'of a connection that was %s changes nothing while EC2 shows it deleting',
    (state) => {
      expect(
        summarizeTransition(aRecord({ state: 'deleting', observedAt: time, ...accepting }), state),
      ).toBeUndefined();
    },
  );

  test('that shows a connection deleting changes nothing after it ended', () => {
    expect(
      summarizeTransition(aRecord({ state: 'deleted', endedAt: time, observedAt: time }), 'deleting'),
    ).toBeUndefined();
  });
});

test('a connection that ended is connected again if EC2 shows it later', () => {
  const before = aRecord({ state: 'deleted', endedAt: time, observedAt: time });
  const sighting = aSighting({ state: 'available' }, secondsAfterNoon(30));
  const transition = recordState(before, sighting, registeredAt, secondsAfterNoon(30));
  expect(transition?.record).toMatchObject({ state: 'available' });
  expect(transition?.record).not.toHaveProperty('endedAt');
});
