import type { ApproverGroup } from '../approval/approver-group.ts';
import { standingOf } from '../approval/standing.ts';
import { askersNamed, counted, serviceName } from '../approval/tally.ts';
import { type ConnectionRecord, isOpen } from '../connection/connection-record.ts';
import type { Service } from '../service/service.ts';
import { actions, button, context, header, type Message, section } from './blocks.ts';
import { joined, limits, type Markup, markup, within } from './boundary.ts';
import { clicks } from './buttons.ts';
import { dateOf, nameOf } from './words.ts';

/** Many requests that came at once, told together. */
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
      ? `${waitingOf(open.length, records.length)} for approval`
      : `All of ${records.length} requests are decided`;
  const story = [
    joined([
      markup`*How they stand*`,
      ...counted(records, (record) => nameOf[standingOf(record).status]).map(tally),
    ]),
    ...(open.length > 0 ? [askersOf(open), servicesOf(open, services), ...timeFor(open, now)] : []),
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

function askersOf(open: readonly ConnectionRecord[]): Markup {
  const askers = counted(open, ({ ownerAccountId }) => ownerAccountId);
  const others = askers.length - askersNamed;
  return joined([
    markup`*Accounts that ask most*`,
    ...askers.slice(0, askersNamed).map(tally),
    ...(others > 0 ? [`• and ${others} more accounts`] : []),
  ]);
}

function waitingOf(open: number, all: number): string {
  if (open < all) return `${open} of ${all} requests wait`;
  return all === 1 ? '1 request waits' : `${all} requests wait`;
}

function servicesOf(open: readonly ConnectionRecord[], services: readonly Service[]): Markup {
  const tallies = counted(open, ({ serviceId }) => serviceName(serviceId, services)).slice(0, askersNamed);
  return joined([markup`*Services asked for*`, ...tallies.map(tally)]);
}

function timeFor(open: readonly ConnectionRecord[], now: Date): Markup[] {
  const [first] = open.flatMap(({ asking }) => asking?.deadline ?? []).sort();
  if (first === undefined) return [];
  return [markup`*The first ${new Date(first) > now ? 'is' : 'was'} to be decided before* ${dateOf(first)}`];
}

const tally = ([name, count]: readonly [string, number]) => markup`• ${name}: ${count}`;
