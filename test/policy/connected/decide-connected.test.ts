import { describe, expect, test } from '@jest/globals';
import type { AllowlistEntry } from '../../../lib/allowlist/entry.ts';
import type { Revocation } from '../../../lib/connections/revocation.ts';
import { type ConnectionHistory, decideConnected } from '../../../lib/policy/connected/decide-connected.ts';
import type { Connection } from '../../../lib/privatelink/connection.ts';
import {
  aConnection,
  alice,
  anApproval,
  anEntry,
  aPolicy,
  aService,
  aVerdict,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';

const hour = 3_600;
const at = (hours: number) => secondsAfterNoon(hours * hour).toISOString();
const block = anEntry({ effect: 'block', changedAt: at(-2) });
const paused = aService({ pausedAt: at(-1) });
const accepted: ConnectionHistory = { verdict: aVerdict('accept'), acceptRequestedAt: at(-24) };
const announced = (hours: number, more: Partial<Revocation> = {}): ConnectionHistory => ({
  ...accepted,
  verdict: aVerdict('reject'),
  revocation: { since: at(hours), disconnectAt: at(hours + 72), cause: 'policy', by: 'linkgate', ...more },
});
const denied = anApproval({ decision: 'deny', at: at(-1) });
const revoked = { by: alice, at: at(-1) };
const old: Partial<Connection> = { requestedAt: '2026-10-01T00:00:00.000Z' };

interface Situation {
  readonly before?: ConnectionHistory;
  readonly entries?: readonly AllowlistEntry[];
  readonly service?: ReturnType<typeof aService>;
  readonly connection?: Partial<Connection>;
  readonly restoredAt?: string;
  readonly enforcingSince?: string;
  readonly isObserving?: boolean;
}

function decided({
  before,
  entries = [],
  service = aService(),
  connection = {},
  restoredAt = '',
  enforcingSince = restoredAt,
  isObserving = false,
}: Situation) {
  const policy = aPolicy({ entries, service });
  return decideConnected(aConnection({ state: 'available', ...connection }), before, policy, {
    restoredAt,
    enforcingSince,
    isObserving,
    now: noon,
  });
}

/** What becomes of it, in a word. */
function fate(situation: Situation): string {
  const { verdict, revocation } = decided(situation);
  if (verdict.outcome === 'accept') return 'stays';
  if (verdict.outcome !== 'reject') return verdict.outcome === 'ask' ? 'is asked about' : 'waits';
  return verdict.until === undefined ? 'is cut' : `is cut at ${revocation?.disconnectAt}`;
}

const graceFromNow = `is cut at ${at(72)}`;

describe('a connection that lives', () => {
  test.each<[string, Situation, string]>([
    ['allowed', { before: accepted, entries: [anEntry()] }, 'stays'],
    ['allowed, seen for the first time', { entries: [anEntry()] }, 'stays'],
    ['allowed no longer', { before: accepted }, graceFromNow],
    [
      'allowed no longer where unlisted accounts are rejected',
      { before: accepted, service: aService({ onUnlisted: 'reject' }) },
      graceFromNow,
    ],
    [
      'allowed no longer where unlisted accounts wait',
      { before: accepted, service: aService({ onUnlisted: 'hold' }) },
      graceFromNow,
    ],
    [
      'allowed no longer at a service with a shorter grace period',
      { before: accepted, service: aService({ graceSeconds: hour }) },
      `is cut at ${at(1)}`,
    ],
    ['announced a day ago', { before: announced(-24) }, `is cut at ${at(48)}`],
    ['announced 72 hours ago', { before: announced(-72) }, 'is cut'],
    [
      'announced 72 hours ago, in another table',
      { before: announced(-72), enforcingSince: at(-1) },
      graceFromNow,
    ],
    ['announced 72 hours ago, and allowed again', { before: announced(-72), entries: [anEntry()] }, 'stays'],
    [
      'announced 72 hours ago, and kept',
      { before: { ...announced(-72), extended: { by: alice, at: at(-1), until: at(5) } } },
      `is cut at ${at(5)}`,
    ],
    [
      'kept for less than it has',
      { before: { ...announced(-24), extended: { by: alice, at: at(-1), until: at(5) } } },
      `is cut at ${at(48)}`,
    ],
    [
      'kept, and its time is over',
      { before: { ...announced(-99), extended: { by: alice, at: at(-9), until: at(-1) } } },
      'is cut',
    ],
    ['beyond the budget', { before: announced(-72, { overQuota: true }) }, 'is asked about'],
    [
      'beyond the budget, and kept',
      {
        before: { ...announced(-72, { overQuota: true }), extended: { by: alice, at: at(-1), until: at(5) } },
      },
      `is cut at ${at(5)}`,
    ],
    ['blocked', { before: accepted, entries: [block] }, 'is cut'],
    [
      'blocked although approved',
      { before: { ...accepted, approval: anApproval() }, entries: [block] },
      'is cut',
    ],
    ['blocked although it was there first', { connection: old, entries: [block] }, 'is cut'],
    [
      'blocked before this table was in place',
      { before: accepted, entries: [block], restoredAt: at(-1) },
      graceFromNow,
    ],
    [
      'revoked',
      { before: { ...accepted, revokeOrder: revoked }, entries: [anEntry()] },
      `is cut at ${at(71)}`,
    ],
    [
      'revoked now',
      { before: { ...accepted, revokeOrder: { ...revoked, immediate: true } }, entries: [anEntry()] },
      'is cut',
    ],
    [
      'revoked now before this table was in place',
      { before: { ...accepted, revokeOrder: { ...revoked, immediate: true } }, restoredAt: at(0) },
      graceFromNow,
    ],
    ['denied', { before: { ...announced(-24), reevaluatedAt: at(-24), approval: denied } }, 'is cut'],
    [
      'denied while it was a request',
      { before: { ...announced(-24), approval: denied } },
      'is cut at 2026-11-23T12:00:00.000Z',
    ],
    ['approved', { before: { ...announced(-99), approval: anApproval() } }, 'stays'],
    [
      'at a service that is taken out',
      {
        before: accepted,
        entries: [anEntry()],
        service: aService({ deregisteringAt: at(-1), deregisteringBy: alice }),
      },
      'is cut',
    ],
    [
      'at a paused service, whatever is to become of it',
      { before: announced(-99), service: paused },
      'waits',
    ],
    ['blocked at a paused service', { before: accepted, entries: [block], service: paused }, 'waits'],
    ['accepted by somebody else', {}, 'is asked about'],
    [
      'accepted by somebody else after it was rejected',
      { before: { verdict: aVerdict('reject') } },
      'is asked about',
    ],
    [
      'accepted by somebody else where such are adopted',
      { service: aService({ onExternalAccept: 'adopt' }) },
      'stays',
    ],
    [
      'accepted by somebody else where such are cut',
      { service: aService({ onExternalAccept: 'disconnect' }) },
      graceFromNow,
    ],
    ['there before its service was registered', { connection: old }, 'stays'],
    [
      'there before its service was registered, and since endorsed and no longer',
      { connection: old, before: accepted },
      graceFromNow,
    ],
  ])('and is %s', (_what, situation, expected) => {
    expect(fate(situation)).toBe(expected);
  });

  test('is the policy’s from when that endorses it, and adopted no longer', () => {
    const grandfathered = { by: alice, at: at(-1) };
    expect(decided({ before: { grandfathered }, entries: [anEntry()] })).not.toHaveProperty('grandfathered');
    expect(decided({ before: { grandfathered } })).toMatchObject({ grandfathered });
  });

  test('is not announced to be cut while linkgate observes: it is only said what would be', () => {
    const { verdict, revocation } = decided({ before: accepted, isObserving: true });
    expect(revocation).toBeUndefined();
    expect(verdict.outcome).toBe('reject');
    expect(verdict).not.toHaveProperty('until');
  });

  test('keeps its announcement through a pause', () => {
    const before = announced(-24);
    expect(decided({ before, service: paused })).toMatchObject({ revocation: before.revocation });
  });

  test('is cut for the reason that the policy gives', () => {
    expect(decided({ before: accepted }).verdict.findings[0]).toMatchObject({
      rule: 'no-longer-allowed',
      reason: 'account 022222222222 is not on the allowlist of orders',
    });
  });
});
