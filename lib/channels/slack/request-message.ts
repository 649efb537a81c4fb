import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  connectedLabels,
  describeConnectedAction,
  selectConnectedActions,
} from '../../approvals/connected-actions.ts';
import { ownerAccountText } from '../../approvals/owner-account-text.ts';
import { computeApprovalKind, computeConnectionStatus } from '../../approvals/status.ts';
import {
  deadlineLabel,
  noEarlierConnectionsText,
  openReasons,
  reasonHeadings,
} from '../../approvals/status-text.ts';
import { countBy } from '../../approvals/summary.ts';
import { isLaterStage } from '../../connections/approval-request.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { hasButtons, requestButtons } from './actions.ts';
import { type Block, context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate, truncatePlain } from './mrkdwn.ts';
import {
  allowlistChangeText,
  connectedCommandBullets,
  decidedByText,
  requestTitle,
  slackDate,
  slackStatusLabels,
  statusMrkdwn,
} from './status-mrkdwn.ts';

/** Shows an approver an open request with its buttons, or the status of a decided one. */
export function requestMessage(view: ApprovalView, now: Date): SlackMessage {
  const { record, service, group } = view;
  const title = `${requestTitle(view)}: ${ownerAccountText(view)} to ${service.name}`;
  const requestFacts = requestFactsMrkdwn(view);
  const isWaiting = isAwaitingApproval(record);
  const statusParts = [
    ...(isWaiting ? [...reasonParts(record), accountHistoryMrkdwn(view)] : []),
    ...(isWaiting ? overdueParts(record, now) : []),
    statusMrkdwn(record, view),
    ...allowlistChangeText(record, service.name),
  ].filter(({ markup: part }) => part !== '');
  const answerHelp = isWaiting ? [requestAnswersMrkdwn(view, now)] : [];
  const commands = isWaiting ? [commandHint(view)] : [];
  const withButtons = hasButtons(record, group);
  const blocks: Block[] = [
    header(title),
    section(requestFacts),
    ...statusParts.map((part) => section(part)),
    ...(withButtons ? [requestButtons(view, now)] : []),
    ...(isWaiting ? [context(...answerHelp, ...(withButtons ? [] : commands))] : []),
  ];
  // The fallback text has no buttons, so the commands come before parts that Slack may truncate.
  const text = joinMarkup([title, requestFacts, ...commands, ...statusParts, ...answerHelp]);
  return { blocks, text: truncate(slackLimits.text, text) };
}

/** The maximum number of characters of an allowlist entry's note. */
const maxShownNoteLength = 200;

/** Describes the deadline, its effect, and the escalation so far. */
function deadlineFacts({ record, service, group }: ApprovalView): Markup[] {
  const { approvalRequest } = record;
  if (!approvalRequest || !isAwaitingApproval(record)) return [];
  const approvalKind = computeApprovalKind(record);
  const afterDeadline = {
    'new-connection': service.onExpiry === 'reject' ? ', then linkgate rejects it permanently' : '',
    'scheduled-disconnect': ' unless somebody keeps or extends it',
    'keep-or-disconnect': '',
  }[approvalKind];
  return [
    markup`*${deadlineLabel(record)}:* ${slackDate(approvalRequest.deadline)}${afterDeadline}${escalationText(approvalRequest, group)}`,
  ];
}

/** Describes the reminders and the escalation so far. */
function escalationText(
  { stage }: NonNullable<ConnectionRecord['approvalRequest']>,
  { name, escalateTo }: ApprovalView['group'],
): string {
  if (stage === 'approval-requested') return '';
  if (stage === 'reminded') return '. linkgate reminded the approvers.';
  const isEscalated = escalateTo !== undefined && escalateTo !== name;
  const overdueText = isLaterStage(stage, 'escalated') ? ' The deadline has passed.' : '';
  return isEscalated
    ? `.${overdueText} linkgate escalated it to ${escalateTo}.`
    : `.${overdueText} linkgate reminded the approvers.`;
}

function requestFactsMrkdwn(view: ApprovalView): Markup {
  const { record, service, entries } = view;
  const { location, endpointId, endpointRegion, ipAddressType, requestedAt } = record;
  const note = entries.find((entry) => entry.note !== undefined)?.note;
  return joinMarkup([
    markup`*Service:* ${service.name} in ${location.region}`,
    markup`*Account:* ${ownerAccountText(view)}${note ? `, ${truncatePlain(maxShownNoteLength, note)}` : ''}`,
    markup`*Endpoint:* ${endpointId} in ${endpointRegion ?? location.region}${ipAddressType ? `, ${ipAddressType}` : ''}`,
    markup`*Requested:* ${slackDate(requestedAt)}`,
    ...deadlineFacts(view),
  ]);
}

