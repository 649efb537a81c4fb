import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import {
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
const disconnectScheduled: LastEvent = { event: 'disconnect-scheduled', disconnectAt: inThreeDays };
const { revocation: _announced, ...unannounced } = scheduledDisconnect;
const overQuota: Partial<ConnectionRecord> = {
  ...unannounced,
  ...verdict('ask'),
  revocation: { since: at, disconnectAt: inThreeDays, cause: 'policy', by: 'linkgate', overQuota: true },
};
const deregistered: Partial<ConnectionRecord> = { ...unannounced, serviceDeregisteredAt: at };
const paused: Partial<ConnectionRecord> = { ...scheduledDisconnect, ...verdict('hold') };

test.each<[string, Partial<ConnectionRecord>, LastEvent | undefined, NextEvent | undefined]>([
  [
    'reports a request that linkgate will accept as received',
    verdict('accept'),
    undefined,
    { event: 'received' },
  ],
  ['reports a request on hold as received', verdict('hold'), undefined, { event: 'received' }],
  ['reports an open request as waiting', verdict('ask'), undefined, { event: 'waiting' }],
  [
    'reports a received request that becomes open as waiting',
    verdict('ask'),
    { event: 'received' },
    { event: 'waiting' },
  ],
  ['reports a waiting request once', verdict('ask'), { event: 'waiting' }, undefined],
  ['reports nothing when a waiting request is put on hold', verdict('hold'), { event: 'waiting' }, undefined],
  [
    'reports nothing about a request of a deregistered service',
    { ...verdict('ask'), serviceDeregisteredAt: at },
    undefined,
    undefined,
  ],
  ['reports an accepted connection', accepted, { event: 'received' }, { event: 'accepted' }],
  [
    'reports a connection in state pending as accepted',
    { ...accepted, state: 'pending' },
    { event: 'received' },
    { event: 'accepted' },
  ],
  ['reports an accepted connection once', accepted, { event: 'accepted' }, undefined],
  [
    'reports nothing about a connection accepted outside linkgate',
    { state: 'available', ...verdict('accept') },
    undefined,
    undefined,
  ],
  ['reports nothing about a connection without a verdict', { state: 'available' }, undefined, undefined],
  [
    'reports a rejected request',
    { state: 'rejected', ...verdict('reject') },
    { event: 'waiting' },
    { event: 'rejected' },
  ],
  [
    'reports a rejected request once',
    { state: 'rejected', ...verdict('reject') },
    { event: 'rejected' },
    undefined,
  ],
  [
    'reports the time of a scheduled disconnect',
    scheduledDisconnect,
    { event: 'accepted' },
    { event: 'disconnect-scheduled', disconnectAt: inThreeDays },
  ],
  ['reports a scheduled disconnect once', scheduledDisconnect, disconnectScheduled, undefined],
  [
    'reports a moved disconnect with both times',
    {
      ...scheduledDisconnect,
      revocation: { since: at, disconnectAt: later, cause: 'policy', by: 'linkgate' },
    },
    disconnectScheduled,
    { event: 'disconnect-scheduled', disconnectAt: later, previousDisconnectAt: inThreeDays },
  ],
  [
    'reports that the service is deregistered',
    {
      ...scheduledDisconnect,
      revocation: { since: at, disconnectAt: inThreeDays, cause: 'service', by: alice },
    },
    undefined,
    { event: 'disconnect-scheduled', disconnectAt: inThreeDays, isDeregistering: true },
  ],
  [
    'reports no schedule for an immediate disconnect',
    { ...scheduledDisconnect, revocation: { since: at, disconnectAt: at, cause: 'block', by: alice } },
    { event: 'accepted' },
    undefined,
  ],
  ['reports nothing while a pause postpones the disconnect', paused, disconnectScheduled, undefined],
  [
    'reports an extension when approvers decide over the disconnect quota',
    overQuota,
    disconnectScheduled,
    { event: 'disconnect-extended' },
  ],
  ['reports an extension once', overQuota, { event: 'disconnect-extended' }, undefined],
  ['reports no extension where no schedule was reported', overQuota, { event: 'accepted' }, undefined],
  ['reports no extension where nothing was reported', overQuota, undefined, undefined],
  [
    'reports a new schedule after an extension',
    {
      ...scheduledDisconnect,
      revocation: { since: at, disconnectAt: later, cause: 'policy', by: 'linkgate' },
    },
    { event: 'disconnect-extended' },
    { event: 'disconnect-scheduled', disconnectAt: later },
  ],
  [
    'reports a cancelled disconnect after an extension',
    accepted,
    { event: 'disconnect-extended' },
    { event: 'disconnect-cancelled' },
  ],
  [
    'reports a disconnect after an extension',
    { ...unannounced, state: 'rejected' },
    { event: 'disconnect-extended' },
    { event: 'disconnected' },
  ],
  [
    'reports a cancelled disconnect when the service is deregistered',
    deregistered,
    disconnectScheduled,
    { event: 'disconnect-cancelled' },
  ],
  [
    'reports a cancelled disconnect after an extension when the service is deregistered',
    deregistered,
    { event: 'disconnect-extended' },
    { event: 'disconnect-cancelled' },
  ],
  [
    'reports a cancelled disconnect of a deregistered service once',
    deregistered,
    { event: 'disconnect-cancelled' },
    undefined,
  ],
  [
    'reports nothing about a deregistered service where no disconnect was reported',
    deregistered,
    { event: 'accepted' },
    undefined,
  ],
  [
    'reports nothing about a deleted endpoint of a deregistered service',
    { ...deregistered, state: 'deleted' },
    disconnectScheduled,
    undefined,
  ],
  ['reports a cancelled disconnect', accepted, disconnectScheduled, { event: 'disconnect-cancelled' }],
  ['reports a cancelled disconnect once', accepted, { event: 'disconnect-cancelled' }, undefined],
  [
    'reports a disconnect',
    { ...scheduledDisconnect, state: 'rejected' },
    disconnectScheduled,
    { event: 'disconnected' },
  ],
  [
    'reports a disconnect outside linkgate',
    { ...accepted, state: 'rejected' },
    { event: 'accepted' },
    { event: 'disconnected' },
  ],
  [
    'reports an expiring entry',
    { ...accepted, ...verdict('accept', { until: later }), expiryWarning: { until: later, daysBefore: 14 } },
    { event: 'accepted' },
    { event: 'expiring', until: later, daysBefore: 14 },
  ],
  [
    'reports an expiring entry once for each warning',
    { ...accepted, ...verdict('accept', { until: later }), expiryWarning: { until: later, daysBefore: 14 } },
    { event: 'expiring', until: later, daysBefore: 14 },
    undefined,
  ],
  [
    'reports an expiring entry again with fewer days left',
    { ...accepted, ...verdict('accept', { until: later }), expiryWarning: { until: later, daysBefore: 7 } },
    { event: 'expiring', until: later, daysBefore: 14 },
    { event: 'expiring', until: later, daysBefore: 7 },
  ],
  [
    'reports nothing when an entry is renewed',
    accepted,
    { event: 'expiring', until: later, daysBefore: 7 },
    undefined,
  ],
  [
    'reports nothing about a deleted endpoint',
    { ...accepted, state: 'deleted' },
    { event: 'accepted' },
    undefined,
  ],
])('linkgate %s to the customer', (_what, record, lastNotified, news) => {
  expect(nextCustomerEvent(aRecord(record), lastNotified)).toEqual(news);
});

describe('the reason in a customer event', () => {
  const denied = { ...anApproval({ decision: 'deny', reason: 'competitor' }) };
  const rejected = { state: 'rejected' as const, ...verdict('reject') };

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
