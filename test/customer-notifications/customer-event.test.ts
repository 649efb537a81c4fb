import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import {
  type CustomerEvent,
  type LastEvent,
  mayHaveCustomerEvent,
  type NextEvent,
  nextCustomerEvent,
} from '../../lib/customer-notifications/customer-event.ts';
import { alice, anApproval, aRecord, noon, secondsAfterNoon } from '../builders.ts';

const inThreeDays = secondsAfterNoon(3 * 86_400).toISOString();
const later = secondsAfterNoon(9 * 86_400).toISOString();
const at = noon.toISOString();

const verdict = (outcome: 'accept' | 'reject' | 'ask' | 'hold', more: object = {}) => ({
  verdict: { ...aRecordsVerdict, outcome, ...more },
});
const aRecordsVerdict = {
  findings: [],
  decidedAt: at,
  decidedBy: 'linkgate',
  policyVersions: { service: 1, entry: 0, wildcardEntry: 0, mode: 0 },
};

const accepted: Partial<ConnectionRecord> = {
  state: 'available',
  acceptRequestedAt: at,
  ...verdict('accept'),
};
const scheduledDisconnect: Partial<ConnectionRecord> = {
  ...accepted,
  ...verdict('reject', { until: inThreeDays }),
  revocation: { since: at, disconnectAt: inThreeDays, cause: 'policy', by: 'linkgate' },
};
const disconnectScheduled = { event: 'disconnect-scheduled', disconnectAt: inThreeDays } as const;
const { revocation: _announced, ...unannounced } = scheduledDisconnect;
const overQuota: Partial<ConnectionRecord> = {
  ...unannounced,
  ...verdict('ask'),
  revocation: { since: at, disconnectAt: inThreeDays, cause: 'policy', by: 'linkgate', overQuota: true },
};
const deregistered: Partial<ConnectionRecord> = { ...unannounced, serviceDeregisteredAt: at };
const paused: Partial<ConnectionRecord> = { ...scheduledDisconnect, ...verdict('hold') };

const rejected = { state: 'rejected', ...verdict('reject') } as const;
const revokedWith = (revocation: Partial<NonNullable<ConnectionRecord['revocation']>>) => ({
  ...scheduledDisconnect,
  revocation: {
    since: at,
    disconnectAt: inThreeDays,
    cause: 'policy' as const,
    by: 'linkgate',
    ...revocation,
  },
});
const rescheduled = revokedWith({ disconnectAt: later });
const deregistering = revokedWith({ cause: 'service', by: alice });
const blocked = revokedWith({ disconnectAt: at, cause: 'block', by: alice });
const expiring = (daysBefore: 14 | 7): Partial<ConnectionRecord> => ({
  ...accepted,
  ...verdict('accept', { until: later }),
  expiryWarning: { until: later, daysBefore },
});
const expiringIn = (daysBefore: 14 | 7) => ({ event: 'expiring', until: later, daysBefore }) as const;
const scheduledLater = { event: 'disconnect-scheduled', disconnectAt: later } as const;

/** An event, or the name of one without other fields. */
type EventOrName<Event> = Event | CustomerEvent;
const toEvent = <Event extends LastEvent>(event: EventOrName<Event> | undefined) =>
  typeof event === 'string' ? { event } : event;

test.each<[string, Partial<ConnectionRecord>, EventOrName<LastEvent> | undefined, EventOrName<NextEvent>]>([
  ['a request that linkgate will accept as received', verdict('accept'), undefined, 'received'],
  ['a request on hold as received', verdict('hold'), undefined, 'received'],
  ['an open request as waiting', verdict('ask'), undefined, 'waiting'],
  ['a received request that becomes open as waiting', verdict('ask'), 'received', 'waiting'],
  ['an accepted connection', accepted, 'received', 'accepted'],
  ['a connection in state pending as accepted', { ...accepted, state: 'pending' }, 'received', 'accepted'],
  ['a rejected request', rejected, 'waiting', 'rejected'],
  ['the time of a scheduled disconnect', scheduledDisconnect, 'accepted', disconnectScheduled],
  [
    'a moved disconnect with both times',
    rescheduled,
    disconnectScheduled,
    { ...scheduledLater, previousDisconnectAt: inThreeDays },
  ],
  [
    'that the service is deregistered',
    deregistering,
    undefined,
    { ...disconnectScheduled, isDeregistering: true },
  ],
  [
    'an extension when approvers decide over the disconnect quota',
    overQuota,
    disconnectScheduled,
    'disconnect-extended',
  ],
  ['a new schedule after an extension', rescheduled, 'disconnect-extended', scheduledLater],
  ['a cancelled disconnect after an extension', accepted, 'disconnect-extended', 'disconnect-cancelled'],
  [
    'a disconnect after an extension',
    { ...unannounced, state: 'rejected' },
    'disconnect-extended',
    'disconnected',
  ],
  [
    'a cancelled disconnect when the service is deregistered',
    deregistered,
    disconnectScheduled,
    'disconnect-cancelled',
  ],
  [
    'a cancelled disconnect after an extension when the service is deregistered',
    deregistered,
    'disconnect-extended',
    'disconnect-cancelled',
  ],
  ['a cancelled disconnect', accepted, disconnectScheduled, 'disconnect-cancelled'],
  ['a disconnect', { ...scheduledDisconnect, state: 'rejected' }, disconnectScheduled, 'disconnected'],
  ['a disconnect outside linkgate', { ...accepted, state: 'rejected' }, 'accepted', 'disconnected'],
  ['an expiring entry', expiring(14), 'accepted', expiringIn(14)],
  ['an expiring entry again with fewer days left', expiring(7), expiringIn(14), expiringIn(7)],
])('linkgate reports %s to the customer, once', (_what, record, lastNotified, news) => {
  const event = toEvent(news);
  expect(nextCustomerEvent(aRecord(record), toEvent(lastNotified))).toEqual(event);
  expect(nextCustomerEvent(aRecord(record), event)).toBeUndefined();
});

