import { expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import {
  eventVersion,
  mayHaveCustomerEvent,
  type NextEvent,
  nextCustomerEvent,
} from '../../lib/customer-notifications/customer-event.ts';
import { alice, anApproval, aRecord, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

const inThreeDays = secondsAfterNoon(3 * 86_400).toISOString();
const later = secondsAfterNoon(9 * 86_400).toISOString();
const at = noon.toISOString();

const verdict = (...all: Parameters<typeof aVerdict>) => ({ verdict: aVerdict(...all) });

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
const { revocation: _announced, ...unannounced } = scheduledDisconnect;
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
const overQuota = { ...revokedWith({ overQuota: true }), ...verdict('ask') };
const deregistered: Partial<ConnectionRecord> = { ...unannounced, serviceDeregisteredAt: at };
const paused: Partial<ConnectionRecord> = { ...scheduledDisconnect, ...verdict('hold') };
const rejected = { state: 'rejected', ...verdict('reject') } as const;
const rescheduled = revokedWith({ disconnectAt: later });
const deregistering = revokedWith({ cause: 'service', by: alice });
const blocked = revokedWith({ disconnectAt: at, cause: 'block', by: alice });
const expiring = (daysBefore: 14 | 7): Partial<ConnectionRecord> => ({
  ...accepted,
  ...verdict('accept', { until: later }),
  expiryWarning: { until: later, daysBefore },
});

/** Versions of events. */
const scheduled = `disconnect-scheduled ${inThreeDays}`;
const scheduledLater = `disconnect-scheduled ${later}`;
const expiringIn = (daysBefore: 14 | 7) => `expiring ${later} ${daysBefore}`;

type Case = [
  what: string,
  record: Partial<ConnectionRecord>,
  known: string | undefined,
  version: string,
  details?: Partial<NextEvent> | { previousDisconnectAt: string } | { isDeregistering: true },
];

test.each<Case>([
  ['a request that linkgate will accept as received', verdict('accept'), undefined, 'received'],
  ['a request on hold as received', verdict('hold'), undefined, 'received'],
  ['an open request as waiting', verdict('ask'), undefined, 'waiting'],
  ['a received request that becomes open as waiting', verdict('ask'), 'received', 'waiting'],
  ['an accepted connection', accepted, 'received', 'accepted'],
  ['a connection in state pending as accepted', { ...accepted, state: 'pending' }, 'received', 'accepted'],
  ['a rejected request', rejected, 'waiting', 'rejected'],
  ['the time of a scheduled disconnect', scheduledDisconnect, 'accepted', scheduled],
  ['a moved disconnect', rescheduled, scheduled, scheduledLater, { previousDisconnectAt: inThreeDays }],
  ['that the service is deregistered', deregistering, undefined, scheduled, { isDeregistering: true }],
  ['an extension over the disconnect quota', overQuota, scheduled, 'disconnect-extended'],
  ['a new schedule after an extension', rescheduled, 'disconnect-extended', scheduledLater],
  ['a cancelled disconnect after an extension', accepted, 'disconnect-extended', 'disconnect-cancelled'],
  ['a disconnect after an extension', { ...unannounced, ...rejected }, 'disconnect-extended', 'disconnected'],
  ['a disconnect that deregistration cancels', deregistered, scheduled, 'disconnect-cancelled'],
  ['a deregistration after an extension', deregistered, 'disconnect-extended', 'disconnect-cancelled'],
  ['a cancelled disconnect', accepted, scheduled, 'disconnect-cancelled'],
  ['a disconnect', { ...scheduledDisconnect, state: 'rejected' }, scheduled, 'disconnected'],
  ['a disconnect outside linkgate', { ...accepted, state: 'rejected' }, 'accepted', 'disconnected'],
  ['an expiring entry', expiring(14), 'accepted', expiringIn(14)],
  ['an expiring entry again with fewer days left', expiring(7), expiringIn(14), expiringIn(7)],
])('linkgate reports %s to the customer, once', (_what, record, known, version, details = {}) => {
  const news = nextCustomerEvent(aRecord(record), known);
  expect(news && eventVersion(news)).toBe(version);
  expect(news).toMatchObject(details);
  expect(nextCustomerEvent(aRecord(record), version)).toBeUndefined();
});

test.each<[string, Partial<ConnectionRecord>, string | undefined]>([
  ['when a waiting request is put on hold', verdict('hold'), 'waiting'],
  ['about a request of a deregistered service', { ...verdict('ask'), serviceDeregisteredAt: at }, undefined],
  ['about a connection accepted outside linkgate', { state: 'available', ...verdict('accept') }, undefined],
  ['about a connection without a verdict', { state: 'available' }, undefined],
  ['about an immediate disconnect before EC2 shows it', blocked, 'accepted'],
  ['while a pause postpones the disconnect', paused, scheduled],
  ['about an extension where no schedule was reported', overQuota, 'accepted'],
  ['about an extension where nothing was reported', overQuota, undefined],
  ['about a deregistered service where no disconnect was reported', deregistered, 'accepted'],
  ['about a deleted endpoint of a deregistered service', { ...deregistered, state: 'deleted' }, scheduled],
  ['when an entry is renewed', accepted, expiringIn(7)],
  ['about a deleted endpoint', { ...accepted, state: 'deleted' }, 'accepted'],
])('linkgate reports nothing %s to the customer', (_when, record, known) => {
  expect(nextCustomerEvent(aRecord(record), known)).toBeUndefined();
});

const internal = { by: alice, at, reason: 'competitor' };
const denied = anApproval({ decision: 'deny', reason: 'competitor' });
const ended = { ...internal, customerMessage: 'Your contract has ended.' };
const revoked: Partial<ConnectionRecord> = { ...scheduledDisconnect, revokeOrder: ended };
const askSales = { ...denied, customerMessage: 'Ask sales first.' };

test.each<[string, Partial<ConnectionRecord>, string | undefined]>([
  ['the customer message of a denial', { ...rejected, personDecision: askSales }, 'Ask sales first.'],
  ['absent if a denial has only an internal one', { ...rejected, personDecision: denied }, undefined],
  ['the customer message of a revocation', revoked, 'Your contract has ended.'],
  ['that one after the disconnect too', { ...revoked, state: 'rejected' }, 'Your contract has ended.'],
  ['that of a later denial', { ...revoked, personDecision: askSales }, 'Ask sales first.'],
  ['absent if a revocation has only an internal one', { ...revoked, revokeOrder: internal }, undefined],
])('the reason in a customer event is %s', (_what, record, reason) => {
  const { reason: actual } = { reason: undefined, ...nextCustomerEvent(aRecord(record), undefined) };
  expect(actual).toBe(reason);
});

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
    verdict('ask', { policyVersions: { ...aVerdict('ask').policyVersions, mode: 1 } }),
    true,
  ],
  ['but not when no reported attribute changed', before, { ...verdict('ask'), observedAt: at }, false],
  ['but not when it has no verdict', undefined, { state: 'available' }, false],
])('a change of a record may be a customer event %s', (_when, was, is, may) => {
  expect(mayHaveCustomerEvent(was, aRecord(is))).toBe(may);
});
