import type { ApprovalView } from '../../approvals/approval-view.ts';
import { approvalKindOf } from '../../approvals/status.ts';
import { areAllRequests, waitingText } from '../../approvals/summary.ts';
import { slackActor } from '../../approvers/actor.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { isAwaitingApproval } from '../../connections/connection-record.ts';
import { isMember } from '../../policy/authorize.ts';
import type { Digest } from './digest-message.ts';
import { joined, limits, type Markup, markup, truncate } from './mrkdwn.ts';
import { mention, slackDate } from './status-text.ts';

/** Calls upon those who can decide what still waits, and when time runs out upon the group behind them. */
export function reminderText(
  waiting: ApprovalView | Digest,
  escalation: ApproverGroup | undefined,
  now: Date,
): string {
  const called = mentions(waiting.group, escalation);
  const what = 'record' in waiting ? aboutOne(waiting, now) : aboutAll(waiting, now);
  return truncate(limits.text, markup`${called} ${what}${roleOf(escalation, waiting.group)}`);
}

/** Those who are called upon when time runs out decide only where they are approvers too. */
function roleOf(escalation: ApproverGroup | undefined, group: ApproverGroup): string {
  const isForOthers = escalation?.slackUsers.some((user) => !isMember(group, slackActor(user)));
  return isForOthers
    ? ` The group ${escalation?.name} is called upon to see that it is decided; deciding is for the group ${group.name}.`
    : '';
}

function aboutOne({ record, service }: ApprovalView, now: Date): Markup {
  const { endpointId, ownerAccountId: account, approvalRequest } = record;
  const explained = markup`(\`linkgate explain ${endpointId}\`)`;
  const approvalKind = approvalKindOf(record);
  if (approvalKind === 'scheduled-disconnect' && approvalRequest)
    return markup`${endpointId} of account ${account} at ${service.name} will be cut on ${slackDate(approvalRequest.deadline)}, unless somebody keeps it connected or extends it ${explained}.`;
  const waits =
    approvalKind === 'new-connection' ? 'still waits for approval' : 'is connected and still to be decided';
  return markup`${endpointId} of account ${account} ${waits} at ${service.name} ${explained}${untilIn(approvalRequest?.deadline, now)}`;
}

function aboutAll({ records }: Digest, now: Date): Markup {
  const open = records.filter(isAwaitingApproval);
  const [deadline] = open.flatMap(({ approvalRequest }) => approvalRequest?.deadline ?? []).sort();
  if (areAllRequests(open))
    return markup`${open.length === 1 ? '1 request still waits' : `${open.length} requests still wait`} for approval${untilIn(deadline, now)}`;
  const runsOut = deadline !== undefined && new Date(deadline) > now ? 'runs out' : 'ran out';
  const first = deadline === undefined ? '' : markup` The first time ${runsOut} on ${slackDate(deadline)}.`;
  return markup`Still to be decided: ${waitingText(open)}.${first}`;
}

/** Until when people have time, to end a sentence with. */
function untilIn(deadline: string | undefined, now: Date): Markup {
  if (deadline === undefined) return markup`.`;
  return new Date(deadline) > now
    ? markup`, until ${slackDate(deadline)}.`
    : markup`: nobody decided it before ${slackDate(deadline)}. It can still be decided.`;
}

function mentions(group: ApproverGroup, escalation: ApproverGroup | undefined): Markup {
  const users = [...group.slackUsers, ...(escalation?.slackUsers ?? [])].map(({ user }) => user);
  return joined([...new Set(users)].map(mention), ' ');
}
