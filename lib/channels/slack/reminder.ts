import type { ApprovalView } from '../../approvals/approval-view.ts';
import { computeApprovalKind } from '../../approvals/status.ts';
import { areAllNewConnections, waitingText } from '../../approvals/summary.ts';
import { slackActor } from '../../approvers/actor.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { isAwaitingApproval } from '../../connections/connection-record.ts';
import { isMember } from '../../policy/authorize.ts';
import type { DigestView } from './digest-message.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { mentionUser, slackDate } from './status-text.ts';

/** Calls upon those who can decide what still waits, and when time runs out upon the group behind them. */
export function reminderText(
  waiting: ApprovalView | DigestView,
  escalation: ApproverGroup | undefined,
  now: Date,
): string {
  const called = joinMentions(waiting.group, escalation);
  const what = 'record' in waiting ? requestReminder(waiting, now) : digestReminder(waiting, now);
  return truncate(
    slackLimits.text,
    markup`${called} ${what}${escalationRoleText(escalation, waiting.group)}`,
  );
}

/** Those who are called upon when time runs out decide only where they are approvers too. */
function escalationRoleText(escalation: ApproverGroup | undefined, group: ApproverGroup): string {
  const isForOthers = escalation?.slackUsers.some((user) => !isMember(group, slackActor(user)));
  return isForOthers
    ? ` The group ${escalation?.name} is called upon to see that it is decided; deciding is for the group ${group.name}.`
    : '';
}

function requestReminder({ record, service }: ApprovalView, now: Date): Markup {
  const { endpointId, ownerAccountId: account, approvalRequest } = record;
  const explained = markup`(\`linkgate explain ${endpointId}\`)`;
  const approvalKind = computeApprovalKind(record);
  if (approvalKind === 'scheduled-disconnect' && approvalRequest)
    return markup`${endpointId} of account ${account} at ${service.name} will be cut on ${slackDate(approvalRequest.deadline)}, unless somebody keeps it connected or extends it ${explained}.`;
  const waits =
    approvalKind === 'new-connection' ? 'still waits for approval' : 'is connected and still to be decided';
  return markup`${endpointId} of account ${account} ${waits} at ${service.name} ${explained}${reminderDeadlineText(approvalRequest?.deadline, now)}`;
}

function digestReminder({ records }: DigestView, now: Date): Markup {
  const open = records.filter(isAwaitingApproval);
  const [deadline] = open.flatMap(({ approvalRequest }) => approvalRequest?.deadline ?? []).sort();
  if (areAllNewConnections(open))
    return markup`${open.length === 1 ? '1 request still waits' : `${open.length} requests still wait`} for approval${reminderDeadlineText(deadline, now)}`;
  const runsOut = deadline !== undefined && new Date(deadline) > now ? 'runs out' : 'ran out';
  const first = deadline === undefined ? '' : markup` The first time ${runsOut} on ${slackDate(deadline)}.`;
  return markup`Still to be decided: ${waitingText(open)}.${first}`;
}

/** Until when people have time, to end a sentence with. */
function reminderDeadlineText(deadline: string | undefined, now: Date): Markup {
  if (deadline === undefined) return markup`.`;
  return new Date(deadline) > now
    ? markup`, until ${slackDate(deadline)}.`
    : markup`: nobody decided it before ${slackDate(deadline)}. It can still be decided.`;
}

function joinMentions(group: ApproverGroup, escalation: ApproverGroup | undefined): Markup {
  const users = [...group.slackUsers, ...(escalation?.slackUsers ?? [])].map(({ user }) => user);
  return joinMarkup([...new Set(users)].map(mentionUser), ' ');
}
