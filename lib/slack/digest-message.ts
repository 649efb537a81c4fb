import type { ApproverGroup } from '../approval/approver-group.ts';
import { type Matter, standingOf } from '../approval/standing.ts';
import {
  areRequests,
  askersNamed,
  counted,
  firstDeadlines,
  serviceName,
  waitingIn,
  whyAsked,
} from '../approval/tally.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import type { Service } from '../service/service.ts';
import { actions, button, context, header, type Message, section } from './blocks.ts';
import { joined, limits, type Markup, markup, within } from './boundary.ts';
import { clicks } from './buttons.ts';
import { dateOf, nameOf } from './words.ts';

/** Many requests, or connections in question, that came at once, told together. */
export interface Digest {
  readonly id: string;
  readonly group: ApproverGroup;
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
}

/** Counts and the largest askers; the requests themselves are in the modal. */
export function digestMessage({ id, group, records, services }: Digest, now: Date): Message {
  const open = records.filter(isOpen);
  const title =
    open.length > 0
      ? waitingIn(open, records.length)
      : `All of ${records.length} ${areRequests(records) ? 'requests' : 'connections'} are decided`;
  const story = [
    joined([
      markup`*How they stand*`,
      ...counted(records, (record) => nameOf[standingOf(record).status]).map(tally),
    ]),
    ...(open.length > 0
      ? [...whyOf(open), askersOf(open), servicesOf(open, services), ...timeFor(open, now)]
      : []),
  ];
  const isDecidedHere = open.length > 0 && group.decideIn !== 'api';
  const hint = group.decideIn === 'api' ? decidesByCommand(group) : markup`By command: \`/linkgate waiting\``;
  const blocks = [
    header(title),
    ...story.map((part) => section(part)),
    ...(isDecidedHere
      ? [
          actions('digest', [
            button({ text: 'Decide', actionId: clicks.openDigest, value: id, style: 'primary' }),
          ]),
        ]
      : []),
    ...(open.length > 0 ? [context(hint)] : []),
  ];
  const text = joined([title, ...story, ...(open.length > 0 ? [hint] : [])]);
  return { blocks, text: within(limits.text, text) };
}

export function decidesByCommand({ name }: ApproverGroup): Markup {
  return markup`The group ${name} decides by the command line: \`linkgate connections --waiting\` lists what waits.`;
}

function whyOf(open: readonly ConnectionRecord[]): Markup[] {
  const reasons = whyAsked(open);
  return reasons.length > 0 ? [joined([markup`*Why*`, ...reasons.map(tally)])] : [];
}

function askersOf(open: readonly ConnectionRecord[]): Markup {
  const askers = counted(open, ({ ownerAccountId }) => ownerAccountId);
  const others = askers.length - askersNamed;
  return joined([
    areRequests(open) ? markup`*Accounts that ask most*` : markup`*Accounts*`,
    ...askers.slice(0, askersNamed).map(tally),
    ...(others > 0 ? [`• and ${others} more accounts`] : []),
  ]);
}

function servicesOf(open: readonly ConnectionRecord[], services: readonly Service[]): Markup {
  const tallies = counted(open, ({ serviceId }) => serviceName(serviceId, services)).slice(0, askersNamed);
  const title = areRequests(open) ? markup`*Services asked for*` : markup`*Services*`;
  return joined([title, ...tallies.map(tally)]);
}

function timeFor(open: readonly ConnectionRecord[], now: Date): Markup[] {
  const times = firstDeadlines(open).map(
    ([matter, first]) =>
      markup`*The first ${new Date(first) > now ? 'is' : 'was'} to be ${deadlines[matter]}* ${dateOf(first)}`,
  );
  return times.length > 0 ? [joined(times)] : [];
}

const deadlines: Readonly<Record<Matter, string>> = {
  request: 'decided before',
  ending: 'cut on',
  doubted: 'decided before',
};

const tally = ([name, count]: readonly [string, number]) => markup`• ${name}: ${count}`;
