import type { ApprovalView } from '../../approvals/approval-view.ts';
import { answersFor, connectedLabels, describeAnswer } from '../../approvals/connected-commands.ts';
import { approvalKindOf, statusOf } from '../../approvals/status.ts';
import { deadlineLabel, openReasons, reasonHeadings } from '../../approvals/status-text.ts';
import { countBy } from '../../approvals/summary.ts';
import { isAfter } from '../../connections/approval-request.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import { hasButtons, requestButtons } from './actions.ts';
import { type Block, context, header, type Message, section } from './blocks.ts';
import { joined, limits, type Markup, markup, truncate, truncatePlain } from './mrkdwn.ts';
import {
  allowlistChangeText,
  connectedCommandsIn,
  decidedByText,
  requestTitle,
  slackActorName,
  slackDate,
  statusMrkdwn,
} from './status-text.ts';

/** All that an approver needs to decide a request, and once it is decided what became of it. */
export function requestMessage(view: ApprovalView, now: Date): Message {
  const { record, service, group } = view;
  const title = `${requestTitle(view)}: ${record.ownerAccountId} to ${service.name}`;
  const facts = factsOf(view);
  const isWaiting = isAwaitingApproval(record);
  const story = [
    ...(isWaiting ? [...whyIn(record), historyIn(view)] : []),
    ...(isWaiting ? overdueIn(record, now) : []),
    statusMrkdwn(record, view),
    ...allowlistChangeText(record, service.name),
  ].filter(({ markup: part }) => part !== '');
  const meaning = isWaiting ? [meaningOf(view, now)] : [];
  const commands = isWaiting ? [commandsFor(view)] : [];
  const withButtons = hasButtons(record, group);
  const blocks: Block[] = [
    header(title),
    section(facts),
    ...story.map((part) => section(part)),
    ...(withButtons ? [requestButtons(view, now)] : []),
    ...(isWaiting ? [context(...meaning, ...(withButtons ? [] : commands))] : []),
  ];
  // Who sees the text alone has no buttons: the commands come before what may be cut off.
  const told = joined([title, facts, ...commands, ...story, ...meaning]);
  return { blocks, text: truncate(limits.text, told) };
}

/** How much of what somebody noted of an account is shown. */
const noteLength = 200;

/** Until when, and what becomes of it then. */
function deadlineIn({ record, service, group }: ApprovalView): Markup[] {
  const { approvalRequest } = record;
  if (!approvalRequest || !isAwaitingApproval(record)) return [];
  const approvalKind = approvalKindOf(record);
  const then = {
    'new-connection': service.onExpiry === 'reject' ? ', or it is rejected for good' : '',
    'scheduled-disconnect': ', unless somebody keeps it connected or extends it',
    'keep-or-disconnect': '',
  }[approvalKind];
  return [
    markup`*${deadlineLabel(record)}:* ${slackDate(approvalRequest.deadline)}${then}${callsOf(approvalRequest, group)}`,
  ];
}

/** What time has brought so far. */
function callsOf(
  { stage }: NonNullable<ConnectionRecord['approvalRequest']>,
  { name, escalateTo }: ApprovalView['group'],
): string {
  if (stage === 'approval-requested') return '';
  if (stage === 'reminded') return '. The approvers were reminded.';
  const isOver = isAfter(stage, 'escalated') ? 'Time is over' : 'Time runs out';
  const isBehind = escalateTo !== undefined && escalateTo !== name;
  return isBehind
    ? `. ${isOver}: it was escalated to ${escalateTo}.`
    : `. ${isOver}: the approvers were reminded.`;
}

function factsOf(view: ApprovalView): Markup {
  const { record, service, entries } = view;
  const { location, ownerAccountId, endpointId, endpointRegion, ipAddressType, requestedAt } = record;
  const note = entries.find((entry) => entry.note !== undefined)?.note;
  return joined([
    markup`*Service:* ${service.name} in ${location.region}`,
    markup`*Account:* ${ownerAccountId}${note ? ` (${truncatePlain(noteLength, note)})` : ''}`,
    markup`*Endpoint:* ${endpointId} in ${endpointRegion ?? location.region}${ipAddressType ? `, ${ipAddressType}` : ''}`,
    markup`*Asked for:* ${slackDate(requestedAt)}`,
    ...deadlineIn(view),
  ]);
}

