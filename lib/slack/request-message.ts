import type { Stage } from '../approval/asking.ts';
import type { RequestView } from '../approval/request-view.ts';
import { standingOf } from '../approval/standing.ts';
import { counted } from '../approval/tally.ts';
import { doubtsIn } from '../approval/words.ts';
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
    ...(isWaiting ? [context(...meaning, ...(withButtons ? [] : commands))] : []),
  ];
  // Who sees the text alone has no buttons: the commands come before what may be cut off.
  const told = joined([title, facts, ...commands, ...story, ...meaning]);
  return { blocks, text: within(limits.text, told) };
}

/** How much of what somebody noted of an account is shown. */
const noteLength = 200;

/** Until when, and what becomes of it then. */
function deadlineIn(
  { deadline, stage }: NonNullable<ConnectionRecord['asking']>,
  { onExpiry }: RequestView['service'],
): Markup {
  const then = onExpiry === 'reject' ? ', or it is rejected for good' : '';
  return markup`*Decide before:* ${dateOf(deadline)}${then}${calls[stage]}`;
}

/** What time has brought so far. */
const calls: Readonly<Record<Stage, string>> = {
  asked: '',
  reminded: '. The approvers were reminded.',
  escalated: '. Time runs out: it was escalated.',
  expired: '. Time is over: it was escalated.',
};

function factsOf({ record, service, entries }: RequestView): Markup {
  const { place, ownerAccountId, endpointId, endpointRegion, ipAddressType, requestedAt, asking } = record;
  const note = entries.find((entry) => entry.note !== undefined)?.note;
  return joined([
    markup`*Service:* ${service.name} in ${place.region}`,
    markup`*Account:* ${ownerAccountId}${note ? ` (${plainWithin(noteLength, note)})` : ''}`,
    markup`*Endpoint:* ${endpointId} in ${endpointRegion ?? place.region}${ipAddressType ? `, ${ipAddressType}` : ''}`,
    markup`*Asked for:* ${dateOf(requestedAt)}`,
    ...(asking && isOpen(record) ? [deadlineIn(asking, service)] : []),
  ]);
}

function overdueIn({ asking }: ConnectionRecord, now: Date): Markup[] {
  if (!asking || new Date(asking.deadline) > now) return [];
  return [markup`*Nobody decided it before ${dateOf(asking.deadline)}.* It can still be decided.`];
}

function whyIn(record: ConnectionRecord): Markup[] {
  const doubts = doubtsIn(record);
  return doubts.length === 0
    ? []
    : [joined([markup`*Why you are asked*`, ...doubts.map((reason) => markup`• ${reason}`)])];
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
  const outcome = last.record.verdict?.outcome === 'accept' ? 'accepted' : 'rejected';
  return [markup`Last: ${last.record.endpointId} ${outcome} by ${saidBy(last.settled, group)}`];
}

/** What approving does, and what rejecting costs the consumer. */
function meaningOf({ record, service, group }: RequestView): Markup {
  const everybody = group.quorum > 1 ? ` It takes ${group.quorum} approvals; one denial denies.` : '';
  return joined([
    markup`*Approve* lets in this endpoint alone: the allowlist stays as it is. *Approve and allow account* lets account ${record.ownerAccountId} connect to ${service.name} without asking, what waits of it now too${group.quorum > 1 ? ', where all who approve choose it' : ''}.${everybody}`,
    markup`*Deny* is for good: a rejected endpoint stays rejected, and the consumer pays for it until they delete it and create a new one.`,
  ]);
}

function commandsFor({ record: { endpointId }, service, group }: RequestView): Markup {
  const ticket = service.requireTicket ? ' --ticket T' : '';
  const [approve, deny] = [`approve ${endpointId}${ticket}`, `deny ${endpointId}${ticket}`];
  return group.decideIn === 'api'
    ? markup`The group ${group.name} decides by the command line: \`linkgate ${approve}\` or \`linkgate ${deny} --reason "…"\``
    : markup`By command: \`/linkgate ${approve}\` or \`/linkgate ${deny} &lt;reason&gt;\``;
}
