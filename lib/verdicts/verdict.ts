import * as v from 'valibot';

export const Outcome = v.picklist(['accept', 'reject', 'ask', 'hold']);
export type Outcome = v.InferOutput<typeof Outcome>;

/** A rule's statement about a request, with a reason for approvers. */
export const Finding = v.object({
  rule: v.string(),
  outcome: Outcome,
  reason: v.string(),
  /** The rule threw an error. */
  failed: v.exactOptional(v.literal(true)),
  /** ISO 8601: the expiry of the finding, after which linkgate evaluates the request again. */
  until: v.exactOptional(v.string()),
});
export type Finding = v.InferOutput<typeof Finding>;

/** The outcome for a request, with all findings. */
export const Verdict = v.object({
  outcome: Outcome,
  findings: v.array(Finding),
  /** ISO 8601: the earliest expiry of its findings. */
  until: v.exactOptional(v.string()),
});
export type Verdict = v.InferOutput<typeof Verdict>;

/** The rule name of the finding if no rule matches. */
export const defaultRule = 'account-is-not-listed';

/** Whether a pause or a failed rule holds it. linkgate neither applies nor reverts an earlier verdict. */
export function isPaused(verdict: Verdict): boolean {
  return verdict.outcome === 'hold' && !isDefaultVerdict(verdict);
}

/** Whether no rule matches, so that `onUnlisted` of the service decides. */
export function isDefaultVerdict({ findings }: Pick<Verdict, 'findings'>): boolean {
  return findings.some(({ rule }) => rule === defaultRule);
}

/** @returns the reason of the first finding with the verdict's outcome. */
export function primaryReason({ outcome, findings }: Verdict): string {
  return findings.find((finding) => finding.outcome === outcome)?.reason ?? '';
}
