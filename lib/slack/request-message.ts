import { isLater } from '../approval/asking.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf, standingOf } from '../approval/standing.ts';
import { counted } from '../approval/tally.ts';
import { deadlineNameOf, doubtsIn, reasonsTitles } from '../approval/words.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import { type Block, context, header, type Message, section } from './blocks.ts';
import { joined, limits, type Markup, markup, plainWithin, within } from './boundary.ts';
import { hasButtons, requestButtons } from './buttons.ts';
import { dateOf, entryChangeIn, nameOf, saidBy, standingIn, titleIn } from './words.ts';

/** All that an approver needs to decide a request, and once it is decided what became of it. */
export function requestMessage(view: RequestView, now: Date): Message {
  const { record, service, group } = view;
  const title = `${titleIn(view)}: ${record.ownerAccountId} to ${service.name}`;
  const facts = factsOf(view);
  const isWaiting = isOpen(record);
  const story = [
    ...(isWaiting ? [...whyIn(record), historyIn(view)] : []),
    ...(isWaiting ? overdueIn(record, now) : []),
    standingIn(record, view),
    ...entryChangeIn(record, service.name),
  ].filter(({ markup: part }) => part !== '');
  const meaning = isWaiting ? [meaningOf(view)] : [];
  const commands = isWaiting ? [commandsFor(view)] : [];
  const withButtons = hasButtons(record, group);
  const blocks: Block[] = [
    header(title),
    section(facts),
    ...story.map((part) => section(part)),
    ...(withButtons ? [requestButtons(view)] : []),
    ...(isWaiting ? [context(...meaning, ...moreTimeFor(record), ...(withButtons ? [] : commands))] : []),
  ];
  // Who sees the text alone has no buttons: the commands come before what may be cut off.
  const told = joined([title, facts, ...commands, ...story, ...meaning, ...moreTimeFor(record)]);
  return { blocks, text: within(limits.text, told) };
}

/** How much of what somebody noted of an account is shown. */
const noteLength = 200;

/** Until when, and what becomes of it then. */
function deadlineIn({ record, service, group }: RequestView): Markup[] {
  const { asking } = record;
  if (!asking || !isOpen(record)) return [];
  const matter = matterOf(record);
  const then = {
    request: service.onExpiry === 'reject' ? ', or it is rejected for good' : '',
    ending: ', unless somebody approves that it stays',
    doubted: '',
  }[matter];
  return [markup`*${deadlineNameOf(record)}:* ${dateOf(asking.deadline)}${then}${callsOf(asking, group)}`];
}

/** What time has brought so far. */
function callsOf(
  { stage }: NonNullable<ConnectionRecord['asking']>,
  { name, escalateTo }: RequestView['group'],
): string {
  if (stage === 'asked') return '';
  if (stage === 'reminded') return '. The approvers were reminded.';
  const isOver = isLater(stage, 'escalated') ? 'Time is over' : 'Time runs out';
  const isBehind = escalateTo !== undefined && escalateTo !== name;
  return isBehind
    ? `. ${isOver}: it was escalated to ${escalateTo}.`
    : `. ${isOver}: the approvers were reminded.`;
}

function factsOf(view: RequestView): Markup {
  const { record, service, entries } = view;
  const { place, ownerAccountId, endpointId, endpointRegion, ipAddressType, requestedAt } = record;
  const note = entries.find((entry) => entry.note !== undefined)?.note;
  return joined([
    markup`*Service:* ${service.name} in ${place.region}`,
    markup`*Account:* ${ownerAccountId}${note ? ` (${plainWithin(noteLength, note)})` : ''}`,
    markup`*Endpoint:* ${endpointId} in ${endpointRegion ?? place.region}${ipAddressType ? `, ${ipAddressType}` : ''}`,
    markup`*Asked for:* ${dateOf(requestedAt)}`,
    ...deadlineIn(view),
  ]);
}

