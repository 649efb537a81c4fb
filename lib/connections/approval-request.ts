import * as v from 'valibot';
import type { Verdict } from '../verdicts/verdict.ts';

/** The settings of a service for requests that need approval. */
export interface ApprovalSettings {
  readonly name: string;
  /** The approver group that decides. */
  readonly approvers: string;
  readonly deadlineSeconds?: number | undefined;
  readonly onExpiry?: string | undefined;
}

/** The stages of an approval request up to its deadline. */
export const escalationStages = ['approval-requested', 'reminded', 'escalated', 'expired'] as const;
export type EscalationStage = (typeof escalationStages)[number];

/** Asks an approver group to decide about a request or a connection. */
export const ApprovalRequest = v.object({
  /** The approver group. */
  group: v.string(),
  /** ISO 8601 */
  requestedAt: v.string(),
  /** ISO 8601: `requestedAt` plus the service's `deadlineSeconds` at that time. */
  deadline: v.string(),
  /** The version of the record when linkgate sent the request to the group. Buttons and links contain it. */
  version: v.number(),
  stage: v.picklist(escalationStages),
});
export type ApprovalRequest = v.InferOutput<typeof ApprovalRequest>;

/** The default deadline of an approval request: a week, in seconds. */
export const defaultDeadlineSeconds = 7 * 86_400;

/** The share of the time to the deadline at which each stage begins. */
const stageShares: readonly (readonly [EscalationStage, number])[] = [
  ['expired', 1],
  ['escalated', 0.75],
  ['reminded', 0.25],
];

/** Returns the current stage. A stage never moves backwards. */
export function currentStage({ requestedAt, deadline, stage }: ApprovalRequest, now: Date): EscalationStage {
  const [from, to] = [new Date(requestedAt).getTime(), new Date(deadline).getTime()];
  const reached =
    stageShares.find(([, share]) => now.getTime() >= from + share * (to - from))?.[0] ?? 'approval-requested';
  return isLaterStage(reached, stage) ? reached : stage;
}

export function computeDeadline(
  { deadlineSeconds = defaultDeadlineSeconds }: Pick<ApprovalSettings, 'deadlineSeconds'>,
  now: Date,
): string {
  return new Date(now.getTime() + deadlineSeconds * 1000).toISOString();
}

/** Whether one stage comes after another. */
export function isLaterStage(stage: EscalationStage, than: EscalationStage): boolean {
  return escalationStages.indexOf(stage) > escalationStages.indexOf(than);
}

/** Starts an approval request for a verdict of ask, or moves the open one to the service's current group. */
export function nextApprovalRequest(
  before: ApprovalRequest | undefined,
  { outcome }: Verdict,
  service: ApprovalSettings,
  version: number,
  now: Date,
): ApprovalRequest | undefined {
  if (outcome !== 'ask') return before;
  return before
    ? { ...before, group: service.approvers }
    : newApprovalRequest(service, version, computeDeadline(service, now), now);
}

/** @param deadline ISO 8601 */
export function newApprovalRequest(
  { approvers: group }: ApprovalSettings,
  version: number,
  deadline: string,
  now: Date,
): ApprovalRequest {
  return { group, requestedAt: now.toISOString(), deadline, version, stage: 'approval-requested' };
}

/** The rule that rejects because nobody decided before the deadline. */
const deadlinePassedRule = 'approval-deadline-passed';

/** Whether a verdict rejects because nobody decided before the deadline. */
export function isExpiryRejection({ findings }: Pick<Verdict, 'findings'>): boolean {
  return findings.some(({ rule }) => rule === deadlinePassedRule);
}

/** With `onExpiry: reject`, a verdict of ask expires at the deadline and becomes a rejection. */
export function expireAtDeadline(
  verdict: Verdict,
  { onExpiry, name }: ApprovalSettings,
  deadline: string,
  now: Date,
): Verdict {
  if (verdict.outcome !== 'ask' || onExpiry !== 'reject') return verdict;
  if (new Date(deadline) > now) {
    const until = [deadline, ...(verdict.until ? [verdict.until] : [])].sort()[0];
    return { ...verdict, ...(until && { until }) };
  }
  const reason = `nobody decided before ${deadline}, and ${name} rejects expired requests`;
  return {
    outcome: 'reject',
    findings: [{ rule: deadlinePassedRule, outcome: 'reject', reason }, ...verdict.findings],
  };
}