test.each<[string, Partial<ConnectionRecord>, EventOrName<LastEvent> | undefined]>([
  ['when a waiting request is put on hold', verdict('hold'), 'waiting'],
  ['about a request of a deregistered service', { ...verdict('ask'), serviceDeregisteredAt: at }, undefined],
  ['about a connection accepted outside linkgate', { state: 'available', ...verdict('accept') }, undefined],
  ['about a connection without a verdict', { state: 'available' }, undefined],
  ['about an immediate disconnect before EC2 shows it', blocked, 'accepted'],
  ['while a pause postpones the disconnect', paused, disconnectScheduled],
  ['about an extension where no schedule was reported', overQuota, 'accepted'],
  ['about an extension where nothing was reported', overQuota, undefined],
  ['about a deregistered service where no disconnect was reported', deregistered, 'accepted'],
  [
    'about a deleted endpoint of a deregistered service',
    { ...deregistered, state: 'deleted' },
    disconnectScheduled,
  ],
  ['when an entry is renewed', accepted, expiringIn(7)],
  ['about a deleted endpoint', { ...accepted, state: 'deleted' }, 'accepted'],
])('linkgate reports nothing %s to the customer', (_when, record, lastNotified) => {
  expect(nextCustomerEvent(aRecord(record), toEvent(lastNotified))).toBeUndefined();
});

describe('the reason in a customer event', () => {
  const denied = { ...anApproval({ decision: 'deny', reason: 'competitor' }) };

  test('is the customer message of the denial', () => {
    const personDecision = { ...denied, customerMessage: 'Ask sales first.' };
    expect(nextCustomerEvent(aRecord({ ...rejected, personDecision }), undefined)).toEqual({
      event: 'rejected',
      reason: 'Ask sales first.',
    });
  });

  test('is not the internal reason of the denial', () => {
    expect(nextCustomerEvent(aRecord({ ...rejected, personDecision: denied }), undefined)).toEqual({
      event: 'rejected',
    });
  });

  describe('of a revoked connection', () => {
    const personDecision = { by: alice, at, reason: 'competitor' };
    const revoked = {
      ...scheduledDisconnect,
      revokeOrder: { ...personDecision, customerMessage: 'Your contract has ended.' },
    };
    const disconnected = { ...revoked, state: 'rejected' as const };

    test('is the customer message of the revocation, before and after the disconnect', () => {
      const reason = 'Your contract has ended.';
      expect(nextCustomerEvent(aRecord(revoked), undefined)).toMatchObject({
        event: 'disconnect-scheduled',
        reason,
      });
      expect(nextCustomerEvent(aRecord(disconnected), disconnectScheduled)).toEqual({
        event: 'disconnected',
        reason,
      });
    });

    test('is the customer message of a later denial', () => {
      const personDecision = { ...denied, customerMessage: 'You asked for it.' };
      expect(
        nextCustomerEvent(aRecord({ ...disconnected, personDecision }), disconnectScheduled),
      ).toMatchObject({
        reason: 'You asked for it.',
      });
    });

    test('is absent without a customer message', () => {
      expect(
        nextCustomerEvent(aRecord({ ...disconnected, revokeOrder: personDecision }), disconnectScheduled),
      ).toEqual({
        event: 'disconnected',
      });
    });
  });
});

describe('a change of a record may be a customer event', () => {
  const before = aRecord(verdict('ask'));

  test.each<[string, ConnectionRecord | undefined, Partial<ConnectionRecord>, boolean]>([
    ['when the record is new', undefined, verdict('ask'), true],
    ['when the state changed', before, accepted, true],
    [
      'when its disconnect was cancelled',
      aRecord(scheduledDisconnect),
      { state: 'available', ...verdict('accept') },
      true,
    ],
    ['when approvers decide it', aRecord(scheduledDisconnect), overQuota, true],
    ['when its service is deregistered', aRecord(scheduledDisconnect), deregistered, true],
    ['when its service is deregistered during a pause', aRecord(paused), deregistered, true],
    [
      'when it has a new verdict after mode observe',
      before,
      verdict('ask', { policyVersions: { ...aRecordsVerdict.policyVersions, mode: 1 } }),
      true,
    ],
    ['but not when no reported attribute changed', before, { ...verdict('ask'), observedAt: at }, false],
    ['but not when it has no verdict', undefined, { state: 'available' }, false],
  ])('%s', (_when, was, is, may) => {
    expect(mayHaveCustomerEvent(was, aRecord(is))).toBe(may);
  });
});
