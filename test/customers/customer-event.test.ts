import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import {
  type LastEvent,
  mayHaveCustomerEvent,
  type NextEvent,
  nextCustomerEvent,
} from '../../lib/customers/customer-event.ts';
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
const toBeCut: Partial<ConnectionRecord> = {
  ...accepted,
  ...verdict('reject', { until: inThreeDays }),
  revocation: { since: at, disconnectAt: inThreeDays, cause: 'policy', by: 'linkgate' },
};
const disconnectScheduled: LastEvent = { event: 'disconnect-scheduled', disconnectAt: inThreeDays };
const { revocation: _announced, ...unannounced } = toBeCut;
const beyondBudget: Partial<ConnectionRecord> = {
  ...unannounced,
  ...verdict('ask'),
  revocation: { since: at, disconnectAt: inThreeDays, cause: 'policy', by: 'linkgate', overQuota: true },
};
const abandoned: Partial<ConnectionRecord> = { ...unannounced, serviceDeregisteredAt: at };
const paused: Partial<ConnectionRecord> = { ...toBeCut, ...verdict('hold') };

test.each<[string, Partial<ConnectionRecord>, LastEvent | undefined, NextEvent | undefined]>([
  ['a request that is to be accepted', verdict('accept'), undefined, { event: 'received' }],
  ['a request that something holds up', verdict('hold'), undefined, { event: 'received' }],
  ['a request that is left to people', verdict('ask'), undefined, { event: 'waiting' }],
  [
    'a request that was received and is left to people',
    verdict('ask'),
    { event: 'received' },
    { event: 'waiting' },
  ],
  ['a request that waits as before', verdict('ask'), { event: 'waiting' }, undefined],
  ['a request that waited and is held up', verdict('hold'), { event: 'waiting' }, undefined],
  [
    'a request of a service that is registered no longer',
    { ...verdict('ask'), serviceDeregisteredAt: at },
    undefined,
    undefined,
  ],
  ['a connection that was accepted', accepted, { event: 'received' }, { event: 'accepted' }],
  [
    'a connection on its way',
    { ...accepted, state: 'pending' },
    { event: 'received' },
    { event: 'accepted' },
  ],
  ['a connection that became available', accepted, { event: 'accepted' }, undefined],
  ['a connection that others accepted', { state: 'available', ...verdict('accept') }, undefined, undefined],
  ['a connection that is older than linkgate’s care', { state: 'available' }, undefined, undefined],
  [
    'a request that was rejected',
    { state: 'rejected', ...verdict('reject') },
    { event: 'waiting' },
    { event: 'rejected' },
  ],
  [
    'a request that stays rejected',
    { state: 'rejected', ...verdict('reject') },
    { event: 'rejected' },
    undefined,
  ],
  [
    'a connection whose permission has ended',
    toBeCut,
    { event: 'accepted' },
    { event: 'disconnect-scheduled', disconnectAt: inThreeDays },
  ],
  ['a connection that is to be cut as was told', toBeCut, disconnectScheduled, undefined],
  [
    'a connection whose time was prolonged',
    { ...toBeCut, revocation: { since: at, disconnectAt: later, cause: 'policy', by: 'linkgate' } },
    disconnectScheduled,
    { event: 'disconnect-scheduled', disconnectAt: later, previousDisconnectAt: inThreeDays },
  ],
  [
    'a connection of a service that is closed',
    { ...toBeCut, revocation: { since: at, disconnectAt: inThreeDays, cause: 'service', by: alice } },
    undefined,
    { event: 'disconnect-scheduled', disconnectAt: inThreeDays, isDeregistering: true },
  ],
  [
    'a connection that is cut at once',
    { ...toBeCut, revocation: { since: at, disconnectAt: at, cause: 'block', by: alice } },
    { event: 'accepted' },
    undefined,
  ],
  ['a connection that a pause keeps from being cut', paused, disconnectScheduled, undefined],
  [
    'a connection that people decide beyond the budget',
    beyondBudget,
    disconnectScheduled,
    { event: 'disconnect-extended' },
  ],
  ['a connection that people decide as was told', beyondBudget, { event: 'disconnect-extended' }, undefined],
  [
    'a connection that people decide and whose owner never heard of a cut',
    beyondBudget,
    { event: 'accepted' },
    undefined,
  ],
  ['a connection that people decide and of which nothing was told', beyondBudget, undefined, undefined],
  [
    'a connection that was put off and has a time again',
    { ...toBeCut, revocation: { since: at, disconnectAt: later, cause: 'policy', by: 'linkgate' } },
    { event: 'disconnect-extended' },
    { event: 'disconnect-scheduled', disconnectAt: later },
  ],
  [
    'a connection that was put off and stays',
    accepted,
    { event: 'disconnect-extended' },
    { event: 'disconnect-cancelled' },
  ],
  [
    'a connection that was put off and cut',
    { ...unannounced, state: 'rejected' },
    { event: 'disconnect-extended' },
    { event: 'disconnected' },
  ],
  [
    'a connection of a service that was taken out',
    abandoned,
    disconnectScheduled,
    { event: 'disconnect-cancelled' },
  ],
  [
    'a connection that was put off there',
    abandoned,
    { event: 'disconnect-extended' },
    { event: 'disconnect-cancelled' },
  ],
  ['a connection that stays there, as was told', abandoned, { event: 'disconnect-cancelled' }, undefined],
  ['a connection there that was not to be cut', abandoned, { event: 'accepted' }, undefined],
  ['an endpoint there that is gone', { ...abandoned, state: 'deleted' }, disconnectScheduled, undefined],
  ['a connection that is cut no more', accepted, disconnectScheduled, { event: 'disconnect-cancelled' }],
  ['a connection that stays', accepted, { event: 'disconnect-cancelled' }, undefined],
  [
    'a connection that was cut',
    { ...toBeCut, state: 'rejected' },
    disconnectScheduled,
    { event: 'disconnected' },
  ],
  [
    'a connection that somebody else cut',
    { ...accepted, state: 'rejected' },
    { event: 'accepted' },
    { event: 'disconnected' },
  ],
  [
    'a connection whose permission runs out',
    { ...accepted, ...verdict('accept', { until: later }), expiryWarning: { until: later, daysBefore: 14 } },
    { event: 'accepted' },
    { event: 'expiring', until: later, daysBefore: 14 },
  ],
  [
    'a connection of which that was said',
    { ...accepted, ...verdict('accept', { until: later }), expiryWarning: { until: later, daysBefore: 14 } },
    { event: 'expiring', until: later, daysBefore: 14 },
    undefined,
  ],
  [
    'a connection whose permission runs out sooner still',
    { ...accepted, ...verdict('accept', { until: later }), expiryWarning: { until: later, daysBefore: 7 } },
    { event: 'expiring', until: later, daysBefore: 14 },
    { event: 'expiring', until: later, daysBefore: 7 },
  ],
  [
    'a connection whose permission was renewed',
    accepted,
    { event: 'expiring', until: later, daysBefore: 7 },
    undefined,
  ],
  ['an endpoint that is gone', { ...accepted, state: 'deleted' }, { event: 'accepted' }, undefined],
])('%s', (_what, record, told, news) => {
  expect(nextCustomerEvent(aRecord(record), told)).toEqual(news);
});

