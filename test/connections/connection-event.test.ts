import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { BusMessage, toConnectionEvent } from '../../lib/connections/connection-event.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { aConnection, anApproval, aRecord, aRequest, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

/** The event of a connection in a state, with its record. */
function said(
  state: ReturnType<typeof aConnection>['state'],
  record?: ConnectionRecord,
  policyChanged = false,
) {
  return toConnectionEvent(aConnection({ state }), record, noon, policyChanged)?.type;
}

describe('a request', () => {
  test('is handed over to be decided while there is no verdict', () => {
    expect(said('pendingAcceptance')).toBe('Connection Request');
    expect(said('pendingAcceptance', aRecord())).toBe('Connection Request');
  });

  test('with a verdict needs no word', () => {
    expect(said('pendingAcceptance', aRecord({ verdict: aVerdict('ask') }))).toBeUndefined();
  });

  test('is handed over again when its verdict ran out, or its policy changed', () => {
    const verdict = aVerdict('ask', { until: noon.toISOString() });
    expect(said('pendingAcceptance', aRecord({ verdict }))).toBe('Connection Request');
    const later = aVerdict('ask', { until: secondsAfterNoon(1).toISOString() });
    expect(said('pendingAcceptance', aRecord({ verdict: later }))).toBeUndefined();
    expect(said('pendingAcceptance', aRecord({ verdict: later }), true)).toBe('Connection Request');
  });
});

describe('a request that is listed again', () => {
  const verdict = aVerdict('accept');
  const missingSince = noon.toISOString();

  test('after it was taken for gone is handed over as if it had never been decided', () => {
    const gone = aRecord({ state: 'deleted', verdict, endedAt: noon.toISOString() });
    expect(said('pendingAcceptance', gone)).toBe('Connection Request');
  });

  test('after a pass missed it has changed, with what was remembered of it', () => {
    const record = aRecord({ verdict: aVerdict('ask'), missingSince });
    expect(toConnectionEvent(aConnection(), record, noon, false)).toMatchObject({
      type: 'Connection Changed',
      record,
    });
  });

  test('after a pass missed it is handed over where it has to be decided anyway', () => {
    expect(said('pendingAcceptance', aRecord({ missingSince }))).toBe('Connection Request');
  });
});

describe('a connection', () => {
  test.each(['deleted', 'failed', 'expired'] as const)('%s that nobody remembers needs no word', (state) => {
    expect(said(state)).toBeUndefined();
  });

  test('that nobody remembers, or that is otherwise than remembered, has changed', () => {
    expect(said('available')).toBe('Connection Changed');
    expect(said('available', aRecord({ state: 'pending' }))).toBe('Connection Changed');
  });

  test('that is as remembered needs no word', () => {
    expect(said('available', aRecord({ state: 'available' }))).toBeUndefined();
  });

  test('that was missed by a pass, or that shows what is due, has changed', () => {
    const effect = { action: 'reject', attempts: 1 } as const;
    expect(said('available', aRecord({ state: 'available', missingSince: noon.toISOString() }))).toBe(
      'Connection Changed',
    );
    expect(said('rejected', aRecord({ state: 'rejected', pendingEffect: effect }))).toBe(
      'Connection Changed',
    );
    expect(said('available', aRecord({ state: 'available', pendingEffect: effect }))).toBeUndefined();
  });

  test('carries what was remembered of it, and when it was looked at', () => {
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

describe('an event from the bus', () => {
  const event = {
    source: 'linkgate',
    'detail-type': 'Connection Changed',
    detail: {
      connection: aConnection(),
      observedAt: noon.toISOString(),
      record: aRecord({ verdict: aVerdict('accept'), approval: anApproval({ reason: 'fine' }) }),
    },
  };

  test('is read with all that was remembered', () => {
    expect(v.parse(BusMessage, event)).toEqual({ detail: { ...event.detail, type: 'Connection Changed' } });
  });

  test('is read with what a newer version remembers beside', () => {
    const detail = { ...event.detail, record: { ...event.detail.record, addedLater: 1 } };
    expect(v.parse(BusMessage, { ...event, detail })).toMatchObject({ detail });
  });

  test.each([
    ["of somebody else's", { ...event, source: 'elsewhere' }],
    ['of another kind', { ...event, 'detail-type': 'Connection Lost' }],
    ['without a connection', { ...event, detail: { observedAt: event.detail.observedAt } }],
    ['that does not say when EC2 was looked at', { ...event, detail: { connection: aConnection() } }],
    [
      'with a state in the casing of the SDK',
      { ...event, detail: { ...event.detail, connection: { ...aRequest(), state: 'Available' } } },
    ],
  ])('%s is refused', (_what, other) => {
    expect(v.is(BusMessage, other)).toBe(false);
  });
});
