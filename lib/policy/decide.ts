import * as v from 'valibot';
import type { Approval } from '../approval/approval.ts';
import type { Connection } from '../connection/connection.ts';
import type { UnreadableItemError } from '../table/item.ts';
import { Finding, Outcome, type Policy, type Rule } from './rule.ts';

/** What is to become of a request, and all that the rules said of it. */
export const Verdict = v.object({
  outcome: Outcome,
  findings: v.array(Finding),
  /** ISO 8601: when what it rests on runs out. */
  until: v.exactOptional(v.string()),
});
export type Verdict = v.InferOutput<typeof Verdict>;

/** What is said of a decision that would rest on an item that cannot be read. */
const unreadableItem = 'item-is-unreadable';

/** Nothing is decided while an item on which the decision rests cannot be read: it is tried again in a minute. */
export function heldBy(unreadable: readonly UnreadableItemError[], now: Date): Verdict {
  const until = new Date(now.getTime() + retryAfter).toISOString();
  return verdict(
    'wait',
    unreadable.map(({ message: reason }) => ({ rule: unreadableItem, outcome: 'wait', reason, until })),
  );
}

/** What is said where no rule has spoken. */
const silence = 'account-is-not-listed';

/** How long a request waits before a rule that threw, or an item that could not be read, is tried again, in milliseconds. */
const retryAfter = 60_000;

/**
 * Pure and total: what stops us comes first, then an objection, a person's word, a doubt, an endorsement;
 * silence is the service's to settle.
 */
export function decide(
  request: Connection,
  policy: Policy,
  approval: Approval | undefined,
  now: Date,
): Verdict {
  const findings = policy.rules.flatMap((rule) => examine(rule, request, policy, now) ?? []);
  const isSaid = (outcome: Outcome) => findings.some((finding) => finding.outcome === outcome);

  if (isSaid('wait')) return verdict('wait', findings);
  if (isSaid('reject')) return verdict('reject', findings);
  // A person's word does not run out, whatever an entry beside it does.
  if (approval)
    return {
      outcome: wanted[approval.decision],
      findings: [wordOf(approval), ...findings],
    };
  if (isSaid('ask')) return verdict('ask', findings);
  if (isSaid('accept')) return verdict('accept', findings);
  return unlisted(request, policy);
}

/** Whether it is what the person wanted: what comes before a person's word, such as a block, is nobody's in particular. */
export function agrees({ outcome }: Pick<Verdict, 'outcome'>, { decision }: Approval): boolean {
  return outcome === wanted[decision];
}

const wanted = { approve: 'accept', deny: 'reject' } as const satisfies Record<Approval['decision'], Outcome>;

/** Whether a pause, or a rule that failed, keeps it from being decided: what was decided before is neither kept nor taken back. */
export function isStopped(verdict: Verdict): boolean {
  return verdict.outcome === 'wait' && !isSilence(verdict);
}

/** Whether no rule has spoken, so that the service settles it. */
export function isSilence({ findings }: Pick<Verdict, 'findings'>): boolean {
  return findings.some(({ rule }) => rule === silence);
}

/** The reason that settled it: the first finding that says what the verdict says. */
export function reasonOf({ outcome, findings }: Verdict): string {
  return findings.find((finding) => finding.outcome === outcome)?.reason ?? '';
}

function examine(rule: Rule, request: Connection, policy: Policy, now: Date): Finding | undefined {
  try {
    const finding = rule.examine(request, policy, now);
    return finding && { rule: rule.name, ...finding };
  } catch (error) {
    return {
      rule: rule.name,
      outcome: 'wait',
      failed: true,
      reason: `the rule failed: ${error instanceof Error ? error.message : 'it threw no Error'}`,
      until: new Date(now.getTime() + retryAfter).toISOString(),
    };
  }
}

function verdict(outcome: Outcome, findings: Finding[]): Verdict {
  const limits = findings
    .filter((finding) => finding.outcome === outcome)
    .flatMap(({ until }) => until ?? [])
    .sort();
  return { outcome, findings, ...(limits[0] !== undefined && { until: limits[0] }) };
}

function wordOf({ decision, by, reason }: Approval): Finding {
  return {
    rule: decision === 'approve' ? 'person-approved' : 'person-denied',
    outcome: wanted[decision],
    reason: `${by} ${decision === 'approve' ? 'approved' : 'denied'} it${reason ? `: ${reason}` : ''}`,
  };
}

function unlisted({ ownerAccountId }: Connection, { service }: Policy): Verdict {
  const reason = `account ${ownerAccountId} is not on the allowlist of ${service.name}`;
  const outcome = { ask: 'ask', hold: 'wait', reject: 'reject' } as const satisfies Record<
    typeof service.onUnlisted,
    Outcome
  >;
  return verdict(outcome[service.onUnlisted], [
    { rule: silence, outcome: outcome[service.onUnlisted], reason },
  ]);
}
