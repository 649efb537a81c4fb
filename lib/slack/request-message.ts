import { isLater } from '../approval/asking.ts';
import { answersFor, connectedLabels, describeAnswer } from '../approval/connected.ts';
import type { RequestView } from '../approval/request-view.ts';
import { matterOf, standingOf } from '../approval/standing.ts';
import { counted } from '../approval/tally.ts';
import { deadlineNameOf, doubtsIn, reasonsTitles } from '../approval/words.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import { type Block, context, header, type Message, section } from './blocks.ts';
import { joined, limits, type Markup, markup, plainWithin, within } from './boundary.ts';
import { hasButtons, requestButtons } from './buttons.ts';
import { connectedCommandsIn, dateOf, entryChangeIn, nameOf, saidBy, standingIn, titleIn } from './words.ts';

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
    ending: ', unless somebody keeps it connected or extends it',
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

/** What each answer does, and what rejecting costs the consumer. */
function meaningOf({ record, service, group }: RequestView, now: Date): Markup {
  if (matterOf(record) !== 'request') return meaningOfConnected(record, group, now);
  const everybody = group.quorum > 1 ? ` It takes ${group.quorum} approvals; one denial denies.` : '';
  const chosenByAll = group.quorum > 1 ? ', where all who approve choose it' : '';
  return joined([
    markup`*Approve* lets in this endpoint alone: the allowlist stays as it is. *Approve and allow account* lets account ${record.ownerAccountId} connect to ${service.name} without asking, what waits of it now too${chosenByAll}.${everybody}`,
    markup`*Deny* is for good: a rejected endpoint stays rejected, and the consumer pays for it until they delete it and create a new one.`,
  ]);
}

function meaningOfConnected(record: ConnectionRecord, { quorum }: RequestView['group'], now: Date): Markup {
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

function commandsFor(view: RequestView): Markup {
  const { record, service, group } = view;
  const { endpointId } = record;
  const ticket = service.requireTicket ? ' --ticket T' : '';
  if (matterOf(record) !== 'request') {
    const decides =
      group.decideIn === 'api' ? `The group ${group.name} decides by the command line` : 'By command';
    return joined([`${decides}:`, ...connectedCommandsIn(view)]);
  }
  const [approve, deny] = [`approve ${endpointId}${ticket}`, `deny ${endpointId}${ticket}`];
  return group.decideIn === 'api'
    ? markup`The group ${group.name} decides by the command line: \`linkgate ${approve}\` or \`linkgate ${deny} --reason "…"\``
    : markup`By command: \`/linkgate ${approve}\` or \`/linkgate ${deny} &lt;reason&gt;\``;
}