function overdueIn(record: ConnectionRecord, now: Date): Markup[] {
  const { approvalRequest } = record;
  // What is cut then linkgate decides by itself.
  if (
    !approvalRequest ||
    new Date(approvalRequest.deadline) > now ||
    approvalKindOf(record) === 'scheduled-disconnect'
  )
    return [];
  return [
    markup`*Nobody decided it before ${slackDate(approvalRequest.deadline)}.* It can still be decided.`,
  ];
}

function whyIn(record: ConnectionRecord): Markup[] {
  const doubts = openReasons(record);
  return doubts.length === 0
    ? []
    : [
        joined([
          markup`*${reasonHeadings[approvalKindOf(record)]}*`,
          ...doubts.map((reason) => markup`• ${reason}`),
        ]),
      ];
}

/** What is known of the account at this service from before. */
function historyIn({ earlier, group }: ApprovalView): Markup {
  const title = markup`*This account here before*`;
  if (earlier.length === 0) return joined([title, 'None that linkgate remembers.']);
  const counts = countBy(earlier, (record) => slackActorName[statusOf(record).status].toLowerCase());
  const told = counts.map(([name, count]) => `${count} ${name}`).join(', ');
  const one = earlier.length === 1 ? 'endpoint' : 'endpoints';
  return joined([title, `${earlier.length} ${one}: ${told}`, ...lastDecisionIn(earlier, group)]);
}

function lastDecisionIn(earlier: ApprovalView['earlier'], group: ApprovalView['group']): Markup[] {
  const decided = earlier.flatMap((record) => {
    const { settled } = statusOf(record);
    return settled ? [{ record, settled }] : [];
  });
  const [last] = decided.sort((a, b) => b.settled.at.localeCompare(a.settled.at));
  if (!last) return [];
  const { verdict, revocation } = last.record;
  const outcome = verdict?.outcome === 'accept' ? 'accepted' : revocation ? 'cut' : 'rejected';
  return [markup`Last: ${last.record.endpointId} ${outcome} by ${decidedByText(last.settled, group)}`];
}

/** What each answer does, and what rejecting costs the consumer. */
function meaningOf({ record, service, group }: ApprovalView, now: Date): Markup {
  if (approvalKindOf(record) !== 'new-connection') return meaningOfConnected(record, group, now);
  const everybody = group.quorum > 1 ? ` It takes ${group.quorum} approvals; one denial denies.` : '';
  const chosenByAll = group.quorum > 1 ? ', where all who approve choose it' : '';
  return joined([
    markup`*Approve* lets in this endpoint alone: the allowlist stays as it is. *Approve and allow account* lets account ${record.ownerAccountId} connect to ${service.name} without asking, what waits of it now too${chosenByAll}.${everybody}`,
    markup`*Deny* is for good: a rejected endpoint stays rejected, and the consumer pays for it until they delete it and create a new one.`,
  ]);
}

function meaningOfConnected(record: ConnectionRecord, { quorum }: ApprovalView['group'], now: Date): Markup {
  const everybody =
    quorum > 1
      ? [`It takes ${quorum} people to keep it connected; one extends it, and one disconnects it.`]
      : [];
  return joined([
    ...answersFor(record).map(
      (answer) => markup`*${connectedLabels[answer]}:* ${describeAnswer(answer, record, now)}`,
    ),
    ...everybody,
  ]);
}

function commandsFor(view: ApprovalView): Markup {
  const { record, service, group } = view;
  const { endpointId } = record;
  const ticket = service.requireTicket ? ' --ticket T' : '';
  if (approvalKindOf(record) !== 'new-connection') {
    const decides =
      group.decisionChannels === 'api' ? `The group ${group.name} decides by the command line` : 'By command';
    return joined([`${decides}:`, ...connectedCommandsIn(view)]);
  }
  const [approve, deny] = [`approve ${endpointId}${ticket}`, `deny ${endpointId}${ticket}`];
  return group.decisionChannels === 'api'
    ? markup`The group ${group.name} decides by the command line: \`linkgate ${approve}\` or \`linkgate ${deny} --reason "…"\``
    : markup`By command: \`/linkgate ${approve}\` or \`/linkgate ${deny} &lt;reason&gt;\``;
}
