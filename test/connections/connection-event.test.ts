import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { BusMessage, toConnectionEvent } from '../../lib/connections/connection-event.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { aConnection, anApproval, aRecord, aRequest, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

/** The event of a connection in a state, with its record. */
function eventType(
  state: ReturnType<typeof aConnection>['state'],
  record?: ConnectionRecord,
  policyChanged = false,
) {
  return toConnectionEvent(aConnection({ state }), record, noon, policyChanged)?.type;
}

describe('a connection request', () => {
  test('is published while it has no verdict', () => {
    expect(eventType('pendingAcceptance')).toBe('Connection Request');
    expect(eventType('pendingAcceptance', aRecord())).toBe('Connection Request');
  });

  test('with a verdict is not published', () => {
    expect(eventType('pendingAcceptance', aRecord({ verdict: aVerdict('ask') }))).toBeUndefined();
  });

  test('is published again once its verdict expires or its policy changes', () => {
    const verdict = aVerdict('ask', { until: noon.toISOString() });
    expect(eventType('pendingAcceptance', aRecord({ verdict }))).toBe('Connection Request');
    const later = aVerdict('ask', { until: secondsAfterNoon(1).toISOString() });
    expect(eventType('pendingAcceptance', aRecord({ verdict: later }))).toBeUndefined();
    expect(eventType('pendingAcceptance', aRecord({ verdict: later }), true)).toBe('Connection Request');
  });
});

describe('a connection request that EC2 lists again', () => {
  const verdict = aVerdict('accept');
  const missingSince = noon.toISOString();

  test('is published as a request if it had ended', () => {
    const deleted = aRecord({ state: 'deleted', verdict, endedAt: noon.toISOString() });
    expect(eventType('pendingAcceptance', deleted)).toBe('Connection Request');
  });

  test('is published as changed, with its record, if a sweep did not find it', () => {
    const record = aRecord({ verdict: aVerdict('ask'), missingSince });
    expect(toConnectionEvent(aConnection(), record, noon, false)).toMatchObject({
      type: 'Connection Changed',
      record,
    });
  });

  test('is published as a request if a sweep did not find it and it has no verdict', () => {
    expect(eventType('pendingAcceptance', aRecord({ missingSince }))).toBe('Connection Request');
  });
});

describe('a connection', () => {
  test.each(['deleted', 'failed', 'expired'] as const)(
    'that is %s and has no record is not published',
    (state) => {
      expect(eventType(state)).toBeUndefined();
    },
  );

  test('without a record, or in another state than its record, is published as changed', () => {
    expect(eventType('available')).toBe('Connection Changed');
    expect(eventType('available', aRecord({ state: 'pending' }))).toBe('Connection Changed');
  });

  test('in the state of its record is not published', () => {
    expect(eventType('available', aRecord({ state: 'available' }))).toBeUndefined();
  });

  test('that a sweep did not find, or that shows its pending effect, is published as changed', () => {
    const effect = { action: 'reject', attempts: 1 } as const;
    expect(eventType('available', aRecord({ state: 'available', missingSince: noon.toISOString() }))).toBe(
      'Connection Changed',
    );
    expect(eventType('rejected', aRecord({ state: 'rejected', pendingEffect: effect }))).toBe(
      'Connection Changed',
    );
    expect(eventType('available', aRecord({ state: 'available', pendingEffect: effect }))).toBeUndefined();
  });

  test('is published with its record and the time of the description', () => {
    const record = aRecord({ state: 'pending' });
    const connection = aConnection({ state: 'available' });
    const observedAt = noon.toISOString();
    expect(toConnectionEvent(connection, record, noon, false)).toEqual({
      type: 'Connection Changed',
      connection,
      observedAt,
      record,
    });
  });
});

describe('a message from the bus', () => {
  const event = {
    source: 'linkgate',
    'detail-type': 'Connection Changed',
    detail: {
      connection: aConnection(),
      observedAt: noon.toISOString(),
      record: aRecord({ verdict: aVerdict('accept'), personDecision: anApproval({ reason: 'fine' }) }),
    },
  };

  test('is parsed with the whole record', () => {
    expect(v.parse(BusMessage, event)).toEqual({ detail: { ...event.detail, type: 'Connection Changed' } });
  });

  test('is parsed with attributes that a newer version added to the record', () => {
    const detail = { ...event.detail, record: { ...event.detail.record, addedLater: 1 } };
    expect(v.parse(BusMessage, { ...event, detail })).toMatchObject({ detail });
  });

  test.each([
    ['from another source', { ...event, source: 'elsewhere' }],
    ['of another kind', { ...event, 'detail-type': 'Connection Lost' }],
    ['without a connection', { ...event, detail: { observedAt: event.detail.observedAt } }],
    ['without the time of the description', { ...event, detail: { connection: aConnection() } }],
    [
      'with a state in the casing of the SDK',
      { ...event, detail: { ...event.detail, connection: { ...aRequest(), state: 'Available' } } },
    ],
  ])('is rejected if it is %s', (_what, other) => {
    expect(v.is(BusMessage, other)).toBe(false);
  });
});
