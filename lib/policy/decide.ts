import { outcomeOfDecision, type PersonDecision } from '../connections/person-decision.ts';
import type { Connection } from '../privatelink/connection.ts';
import type { UnreadableItemError } from '../storage/entity.ts';
import { defaultRule, type Finding, type Outcome, type Verdict } from '../verdicts/verdict.ts';
import type { Policy, Rule } from './rule.ts';

/** The rule that holds because an input of the decision is unreadable. */
const unreadableItemRule = 'item-is-unreadable';

/** Holds a request because inputs are unreadable. linkgate retries in a minute. */
export function holdForUnreadable(unreadable: readonly UnreadableItemError[], now: Date): Verdict {
  const until = new Date(now.getTime() + retryAfterMs).toISOString();
  return buildVerdict(
    'hold',
    unreadable.map(({ message: reason }) => ({ rule: unreadableItemRule, outcome: 'hold', reason, until })),
  );
}

/** The delay before linkgate retries a failed rule or an unreadable item, in milliseconds. */
const retryAfterMs = 60_000;

/**
 * Decides a request. Pure and total. The order is hold, reject, a person's decision, ask, accept. If no rule matches,
 * `onUnlisted` of the service decides.
 */
export function decide(
  request: Connection,
  policy: Policy,
  personDecision: PersonDecision | undefined,
  now: Date,
): Verdict {
  const findings = policy.rules.flatMap((rule) => evaluateRule(rule, request, policy, now) ?? []);
  const isSaid = (outcome: Outcome) => findings.some((finding) => finding.outcome === outcome);

  if (isSaid('hold')) return buildVerdict('hold', findings);
  if (isSaid('reject')) return buildVerdict('reject', findings);
  // A person's decision does not expire with the allowlist entry.
  if (personDecision)
    return {
      outcome: outcomeOfDecision[personDecision.decision],
      findings: [personFinding(personDecision), ...findings],
    };
  if (isSaid('ask')) return buildVerdict('ask', findings);
  if (isSaid('accept')) return buildVerdict('accept', findings);
  return defaultVerdict(request, policy);
}

function evaluateRule(rule: Rule, request: Connection, policy: Policy, now: Date): Finding | undefined {
  try {
    const finding = rule.evaluate(request, policy, now);
    return finding && { rule: rule.name, ...finding };
  } catch (error) {
    return {
      rule: rule.name,
      outcome: 'hold',
      failed: true,
      reason: `the rule failed: ${error instanceof Error ? error.message : 'it threw something that is no Error'}`,
      until: new Date(now.getTime() + retryAfterMs).toISOString(),
    };
  }
}

function buildVerdict(outcome: Outcome, findings: Finding[]): Verdict {
  const limits = findings
    .filter((finding) => finding.outcome === outcome)
    .flatMap(({ until }) => until ?? [])
    .sort();
  return { outcome, findings, ...(limits[0] !== undefined && { until: limits[0] }) };
}

function personFinding({ decision, by, reason }: PersonDecision): Finding {
  return {
    rule: decision === 'approve' ? 'person-approved' : 'person-denied',
    outcome: outcomeOfDecision[decision],
    reason: `${by} ${decision === 'approve' ? 'approved' : 'denied'} it${reason ? `: ${reason}` : ''}`,
  };
}

function defaultVerdict({ ownerAccountId }: Connection, { service }: Policy): Verdict {
  const { name, onUnlisted: outcome } = service;
  const reason = `account ${ownerAccountId} is not on the allowlist of ${name}`;
  return buildVerdict(outcome, [{ rule: defaultRule, outcome, reason }]);
}