describe('why it was', () => {
  const denied = { ...anApproval({ decision: 'deny', reason: 'competitor' }) };
  const rejected = { state: 'rejected' as const, ...verdict('reject') };

  test('is told in the words that were meant for the consumer', () => {
    const approval = { ...denied, customerMessage: 'Ask sales first.' };
    expect(nextCustomerEvent(aRecord({ ...rejected, approval }), undefined)).toEqual({
      event: 'rejected',
      reason: 'Ask sales first.',
    });
  });

  test('is not told in the words that were meant for the house', () => {
    expect(nextCustomerEvent(aRecord({ ...rejected, approval: denied }), undefined)).toEqual({
      event: 'rejected',
    });
  });

  describe('where somebody revoked it', () => {
    const word = { by: alice, at, reason: 'competitor' };
    const revoked = { ...toBeCut, revokeOrder: { ...word, customerMessage: 'Your contract has ended.' } };
    const cut = { ...revoked, state: 'rejected' as const };

    test('is told with the time and with the cut', () => {
      const reason = 'Your contract has ended.';
      expect(nextCustomerEvent(aRecord(revoked), undefined)).toMatchObject({
        event: 'disconnect-scheduled',
        reason,
      });
      expect(nextCustomerEvent(aRecord(cut), disconnectScheduled)).toEqual({ event: 'disconnected', reason });
    });

    test('is told in the newer words of whoever had it cut sooner', () => {
      const approval = { ...denied, customerMessage: 'You asked for it.' };
      expect(nextCustomerEvent(aRecord({ ...cut, approval }), disconnectScheduled)).toMatchObject({
        reason: 'You asked for it.',
      });
    });

    test('is not told without words for the consumer', () => {
      expect(nextCustomerEvent(aRecord({ ...cut, revokeOrder: word }), disconnectScheduled)).toEqual({
        event: 'disconnected',
      });
    });
  });
});

describe('a change of a record may be news', () => {
  const before = aRecord(verdict('ask'));

  test.each<[string, ConnectionRecord | undefined, Partial<ConnectionRecord>, boolean]>([
    ['when it is the first', undefined, verdict('ask'), true],
    ['when its state became another', before, accepted, true],
    [
      'when it is not to be cut any more',
      aRecord(toBeCut),
      { state: 'available', ...verdict('accept') },
      true,
    ],
    ['when people decide it', aRecord(toBeCut), beyondBudget, true],
    ['when its service is taken out', aRecord(toBeCut), abandoned, true],
    ['when its service is taken out while it is paused', aRecord(paused), abandoned, true],
    [
      'when it was decided anew after linkgate had only observed',
      before,
      verdict('ask', { policyVersions: { ...aRecordsVerdict.policyVersions, mode: 1 } }),
      true,
    ],
    ['but not when only the house learns of it', before, { ...verdict('ask'), observedAt: at }, false],
    ['but not when linkgate has no part in it', undefined, { state: 'available' }, false],
  ])('%s', (_when, was, is, may) => {
    expect(mayHaveCustomerEvent(was, aRecord(is))).toBe(may);
  });
});
