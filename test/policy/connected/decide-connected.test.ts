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
const createScheduled = (hours: number, more: Partial<Revocation> = {}): ConnectionHistory => ({
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

function decide({
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

/** The decision in words. */
function summarizeDecision(situation: Situation): string {
  const { verdict, revocation } = decide(situation);
  if (verdict.outcome === 'accept') return 'stays';
  if (verdict.outcome !== 'reject') return verdict.outcome === 'ask' ? 'is asked about' : 'waits';
  return verdict.until === undefined ? 'is disconnected' : `is disconnected at ${revocation?.disconnectAt}`;
}

const graceFromNow = `is disconnected at ${at(72)}`;

describe('a connected endpoint', () => {
  test.each<[string, Situation, string]>([
    ['allowed', { before: accepted, entries: [anEntry()] }, 'stays'],
    ['allowed, seen for the first time', { entries: [anEntry()] }, 'stays'],
    ['no longer allowed', { before: accepted }, graceFromNow],
    [
      'no longer allowed at a service that rejects unlisted accounts',
      { before: accepted, service: aService({ onUnlisted: 'reject' }) },
      graceFromNow,
    ],
    [
      'no longer allowed at a service that puts unlisted accounts on hold',
      { before: accepted, service: aService({ onUnlisted: 'hold' }) },
      graceFromNow,
    ],
    [
      'no longer allowed at a service with a shorter grace period',
      { before: accepted, service: aService({ graceSeconds: hour }) },
      `is disconnected at ${at(1)}`,
    ],
    [
      'scheduled to be disconnected a day ago',
      { before: createScheduled(-24) },
      `is disconnected at ${at(48)}`,
    ],
    ['scheduled 72 hours ago', { before: createScheduled(-72) }, 'is disconnected'],
    [
      'scheduled 72 hours ago, in another table',
      { before: createScheduled(-72), enforcingSince: at(-1) },
      graceFromNow,
    ],
    [
      'scheduled 72 hours ago, and allowed again',
      { before: createScheduled(-72), entries: [anEntry()] },
      'stays',
    ],
    [
      'scheduled 72 hours ago, and extended',
      { before: { ...createScheduled(-72), extended: { by: alice, at: at(-1), until: at(5) } } },
      `is disconnected at ${at(5)}`,
    ],
    [
      'extended to an earlier date than the scheduled one',
      { before: { ...createScheduled(-24), extended: { by: alice, at: at(-1), until: at(5) } } },
      `is disconnected at ${at(48)}`,
    ],
    [
      'extended, and past that date',
      { before: { ...createScheduled(-99), extended: { by: alice, at: at(-9), until: at(-1) } } },
      'is disconnected',
    ],
    ['beyond the disconnect quota', { before: createScheduled(-72, { overQuota: true }) }, 'is asked about'],
    [
      'beyond the disconnect quota, and extended',
      {
        before: {
          ...createScheduled(-72, { overQuota: true }),
          extended: { by: alice, at: at(-1), until: at(5) },
        },
      },
      `is disconnected at ${at(5)}`,
    ],
    ['blocked', { before: accepted, entries: [block] }, 'is disconnected'],
    [
      'blocked although approved',
      { before: { ...accepted, personDecision: anApproval() }, entries: [block] },
      'is disconnected',
    ],
    [
      'blocked although it is older than the registration',
      { connection: old, entries: [block] },
      'is disconnected',
    ],
    [
      'blocked before the table was restored',
      { before: accepted, entries: [block], restoredAt: at(-1) },
      graceFromNow,
    ],
    [
      'revoked',
      { before: { ...accepted, revokeOrder: revoked }, entries: [anEntry()] },
      `is disconnected at ${at(71)}`,
    ],
    [
      'revoked now',
      { before: { ...accepted, revokeOrder: { ...revoked, immediate: true } }, entries: [anEntry()] },
      'is disconnected',
    ],
    [
      'revoked now before the table was restored',
      { before: { ...accepted, revokeOrder: { ...revoked, immediate: true } }, restoredAt: at(0) },
      graceFromNow,
    ],
    [
      'denied',
      { before: { ...createScheduled(-24), reevaluatedAt: at(-24), personDecision: denied } },
      'is disconnected',
    ],
    [
      'denied while it was a request',
      { before: { ...createScheduled(-24), personDecision: denied } },
      'is disconnected at 2026-11-23T12:00:00.000Z',
    ],
    ['approved', { before: { ...createScheduled(-99), personDecision: anApproval() } }, 'stays'],
    [
      'at a service that is being deregistered',
      {
        before: accepted,
        entries: [anEntry()],
        service: aService({ deregisteringAt: at(-1), deregisteringBy: alice }),
      },
      'is disconnected',
    ],
    ['past its date at a paused service', { before: createScheduled(-99), service: paused }, 'waits'],
    ['blocked at a paused service', { before: accepted, entries: [block], service: paused }, 'waits'],
    ['accepted outside linkgate', {}, 'is asked about'],
    [
      'accepted outside linkgate after it was rejected',
      { before: { verdict: aVerdict('reject') } },
      'is asked about',
    ],
    [
      'accepted outside linkgate at a service that adopts such connections',
      { service: aService({ onExternalAccept: 'adopt' }) },
      'stays',
    ],
    [
      'accepted outside linkgate at a service that disconnects such connections',
      { service: aService({ onExternalAccept: 'disconnect' }) },
      graceFromNow,
    ],
    ['older than the registration of its service', { connection: old }, 'stays'],
    [
      'older than the registration of its service, and since then allowed and no longer allowed',
      { connection: old, before: accepted },
      graceFromNow,
    ],
  ])('that is %s', (_what, situation, expected) => {
    expect(summarizeDecision(situation)).toBe(expected);
  });

  test('is managed by policy once a rule allows it, and no longer adopted', () => {
    const grandfathered = { by: alice, at: at(-1) };
    expect(decide({ before: { grandfathered }, entries: [anEntry()] })).not.toHaveProperty('grandfathered');
    expect(decide({ before: { grandfathered } })).toMatchObject({ grandfathered });
  });

  test('has no scheduled disconnect in mode `observe`: the verdict is only the one of mode `enforce`', () => {
    const { verdict, revocation } = decide({ before: accepted, isObserving: true });
    expect(revocation).toBeUndefined();
    expect(verdict.outcome).toBe('reject');
    expect(verdict).not.toHaveProperty('until');
  });

  test('keeps its scheduled disconnect during a pause', () => {
    const before = createScheduled(-24);
    expect(decide({ before, service: paused })).toMatchObject({ revocation: before.revocation });
  });

  test('is disconnected for the reason that policy gives', () => {
    expect(decide({ before: accepted }).verdict.findings[0]).toMatchObject({
      rule: 'no-longer-allowed',
      reason: 'account 022222222222 is not on the allowlist of orders',
    });
  });
});
