import type { ApprovalView } from '../../approvals/approval-view.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
import { statusSentence } from '../../approvals/status-text.ts';
import { areAllNewConnections, waitingText } from '../../approvals/summary.ts';
import { slackActor } from '../../approvers/actor.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { isAwaitingApproval } from '../../connections/connection-record.ts';
import { isMember } from '../../policy/authorize.ts';
import type { DigestRequests } from './digest-message.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { mentionUser, slackDate, writeMrkdwn } from './status-mrkdwn.ts';

/** Mentions the approvers of open requests, and at escalation the escalation group too. */
export function reminderText(
  view: ApprovalView | DigestRequests,
  escalation: ApproverGroup | undefined,
  now: Date,
): string {
  const mentions = joinMentions(view.group, escalation);
  const statusText = 'record' in view ? requestReminder(view) : digestReminder(view, now);
  return truncate(
    slackLimits.text,
    markup`${mentions} ${statusText}${escalationRoleText(escalation, view.group)}`,
  );
}

/** Members of the escalation group cannot decide unless they are approvers too. */
function escalationRoleText(escalation: ApproverGroup | undefined, group: ApproverGroup): string {
  const isOutsideGroup = escalation?.slackUsers.some((user) => !isMember(group, slackActor(user)));
  return isOutsideGroup
    ? ` The group ${escalation?.name} is notified as the escalation group; only the group ${group.name} can decide.`
    : '';
}

function requestReminder(view: ApprovalView): Markup {
  const { record, service } = view;
  const subject = markup`${record.endpointId} of account ${ownerAccountText(view)} at ${service.name}`;
  return markup`${subject}: ${writeMrkdwn(statusSentence(view))} (\`linkgate explain ${record.endpointId}\`)`;
}

function digestReminder({ records }: DigestRequests, now: Date): Markup {
  const open = records.filter(isAwaitingApproval);
  const [deadline] = open.flatMap(({ approvalRequest }) => approvalRequest?.deadline ?? []).sort();
  if (areAllNewConnections(open))
    return markup`${open.length === 1 ? '1 request still waits' : `${open.length} requests still wait`} for approval${reminderDeadlineText(deadline, now)}`;
  const tense = deadline !== undefined && new Date(deadline) > now ? 'is' : 'was';
  const deadlineText =
    deadline === undefined ? '' : markup` The first deadline ${tense} ${slackDate(deadline)}.`;
  return markup`Decisions needed: ${waitingText(open)}.${deadlineText}`;
}

/** Formats the deadline as the end of a sentence. */
function reminderDeadlineText(deadline: string | undefined, now: Date): Markup {
  if (deadline === undefined) return markup`.`;
  return new Date(deadline) > now
    ? markup`, until ${slackDate(deadline)}.`
    : markup`. Nobody decided before ${slackDate(deadline)}. You can still decide.`;
}

function joinMentions(group: ApproverGroup, escalation: ApproverGroup | undefined): Markup {
  const users = [...group.slackUsers, ...(escalation?.slackUsers ?? [])].map(({ user }) => user);
  return joinMarkup([...new Set(users)].map(mentionUser), ' ');
}
