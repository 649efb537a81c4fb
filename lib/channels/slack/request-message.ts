import type { ApprovalView } from '../../approvals/approval-view.ts';
import {
  connectedLabels,
  describeConnectedAction,
  selectConnectedActions,
} from '../../approvals/connected-commands.ts';
import { computeApprovalKind, computeConnectionStatus } from '../../approvals/status.ts';
import { deadlineLabel, openReasons, reasonHeadings } from '../../approvals/status-text.ts';
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
} from './status-text.ts';

/** All that an approver needs to decide a request, and once it is decided what became of it. */
export function requestMessage(view: ApprovalView, now: Date): SlackMessage {
  const { record, service, group } = view;
  const title = `${requestTitle(view)}: ${record.ownerAccountId} to ${service.name}`;
  const facts = requestFactsMrkdwn(view);
  const isWaiting = isAwaitingApproval(record);
  const story = [
    ...(isWaiting ? [...reasonParts(record), accountHistoryMrkdwn(view)] : []),
    ...(isWaiting ? overdueParts(record, now) : []),
    statusMrkdwn(record, view),
    ...allowlistChangeText(record, service.name),
  ].filter(({ markup: part }) => part !== '');
  const meaning = isWaiting ? [requestAnswersMrkdwn(view, now)] : [];
  const commands = isWaiting ? [commandHint(view)] : [];
  const withButtons = hasButtons(record, group);
  const blocks: Block[] = [
    header(title),
    section(facts),
    ...story.map((part) => section(part)),
    ...(withButtons ? [requestButtons(view, now)] : []),
    ...(isWaiting ? [context(...meaning, ...(withButtons ? [] : commands))] : []),
  ];
  // Who sees the text alone has no buttons: the commands come before what may be cut off.
  const told = joinMarkup([title, facts, ...commands, ...story, ...meaning]);
  return { blocks, text: truncate(slackLimits.text, told) };
}

/** How much of what somebody noted of an account is shown. */
const maxNoteLength = 200;

/** Until when, and what becomes of it then. */
function deadlineFacts({ record, service, group }: ApprovalView): Markup[] {
  const { approvalRequest } = record;
  if (!approvalRequest || !isAwaitingApproval(record)) return [];
  const approvalKind = computeApprovalKind(record);
  const then = {
    'new-connection': service.onExpiry === 'reject' ? ', or it is rejected for good' : '',
    'scheduled-disconnect': ', unless somebody keeps it connected or extends it',
    'keep-or-disconnect': '',
  }[approvalKind];
  return [
    markup`*${deadlineLabel(record)}:* ${slackDate(approvalRequest.deadline)}${then}${escalationText(approvalRequest, group)}`,
  ];
}

/** What time has brought so far. */
function escalationText(
  { stage }: NonNullable<ConnectionRecord['approvalRequest']>,
  { name, escalateTo }: ApprovalView['group'],
): string {
  if (stage === 'approval-requested') return '';
  if (stage === 'reminded') return '. The approvers were reminded.';
  const isOver = isLaterStage(stage, 'escalated') ? 'Time is over' : 'Time runs out';
  const isBehind = escalateTo !== undefined && escalateTo !== name;
  return isBehind
    ? `. ${isOver}: it was escalated to ${escalateTo}.`
    : `. ${isOver}: the approvers were reminded.`;
}

function requestFactsMrkdwn(view: ApprovalView): Markup {
  const { record, service, entries } = view;
  const { location, ownerAccountId, endpointId, endpointRegion, ipAddressType, requestedAt } = record;
  const note = entries.find((entry) => entry.note !== undefined)?.note;
  return joinMarkup([
    markup`*Service:* ${service.name} in ${location.region}`,
    markup`*Account:* ${ownerAccountId}${note ? ` (${truncatePlain(maxNoteLength, note)})` : ''}`,
    markup`*Endpoint:* ${endpointId} in ${endpointRegion ?? location.region}${ipAddressType ? `, ${ipAddressType}` : ''}`,
    markup`*Asked for:* ${slackDate(requestedAt)}`,
    ...deadlineFacts(view),
  ]);
}

