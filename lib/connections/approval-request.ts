import * as v from 'valibot';
import type { Verdict } from '../verdicts/verdict.ts';

/** What a service says of requests that are left to people. */
export interface ApprovalSettings {
  readonly name: string;
  /** The group that is asked. */
  readonly approvers: string;
  readonly deadlineSeconds?: number | undefined;
  readonly onExpiry?: string | undefined;
}

/** How far the time has run that people have for a request. */
export const escalationStages = ['approval-requested', 'reminded', 'escalated', 'expired'] as const;
export type EscalationStage = (typeof escalationStages)[number];

/** A request that was left to people. */
export const ApprovalRequest = v.object({
  /** The group that was asked. */
  group: v.string(),
  /** ISO 8601 */
  since: v.string(),
  /** ISO 8601: what the service said when they were asked. */
  deadline: v.string(),
  /** Of the record when they were asked: buttons and links are bound to it. */
  version: v.number(),
  stage: v.picklist(escalationStages),
});
export type ApprovalRequest = v.InferOutput<typeof ApprovalRequest>;

/** What people were told of a request, and where: written by whoever tells them, and by nobody else. */
export const NotificationState = v.object({
  /** What was shown last. */
  contentHash: v.exactOptional(v.string()),
  /** Its own message. */
  slackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** Where it was asked before, as long as Slack has not taken it that it is asked elsewhere. */
  previousSlackMessage: v.exactOptional(v.object({ channel: v.string(), ts: v.string() })),
  /** The digest that it is a part of, where many came at once. */
  digestId: v.exactOptional(v.string()),
  /** Addresses that were sent its newest mail, and the stage that this mail is of. */
  emailedTo: v.optional(v.array(v.string()), []),
  emailedStage: v.exactOptional(v.picklist(escalationStages)),
  /** The stage of the newest reply below its message. */
  remindedStage: v.exactOptional(v.picklist(escalationStages)),
  /** ISO 8601: until then somebody is telling of it, and whoever else comes leaves it to them. */
  leaseUntil: v.exactOptional(v.string()),
});
export type NotificationState = v.InferOutput<typeof NotificationState>;

/** A week, in seconds: how long people have where a service says nothing else. */
export const defaultDeadlineSeconds = 7 * 86_400;

/** The parts of the time that bring the next stage. */
const shares: readonly (readonly [EscalationStage, number])[] = [
  ['expired', 1],
  ['escalated', 0.75],
  ['reminded', 0.25],
];

/** The stage that is reached now; none is taken back. */
export function currentStage({ since, deadline, stage }: ApprovalRequest, now: Date): EscalationStage {
  const [from, to] = [new Date(since).getTime(), new Date(deadline).getTime()];
  const reached =
    shares.find(([, share]) => now.getTime() >= from + share * (to - from))?.[0] ?? 'approval-requested';
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

/** The asking that goes on, or begins where a verdict leaves a request to people: by now the service may ask others. */
export function nextApprovalRequest(
  before: ApprovalRequest | undefined,
  { outcome }: Verdict,
  {
    service,
    version,
    now,
  }: { readonly service: ApprovalSettings; readonly version: number; readonly now: Date },
): ApprovalRequest | undefined {
  if (outcome !== 'ask') return before;
  if (before) return { ...before, group: service.approvers };
  const deadline = computeDeadline(service, now);
  return {
    group: service.approvers,
    since: now.toISOString(),
    deadline,
    version,
    stage: 'approval-requested',
  };
}

/** What a verdict names as its reason where nobody decided in time. */
const deadlineHasPassed = 'approval-deadline-passed';

/** Whether a verdict rejects because nobody decided in time. */
export function isExpiryRejection({ findings }: Pick<Verdict, 'findings'>): boolean {
  return findings.some(({ rule }) => rule === deadlineHasPassed);
}

/** A service may reject what nobody decided in time; until then its verdict holds no longer than that. */
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
  const reason = `nobody decided it before ${deadline}, and ${name} rejects what expires`;
  return {
    outcome: 'reject',
    findings: [{ rule: deadlineHasPassed, outcome: 'reject', reason }, ...verdict.findings],
  };
}
