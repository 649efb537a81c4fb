import { describe, expect, test } from '@jest/globals';
import type { AllowlistEntry } from '../../../lib/allowlist/entry.ts';
import type { Revocation } from '../../../lib/connections/connected-state.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import {
  type ConnectionHistory,
  decideConnected,
  isReevaluationDue,
} from '../../../lib/policy/connected/decide-connected.ts';
import type { Connection } from '../../../lib/privatelink/connection.ts';
import {
  aConnection,
  alice,
  anApproval,
  anEntry,
  aPolicy,
  aRecord,
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

/** Returns the decision as a text. */
function summarizeDecision(situation: Situation): string {
  const { verdict, revocation } = decide(situation);
  if (verdict.outcome === 'accept') return 'stays';
  if (verdict.outcome !== 'reject') return verdict.outcome === 'ask' ? 'awaits approval' : 'waits';
  const { until } = verdict;
  if (until === undefined) return 'is disconnected now';
  const hours = (Date.parse(revocation?.disconnectAt ?? '') - noon.getTime()) / hour / 1000;
  return `is disconnected in ${hours} hours`;
}

describe('a connected endpoint', () => {
  const extendedUntil = (hours: number) => ({ extended: { by: alice, at: at(-9), until: at(hours) } });
  const [overdue, beyondQuota] = [createScheduled(-72), createScheduled(-72, { overQuota: true })];
  const revokedWith = (order: object) => ({ ...accepted, revokeOrder: { ...revoked, ...order } });
  const deregistering = aService({ deregisteringAt: at(-1), deregisteringBy: alice });
  const approved = { personDecision: anApproval() };
  const deniedBeforehand = { ...createScheduled(-24), personDecision: denied };
  const allowed = [anEntry()];
  const cases: readonly [when: string, Situation, decision: string][] = [
    ['its account is allowed', { before: accepted, entries: allowed }, 'stays'],
    ['its account is allowed and linkgate sees it for the first time', { entries: allowed }, 'stays'],
    ['its account is no longer allowed', { before: accepted }, 'is disconnected in 72 hours'],
    ...(['reject', 'hold'] as const).map((onUnlisted): [string, Situation, string] => [
      `its account is no longer allowed, also with \`onUnlisted\` ${onUnlisted}`,
      { before: accepted, service: aService({ onUnlisted }) },
      'is disconnected in 72 hours',
    ]),
    [
      'its account is no longer allowed, with a grace period of one hour',
      { before: accepted, service: aService({ graceSeconds: hour }) },
      'is disconnected in 1 hours',
    ],
    ['this was scheduled 24 hours ago', { before: createScheduled(-24) }, 'is disconnected in 48 hours'],
    ['this was scheduled 72 hours ago', { before: overdue }, 'is disconnected now'],
    [
      'this was scheduled before the last switch to mode `enforce`',
      { before: overdue, enforcingSince: at(-1) },
      'is disconnected in 72 hours',
    ],
    ['its account is allowed again, although it is due', { before: overdue, entries: allowed }, 'stays'],
    ['an extension goes on', { before: { ...overdue, ...extendedUntil(5) } }, 'is disconnected in 5 hours'],
    [
      'an extension ends before the scheduled time',
      { before: { ...createScheduled(-24), ...extendedUntil(5) } },
      'is disconnected in 48 hours',
    ],
    [
      'an extension is over',
      { before: { ...createScheduled(-99), ...extendedUntil(-1) } },
      'is disconnected now',
    ],
    ['it is beyond the disconnect quota', { before: beyondQuota }, 'awaits approval'],
    [
      'an extension goes on beyond the disconnect quota',
      { before: { ...beyondQuota, ...extendedUntil(5) } },
      'is disconnected in 5 hours',
    ],
    ['its account is blocked', { before: accepted, entries: [block] }, 'is disconnected now'],
    [
      'its account is blocked, although a person approved it',
      { before: { ...accepted, ...approved }, entries: [block] },
      'is disconnected now',
    ],
    [
      'its account is blocked, although it is older than the registration of its service',
      { connection: old, entries: [block] },
      'is disconnected now',
    ],
    [
      'its account was blocked before the table was restored',
      { before: accepted, entries: [block], restoredAt: at(-1) },
      'is disconnected in 72 hours',
    ],
    [
      'a person revoked it an hour ago',
      { before: revokedWith({}), entries: allowed },
      'is disconnected in 71 hours',
    ],
    [
      'a person revoked it with `now`',
      { before: revokedWith({ immediate: true }), entries: allowed },
      'is disconnected now',
    ],
    [
      'a person revoked it with `now` before the table was restored',
      { before: revokedWith({ immediate: true }), restoredAt: at(0) },
      'is disconnected in 72 hours',
    ],
    [
      'a person denied it',
      { before: { ...deniedBeforehand, reevaluatedAt: at(-24) } },
      'is disconnected now',
    ],
    [
      'a person denied it while it was a request',
      { before: deniedBeforehand },
      'is disconnected in 48 hours',
    ],
    [
      'a person approved it, although it is due',
      { before: { ...createScheduled(-99), ...approved } },
      'stays',
    ],
    [
      'its service is being deregistered',
      { before: accepted, entries: allowed, service: deregistering },
      'is disconnected now',
    ],
    ['its service is paused, although it is due', { before: overdue, service: paused }, 'waits'],
    [
      'its service is paused, although its account is blocked',
      { before: accepted, entries: [block], service: paused },
      'waits',
    ],
    ['it was accepted outside linkgate', {}, 'awaits approval'],
    [
      'it was accepted outside linkgate against the verdict reject',
      { before: { verdict: aVerdict('reject') } },
      'awaits approval',
    ],
    [
      'it was accepted outside linkgate, with `onExternalAccept` adopt',
      { service: aService({ onExternalAccept: 'adopt' }) },
      'stays',
    ],
    [
      'it was accepted outside linkgate, with `onExternalAccept` disconnect',
      { service: aService({ onExternalAccept: 'disconnect' }) },
      'is disconnected in 72 hours',
    ],
    ['it is older than the registration of its service', { connection: old }, 'stays'],
    [
      'it is older than the registration of its service, and was allowed since then and no longer is',
      { connection: old, before: accepted },
      'is disconnected in 72 hours',
    ],
  ];
  for (const [when, situation, decision] of cases)
    test(`${decision} if ${when}`, () => {
      expect(summarizeDecision(situation)).toBe(decision);
    });

  test('that was adopted is no longer adopted once its account is allowed', () => {
    const grandfathered = { by: alice, at: at(-1) };
    expect(decide({ before: { grandfathered }, entries: [anEntry()] })).not.toHaveProperty('grandfathered');
    expect(decide({ before: { grandfathered } })).toMatchObject({ grandfathered });
  });

  test('has no scheduled disconnect in mode `observe`, only the verdict reject', () => {
    const { verdict, revocation } = decide({ before: accepted, isObserving: true });
    expect(revocation).toBeUndefined();
    expect(verdict.outcome).toBe('reject');
    expect(verdict).not.toHaveProperty('until');
  });

  test('keeps its scheduled disconnect during a pause', () => {
    const before = createScheduled(-24);
    expect(decide({ before, service: paused })).toMatchObject({ revocation: before.revocation });
  });

  test('has a verdict whose reason says that its account is not on the allowlist', () => {
    expect(decide({ before: accepted }).verdict.findings[0]).toMatchObject({
      rule: 'no-longer-allowed',
      reason: 'account 022222222222 is not on the allowlist of orders',
    });
  });
});

describe('a connection from before the registration, accepted under an earlier one,', () => {
  const verdict = aVerdict('accept', { decidedAt: at(-240) });
  const earlier = aRecord({
    state: 'available',
    requestedAt: at(-240),
    verdict,
    acceptRequestedAt: at(-240),
  });
  const isDue = (record: ConnectionRecord, entries: readonly AllowlistEntry[] = []) => {
    const policy = aPolicy({ entries, service: aService({ registeredAt: at(-24) }) });
    const context = { restoredAt: '', enforcingSince: '', isObserving: false, now: noon };
    return isReevaluationDue(record, record, policy, verdict.policyVersions, context);
  };

  test('is re-evaluated, so that its record says that it is grandfathered', () => {
    expect(isDue(earlier)).toBe(true);
    expect(isDue({ ...earlier, grandfathered: { by: 'linkgate', at: at(-24) } })).toBe(false);
  });

  test('is re-evaluated again once a rule allows it, so that its permission decides from then on', () => {
    expect(isDue({ ...earlier, grandfathered: { by: 'linkgate', at: at(-24) } }, [anEntry()])).toBe(true);
  });
});