function overdueParts(record: ConnectionRecord, now: Date): Markup[] {
  const { approvalRequest } = record;
  // What is cut then linkgate decides by itself.
  if (
    !approvalRequest ||
    new Date(approvalRequest.deadline) > now ||
    computeApprovalKind(record) === 'scheduled-disconnect'
  )
    return [];
  return [
    markup`*Nobody decided it before ${slackDate(approvalRequest.deadline)}.* It can still be decided.`,
  ];
}

function reasonParts(record: ConnectionRecord): Markup[] {
  const doubts = openReasons(record);
  return doubts.length === 0
    ? []
    : [
        joinMarkup([
          markup`*${reasonHeadings[computeApprovalKind(record)]}*`,
          ...doubts.map((reason) => markup`• ${reason}`),
        ]),
      ];
}

/** What is known of the account at this service from before. */
function accountHistoryMrkdwn({ earlierConnections, group }: ApprovalView): Markup {
  const title = markup`*This account here before*`;
  if (earlierConnections.length === 0) return joinMarkup([title, 'None that linkgate remembers.']);
  const counts = countBy(earlierConnections, (record) =>
    slackStatusLabels[computeConnectionStatus(record).status].toLowerCase(),
  );
  const told = counts.map(([name, count]) => `${count} ${name}`).join(', ');
  const one = earlierConnections.length === 1 ? 'endpoint' : 'endpoints';
  return joinMarkup([
    title,
    `${earlierConnections.length} ${one}: ${told}`,
    ...lastDecisionLines(earlierConnections, group),
  ]);
}

function lastDecisionLines(
  earlier: ApprovalView['earlierConnections'],
  group: ApprovalView['group'],
): Markup[] {
  const decided = earlier.flatMap((record) => {
    const { resolution } = computeConnectionStatus(record);
    return resolution ? [{ record, resolution }] : [];
  });
  const [last] = decided.sort((a, b) => b.resolution.at.localeCompare(a.resolution.at));
  if (!last) return [];
  const { verdict, revocation } = last.record;
  const outcome = verdict?.outcome === 'accept' ? 'accepted' : revocation ? 'cut' : 'rejected';
  return [markup`Last: ${last.record.endpointId} ${outcome} by ${decidedByText(last.resolution, group)}`];
}

/** What each answer does, and what rejecting costs the consumer. */
function requestAnswersMrkdwn({ record, service, group }: ApprovalView, now: Date): Markup {
  if (computeApprovalKind(record) !== 'new-connection') return connectedAnswersMrkdwn(record, group, now);
  const everybody = group.quorum > 1 ? ` It takes ${group.quorum} approvals; one denial denies.` : '';
  const chosenByAll = group.quorum > 1 ? ', where all who approve choose it' : '';
  return joinMarkup([
    markup`*Approve* lets in this endpoint alone: the allowlist stays as it is. *Approve and allow account* lets account ${record.ownerAccountId} connect to ${service.name} without asking, what waits of it now too${chosenByAll}.${everybody}`,
    markup`*Deny* is for good: a rejected endpoint stays rejected, and the consumer pays for it until they delete it and create a new one.`,
  ]);
}

function connectedAnswersMrkdwn(
  record: ConnectionRecord,
  { quorum }: ApprovalView['group'],
  now: Date,
): Markup {
  const everybody =
    quorum > 1
      ? [`It takes ${quorum} people to keep it connected; one extends it, and one disconnects it.`]
      : [];
  return joinMarkup([
    ...selectConnectedActions(record).map(
      (answer) => markup`*${connectedLabels[answer]}:* ${describeConnectedAction(answer, record, now)}`,
    ),
    ...everybody,
  ]);
}

function commandHint(view: ApprovalView): Markup {
  const { record, service, group } = view;
  const { endpointId } = record;
  const ticket = service.requireTicket ? ' --ticket T' : '';
  if (computeApprovalKind(record) !== 'new-connection') {
    const decides =
      group.decisionChannels === 'api' ? `The group ${group.name} decides by the command line` : 'By command';
    return joinMarkup([`${decides}:`, ...connectedCommandBullets(view)]);
  }
  const [approve, deny] = [`approve ${endpointId}${ticket}`, `deny ${endpointId}${ticket}`];
  return group.decisionChannels === 'api'
    ? markup`The group ${group.name} decides by the command line: \`linkgate ${approve}\` or \`linkgate ${deny} --reason "…"\``
    : markup`By command: \`/linkgate ${approve}\` or \`/linkgate ${deny} &lt;reason&gt;\``;
}
