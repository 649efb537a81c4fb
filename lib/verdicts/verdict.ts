import * as v from 'valibot';

export const Outcome = v.picklist(['accept', 'reject', 'ask', 'hold']);
export type Outcome = v.InferOutput<typeof Outcome>;

/** What a rule says of a request, in words that an approver can read. */
export const Finding = v.object({
  rule: v.string(),
  outcome: Outcome,
  reason: v.string(),
  /** The rule itself broke. */
  failed: v.exactOptional(v.literal(true)),
  /** ISO 8601: after this the finding no longer holds, and the request is decided anew. */
  until: v.exactOptional(v.string()),
});
export type Finding = v.InferOutput<typeof Finding>;

/** What is to become of a request, and all that the rules said of it. */
export const Verdict = v.object({
  outcome: Outcome,
  findings: v.array(Finding),
  /** ISO 8601: when what it rests on runs out. */
  until: v.exactOptional(v.string()),
});
export type Verdict = v.InferOutput<typeof Verdict>;

/** What is said where no rule has spoken. */
export const defaultRule = 'account-is-not-listed';

/** Whether a pause, or a rule that failed, keeps it from being decided: what was decided before is neither kept nor taken back. */
export function isPaused(verdict: Verdict): boolean {
  return verdict.outcome === 'hold' && !isDefaultVerdict(verdict);
}

/** Whether no rule has spoken, so that the service settles it. */
export function isDefaultVerdict({ findings }: Pick<Verdict, 'findings'>): boolean {
  return findings.some(({ rule }) => rule === defaultRule);
}

/** The reason that settled it: the first finding that says what the verdict says. */
export function primaryReason({ outcome, findings }: Verdict): string {
  return findings.find((finding) => finding.outcome === outcome)?.reason ?? '';
}
