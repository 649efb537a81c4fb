import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import {
  BusMessage,
  type ConnectionEvent,
  toConnectionEvent,
} from '../../lib/connections/connection-event.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import type { ConnectionState } from '../../lib/privatelink/connection.ts';
import { aConnection, anApproval, aRecord, aRequest, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

const [request, changed] = ['Connection Request', 'Connection Changed'] as const;
const until = (seconds: number) => aVerdict('ask', { until: secondsAfterNoon(seconds).toISOString() });
const [time, ask] = [noon.toISOString(), aVerdict('ask')];
const pendingReject = { pendingEffect: { action: 'reject', attempts: 1 } } as const;

describe('a connection', () => {
  test.each<[string, ConnectionState, Partial<ConnectionRecord> | undefined, ConnectionEvent['type']?]>([
    ['that is requested is a request', 'pendingAcceptance', undefined, request],
    ['that is requested and without a verdict is a request', 'pendingAcceptance', {}, request],
    ['that is decided is not published', 'pendingAcceptance', { verdict: ask }],
    ['whose verdict has not expired is not published', 'pendingAcceptance', { verdict: until(1) }],
    ['whose verdict has expired is a request', 'pendingAcceptance', { verdict: until(0) }, request],
    [
      'that had ended and is requested is a request',
      'pendingAcceptance',
      { state: 'deleted', verdict: aVerdict('accept'), endedAt: time },
      request,
    ],
    [
      'that is decided and a sweep did not find is changed',
      'pendingAcceptance',
      { verdict: ask, missingSince: time },
      changed,
    ],
    [
      'without a verdict that a sweep did not find is a request',
      'pendingAcceptance',
      { missingSince: time },
      request,
    ],
    ['that is deleted and has no record is not published', 'deleted', undefined],
    ['that failed and has no record is not published', 'failed', undefined],
    ['that expired and has no record is not published', 'expired', undefined],
    ['that is connected and has no record is changed', 'available', undefined, changed],
    ['in another state than its record is changed', 'available', { state: 'pending' }, changed],
    ['in the state of its record is not published', 'available', { state: 'available' }],
    [
      'that a sweep did not find is changed',
      'available',
      { state: 'available', missingSince: time },
      changed,
    ],
    [
      'that shows its pending effect is changed',
      'rejected',
      { state: 'rejected', ...pendingReject },
      changed,
    ],
    [
      'that does not show its pending effect is not published',
      'available',
      { state: 'available', ...pendingReject },
    ],
  ])('%s', (...[, state, fields, type]) => {
    const [connection, record] = [aConnection({ state }), fields && aRecord(fields)];
    expect(toConnectionEvent(connection, record, noon, false)).toEqual(
      type && {
        type,
        connection,
        observedAt: time,
        ...(record && type === changed && { record }),
      },
    );
  });

  test('that is decided is a request once its policy changed', () => {
    const record = aRecord({ verdict: until(1) });
    expect(toConnectionEvent(aConnection(), record, noon, true)?.type).toBe(request);
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