function overdueParts(record: ConnectionRecord, now: Date): Markup[] {
  const { approvalRequest } = record;
  // linkgate itself disconnects at the deadline of a scheduled disconnect.
  if (
    !approvalRequest ||
    new Date(approvalRequest.deadline) > now ||
    computeApprovalKind(record) === 'scheduled-disconnect'
  )
    return [];
  return [markup`*Nobody decided before ${slackDate(approvalRequest.deadline)}.* You can still decide.`];
}

function reasonParts(record: ConnectionRecord): Markup[] {
  const reasons = openReasons(record);
  return reasons.length === 0
    ? []
    : [
        joinMarkup([
          markup`*${reasonHeadings[computeApprovalKind(record)]}*`,
          ...reasons.map((reason) => markup`• ${reason}`),
        ]),
      ];
}

/** Describes the earlier connections of the account at this service. */
function accountHistoryMrkdwn({ earlierConnections, group }: ApprovalView): Markup {
  const title = markup`*Earlier connections of this account*`;
  if (earlierConnections.length === 0) return joinMarkup([title, noEarlierConnectionsText]);
  const counts = countBy(earlierConnections, (record) =>
    slackStatusLabels[computeConnectionStatus(record).status].toLowerCase(),
  );
  const countText = counts.map(([name, count]) => `${count} ${name}`).join(', ');
  const noun = earlierConnections.length === 1 ? 'endpoint' : 'endpoints';
  return joinMarkup([
    title,
    `${earlierConnections.length} ${noun}: ${countText}`,
    ...lastDecisionLines(earlierConnections, group),
  ]);
}

function lastDecisionLines(
  earlier: ApprovalView['earlierConnections'],
  group: ApprovalView['group'],
): Markup[] {
  const resolved = earlier.flatMap((record) => {
    const { resolution } = computeConnectionStatus(record);
    return resolution ? [{ record, resolution }] : [];
  });
  const [last] = resolved.sort((a, b) => b.resolution.at.localeCompare(a.resolution.at));
  if (!last) return [];
  const { verdict, revocation } = last.record;
  const outcome = verdict?.outcome === 'accept' ? 'accepted' : revocation ? 'disconnected' : 'rejected';
  return [markup`Last: ${last.record.endpointId} ${outcome} by ${decidedByText(last.resolution, group)}`];
}

/** Describes the effect of each answer, and the cost of a rejection for the consumer. */
function requestAnswersMrkdwn({ record, service, group }: ApprovalView, now: Date): Markup {
  if (computeApprovalKind(record) !== 'new-connection') return connectedAnswersMrkdwn(record, group, now);
  const quorumText =
    group.quorum > 1 ? ` ${group.quorum} people have to approve; one denial is enough to deny.` : '';
  const allChoose = group.quorum > 1 ? ' if every approver chooses it' : '';
  return joinMarkup([
    markup`*Approve* accepts only this endpoint and does not change the allowlist. *Approve and allow account* also accepts other requests of account ${record.ownerAccountId} to ${service.name} without approval, those that wait now too${allChoose}.${quorumText}`,
    markup`*Deny* is permanent: a rejected endpoint stays rejected, and the consumer pays for it until they delete it and create a new one.`,
  ]);
}

function connectedAnswersMrkdwn(
  record: ConnectionRecord,
  { quorum }: ApprovalView['group'],
  now: Date,
): Markup {
  const quorumText =
    quorum > 1 ? [`${quorum} people have to keep it; one person can extend or disconnect it.`] : [];
  return joinMarkup([
    ...selectConnectedActions(record).map(
      (answer) => markup`*${connectedLabels[answer]}:* ${describeConnectedAction(answer, record, now)}`,
    ),
    ...quorumText,
  ]);
}

function commandHint(view: ApprovalView): Markup {
  const { record, service, group } = view;
  const { endpointId } = record;
  const ticket = service.requireTicket ? ' --ticket T' : '';
  if (computeApprovalKind(record) !== 'new-connection') {
    const intro =
      group.decisionChannels === 'api'
        ? `The approver group ${group.name} decides only on the command line`
        : 'On the command line';
    return joinMarkup([`${intro}:`, ...connectedCommandBullets(view)]);
  }
  const [approve, deny] = [`approve ${endpointId}${ticket}`, `deny ${endpointId}${ticket}`];
  return group.decisionChannels === 'api'
    ? markup`The approver group ${group.name} decides only on the command line: \`linkgate ${approve}\` or \`linkgate ${deny} --reason "…"\``
    : markup`In Slack, type \`/linkgate ${approve}\` or \`/linkgate ${deny} &lt;reason&gt;\``;
}