function overdueIn(record: ConnectionRecord, now: Date): Markup[] {
  const { asking } = record;
  // What is cut then linkgate decides by itself.
  if (!asking || new Date(asking.deadline) > now || matterOf(record) === 'ending') return [];
  return [markup`*Nobody decided it before ${dateOf(asking.deadline)}.* It can still be decided.`];
}

function whyIn(record: ConnectionRecord): Markup[] {
  const doubts = doubtsIn(record);
  return doubts.length === 0
    ? []
    : [
        joined([
          markup`*${reasonsTitles[matterOf(record)]}*`,
          ...doubts.map((reason) => markup`• ${reason}`),
        ]),
      ];
}

/** What is known of the account at this service from before. */
function historyIn({ earlier, group }: RequestView): Markup {
  const title = markup`*This account here before*`;
  if (earlier.length === 0) return joined([title, 'None that linkgate remembers.']);
  const counts = counted(earlier, (record) => nameOf[standingOf(record).status].toLowerCase());
  const told = counts.map(([name, count]) => `${count} ${name}`).join(', ');
  const one = earlier.length === 1 ? 'endpoint' : 'endpoints';
  return joined([title, `${earlier.length} ${one}: ${told}`, ...lastDecisionIn(earlier, group)]);
}

function lastDecisionIn(earlier: RequestView['earlier'], group: RequestView['group']): Markup[] {
  const decided = earlier.flatMap((record) => {
    const { settled } = standingOf(record);
    return settled ? [{ record, settled }] : [];
  });
  const [last] = decided.sort((a, b) => b.settled.at.localeCompare(a.settled.at));
  if (!last) return [];
  const { verdict, revocation } = last.record;
  const outcome = verdict?.outcome === 'accept' ? 'accepted' : revocation ? 'cut' : 'rejected';
  return [markup`Last: ${last.record.endpointId} ${outcome} by ${saidBy(last.settled, group)}`];
}

/** What approving does, and what rejecting costs the consumer. */
function meaningOf({ record, service, group }: RequestView): Markup {
  const { approves, allows, denies } = meanings[matterOf(record) === 'request' ? 'request' : 'live'];
  const everybody = group.quorum > 1 ? ` It takes ${group.quorum} approvals; one denial denies.` : '';
  const chosenByAll = group.quorum > 1 ? ', where all who approve choose it' : '';
  return joined([
    markup`*Approve* ${approves}: the allowlist stays as it is. *Approve and allow account* lets account ${record.ownerAccountId} connect to ${service.name} without asking, ${allows}${chosenByAll}.${everybody}`,
    markup`*Deny* ${denies}: a rejected endpoint stays rejected, and the consumer pays for it until they delete it and create a new one.`,
  ]);
}

const meanings = {
  request: {
    approves: 'lets in this endpoint alone',
    allows: 'what waits of it now too',
    denies: 'is for good',
  },
  live: {
    approves: 'lets this connection stay',
    allows: 'and has its other connections stay too',
    denies: 'cuts it now, and for good',
  },
} as const;

/** What is cut at a certain time may be given more of it, and not for good. */
function moreTimeFor(record: ConnectionRecord): Markup[] {
  if (matterOf(record) !== 'ending') return [];
  return [markup`To give it more time: \`linkgate keep ${record.endpointId} --until 14d --reason "…"\``];
}

function commandsFor({ record: { endpointId }, service, group }: RequestView): Markup {
  const ticket = service.requireTicket ? ' --ticket T' : '';
  const [approve, deny] = [`approve ${endpointId}${ticket}`, `deny ${endpointId}${ticket}`];
  return group.decideIn === 'api'
    ? markup`The group ${group.name} decides by the command line: \`linkgate ${approve}\` or \`linkgate ${deny} --reason "…"\``
    : markup`By command: \`/linkgate ${approve}\` or \`/linkgate ${deny} &lt;reason&gt;\``;
}
