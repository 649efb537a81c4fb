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
  if (verdict.outcome !== 'reject') return verdict.outcome === 'ask' ? 'is asked about' : 'waits';
  return verdict.until === undefined ? 'is disconnected' : `is disconnected at ${revocation?.disconnectAt}`;
}

const graceFromNow = `is disconnected at ${at(72)}`;

describe('a connected endpoint', () => {
  test.each<[string, Situation, string]>([
    ['stays if its account is allowed', { before: accepted, entries: [anEntry()] }, 'stays'],
    [
      'stays if its account is allowed and linkgate sees it for the first time',
      { entries: [anEntry()] },
      'stays',
    ],
    ['is disconnected in 72 hours if its account is no longer allowed', { before: accepted }, graceFromNow],
    [
      'is disconnected in 72 hours, not at once, with `onUnlisted` reject',
      { before: accepted, service: aService({ onUnlisted: 'reject' }) },
      graceFromNow,
    ],
    [
      'is disconnected in 72 hours, and not on hold, with `onUnlisted` hold',
      { before: accepted, service: aService({ onUnlisted: 'hold' }) },
      graceFromNow,
    ],
    [
      'is disconnected in one hour if that is the grace period of its service',
      { before: accepted, service: aService({ graceSeconds: hour }) },
      `is disconnected at ${at(1)}`,
    ],
    [
      'is disconnected in 48 hours if the disconnect was scheduled 24 hours ago',
      { before: createScheduled(-24) },
      `is disconnected at ${at(48)}`,
    ],
    [
      'is disconnected now if the disconnect was scheduled 72 hours ago',
      { before: createScheduled(-72) },
      'is disconnected',
    ],
    [
      'is disconnected in 72 hours if the disconnect was scheduled before the last switch to mode `enforce`',
      { before: createScheduled(-72), enforcingSince: at(-1) },
      graceFromNow,
    ],
    [
      'stays if its account is allowed again, although the disconnect is due',
      { before: createScheduled(-72), entries: [anEntry()] },
      'stays',
    ],
    [
      'is disconnected at the end of an extension, although the disconnect is due',
      { before: { ...createScheduled(-72), extended: { by: alice, at: at(-1), until: at(5) } } },
      `is disconnected at ${at(5)}`,
    ],
    [
      'is disconnected at the scheduled time if an extension ends earlier',
      { before: { ...createScheduled(-24), extended: { by: alice, at: at(-1), until: at(5) } } },
      `is disconnected at ${at(48)}`,
    ],
    [
      'is disconnected now if the extension is over',
      { before: { ...createScheduled(-99), extended: { by: alice, at: at(-9), until: at(-1) } } },
      'is disconnected',
    ],
    [
      'awaits approval beyond the disconnect quota',
      { before: createScheduled(-72, { overQuota: true }) },
      'is asked about',
    ],
    [
      'is disconnected at the end of an extension, also beyond the disconnect quota',
      {
        before: {
          ...createScheduled(-72, { overQuota: true }),
          extended: { by: alice, at: at(-1), until: at(5) },
        },
      },
      `is disconnected at ${at(5)}`,
    ],
    [
      'is disconnected now if its account is blocked',
      { before: accepted, entries: [block] },
      'is disconnected',
    ],
    [
      'is disconnected now if its account is blocked, although a person approved it',
      { before: { ...accepted, personDecision: anApproval() }, entries: [block] },
      'is disconnected',
    ],
    [
      'is disconnected now if its account is blocked, although it is older than the registration of its service',
      { connection: old, entries: [block] },
      'is disconnected',
    ],
    [
      'is disconnected in 72 hours if its account was blocked before the table was restored',
      { before: accepted, entries: [block], restoredAt: at(-1) },
      graceFromNow,
    ],
    [
      'is disconnected 72 hours after a person revoked it',
      { before: { ...accepted, revokeOrder: revoked }, entries: [anEntry()] },
      `is disconnected at ${at(71)}`,
    ],
    [
      'is disconnected now if a person revoked it with `now`',
      { before: { ...accepted, revokeOrder: { ...revoked, immediate: true } }, entries: [anEntry()] },
      'is disconnected',
    ],
    [
      'is disconnected in 72 hours if a person revoked it with `now` before the table was restored',
      { before: { ...accepted, revokeOrder: { ...revoked, immediate: true } }, restoredAt: at(0) },
      graceFromNow,
    ],
    [
      'is disconnected now if a person denied it',
      { before: { ...createScheduled(-24), reevaluatedAt: at(-24), personDecision: denied } },
      'is disconnected',
    ],
    [
      'is disconnected at the scheduled time if a person denied it while it was a request',
      { before: { ...createScheduled(-24), personDecision: denied } },
      'is disconnected at 2026-11-23T12:00:00.000Z',
    ],
    [
      'stays if a person approved it, although the disconnect is due',
      { before: { ...createScheduled(-99), personDecision: anApproval() } },
      'stays',
    ],
    [
      'is disconnected now if its service is being deregistered',
      {
        before: accepted,
        entries: [anEntry()],
        service: aService({ deregisteringAt: at(-1), deregisteringBy: alice }),
      },
      'is disconnected',
    ],
    [
      'waits while its service is paused, although the disconnect is due',
      { before: createScheduled(-99), service: paused },
      'waits',
    ],
    [
      'waits while its service is paused, although its account is blocked',
      { before: accepted, entries: [block], service: paused },
      'waits',
    ],
    ['awaits approval if it was accepted outside linkgate', {}, 'is asked about'],
    [
      'awaits approval if it was accepted outside linkgate against the verdict reject',
      { before: { verdict: aVerdict('reject') } },
      'is asked about',
    ],
    [
      'stays with `onExternalAccept` adopt if it was accepted outside linkgate',
      { service: aService({ onExternalAccept: 'adopt' }) },
      'stays',
    ],
    [
      'is disconnected in 72 hours with `onExternalAccept` disconnect if it was accepted outside linkgate',
      { service: aService({ onExternalAccept: 'disconnect' }) },
      graceFromNow,
    ],
    ['stays if it is older than the registration of its service', { connection: old }, 'stays'],
    [
      'is disconnected in 72 hours if it is older than the registration of its service, and was allowed since then and no longer is',
      { connection: old, before: accepted },
      graceFromNow,
    ],
  ])('%s', (_what, situation, expected) => {
    expect(summarizeDecision(situation)).toBe(expected);
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
