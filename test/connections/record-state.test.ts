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

/** The audit actions of a transition, with state and pending effect after it; undefined if nothing changed. */
function summarizeTransition(before: ConnectionRecord | undefined, state: ConnectionState, at = noon) {
  const transition = recordState(before, aSighting({ state }, at), registeredAt, at);
  if (!transition) return undefined;
  const { record, auditEvents } = transition;
  const due = record.pendingEffect ? `, ${record.pendingEffect.action} is pending` : '';
  return `${auditEvents.map(({ action }) => action).join() || 'no audit entry'}: ${record.state}${due}`;
}

const rejected = { verdict: aVerdict('reject') };
const acceptedByUs = { ...rejected, state: 'rejected', acceptRequestedAt: time } as const;
const neverAccepted = { pendingEffect: rejecting.pendingEffect };

describe('a connection that EC2 shows', () => {
  const cases: readonly [
    what: string,
    before: Partial<ConnectionRecord> | undefined,
    states: readonly ConnectionState[],
    transition: string | undefined,
    secondsLater?: number,
  ][] = [
    [
      'without a record is recorded without a pending effect',
      undefined,
      ['available'],
      'observed: available',
    ],
    ['as ended without a record is not recorded', undefined, ['deleted', 'failed', 'expired'], undefined],
    [
      'with its pending accept is recorded as applied',
      accepting,
      ['pending', 'available'],
      'applied: $state',
    ],
    ['with its pending reject is recorded as applied', rejecting, ['rejected'], 'applied: rejected'],
    [
      'after it was pending is not recorded as applied a second time',
      { state: 'pending', verdict: aVerdict('accept'), acceptRequestedAt: time },
      ['available'],
      'no audit entry: available',
    ],
    ['rejected after a call to Accept is recorded as refused', accepting, ['rejected'], 'refused: rejected'],
    [
      'rejected before any call to Accept is recorded as observed',
      { pendingEffect: { action: 'accept', attempts: 0 } },
      ['rejected'],
      'observed: rejected',
    ],
    [
      'connected has no pending reject if linkgate never called Accept',
      { ...rejected, ...neverAccepted },
      ['available'],
      'observed: available',
    ],
    [
      'connected as recorded has no pending reject if linkgate never called Accept',
      { ...rejected, ...neverAccepted, state: 'available' },
      ['available'],
      'observed: available',
    ],
    [
      'connected keeps its pending reject if linkgate called Accept',
      rejecting,
      ['available'],
      'no audit entry: available, reject is pending',
    ],
    [
      'as ended is recorded as deleted, whatever effect was pending',
      accepting,
      ['deleted', 'failed', 'expired'],
      'deleted: $state',
    ],
    ['deleted after it was deleting is recorded', { state: 'deleting' }, ['deleted'], 'deleted: deleted'],
    ['as ended a second time is not recorded', { state: 'deleted', endedAt: time }, ['deleted'], undefined],
    ['in the recorded state is not recorded', { state: 'available' }, ['available'], undefined],
    [
      'and that linkgate did not cause is recorded as observed',
      { verdict: aVerdict('ask') },
      ['available', 'rejected'],
      'observed: $state',
    ],
    [
      'rejected, which linkgate did not cause, is recorded as observed',
      { state: 'available', verdict: aVerdict('ask') },
      ['rejected'],
      'observed: rejected',
    ],
    [
      'as deleting is recorded without an audit entry',
      { state: 'available' },
      ['deleting'],
      'no audit entry: deleting',
    ],
    [
      'connected soon after it was rejected gets a pending reject, because it is a late effect of an earlier call',
      acceptedByUs,
      ['pending'],
      'observed: pending, reject is pending',
      60,
    ],
    [
      'connected long after it was rejected was accepted by somebody else and has no pending effect',
      acceptedByUs,
      ['available'],
      'observed: available',
      3600,
    ],
  ];
  for (const [what, before, states, transition, secondsLater = 0] of cases)
    test(what, () => {
      for (const state of states)
        expect(summarizeTransition(before && aRecord(before), state, secondsAfterNoon(secondsLater))).toBe(
          transition?.replace('$state', state),
        );
    });

  test.each([
    { requestedAt: '2026-10-01T00:00:00.000Z', reason: 'older than the registration of the service' },
    { requestedAt: '2026-11-10T00:00:00.000Z', reason: 'linkgate first saw it after it was answered' },
  ])('without a record and requested at $requestedAt is recorded with the reason: $reason', (each) => {
    const sighting = aSighting({ state: 'available', requestedAt: each.requestedAt });
    const transition = recordState(undefined, sighting, registeredAt, noon);
    expect(transition?.auditEvents).toMatchObject([{ reason: each.reason }]);
  });

  test('is no longer recorded as missing after a sweep did not find it', () => {
    const before = aRecord({ state: 'available', missingSince: time });
    const transition = recordState(before, aSighting({ state: 'available' }), registeredAt, noon);
    expect(transition?.record).not.toHaveProperty('missingSince');
    expect(transition?.auditEvents).toEqual([]);
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

  const shownLater = { state: 'available', observedAt: later.toISOString(), ...accepting } as const;
  const deleting = { state: 'deleting', observedAt: time, ...accepting } as const;
  const ended = { state: 'deleted', endedAt: time, observedAt: time } as const;
  test.each<[string, Partial<ConnectionRecord>, ConnectionState[], string?]>([
    ['does not overwrite what was described later', shownLater, ['pending', 'rejected', 'deleted']],
    ['changes nothing while EC2 shows it deleting', deleting, ['pending', 'available', 'rejected']],
    ['that shows a connection deleting changes nothing after it ended', ended, ['deleting']],
    [
      'is recorded if its description time is that of the record',
      { state: 'pending', observedAt: time },
      ['available'],
      'no audit entry: available',
    ],
  ])('%s', (...[, before, states, transition]) => {
    for (const state of states) expect(summarizeTransition(aRecord(before), state)).toBe(transition);
  });
});

test('a connection that ended is connected again if EC2 shows it later', () => {
  const before = aRecord({ state: 'deleted', endedAt: time, observedAt: time });
  const sighting = aSighting({ state: 'available' }, secondsAfterNoon(30));
  const transition = recordState(before, sighting, registeredAt, secondsAfterNoon(30));
  expect(transition?.record).toMatchObject({ state: 'available' });
  expect(transition?.record).not.toHaveProperty('endedAt');
});
