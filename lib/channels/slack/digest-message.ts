import { type ApprovalKind, statusOf } from '../../approvals/status.ts';
import {
  areAllRequests,
  countBy,
  earliestDeadlines,
  maxNamedAccounts,
  reasonCounts,
  serviceName,
  waitingText,
} from '../../approvals/summary.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { Service } from '../../services/service.ts';
import { actionIds } from './actions.ts';
import { actions, button, context, header, type Message, section } from './blocks.ts';
import { joined, limits, type Markup, markup, truncate } from './mrkdwn.ts';
import { slackActorName, slackDate } from './status-text.ts';

/** Many requests, or connections in question, that came at once, told together. */
export interface Digest {
  readonly id: string;
  readonly group: ApproverGroup;
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
}

/** Counts and the largest askers; the requests themselves are in the modal. */
export function digestMessage({ id, group, records, services }: Digest, now: Date): Message {
  const open = records.filter(isAwaitingApproval);
  const title =
    open.length > 0
      ? waitingText(open, records.length)
      : `All of ${records.length} ${areAllRequests(records) ? 'requests' : 'connections'} are decided`;
  const story = [
    joined([
      markup`*How they stand*`,
      ...countBy(records, (record) => slackActorName[statusOf(record).status]).map(tally),
    ]),
    ...(open.length > 0
      ? [...whyOf(open), askersOf(open), servicesOf(open, services), ...timeFor(open, now)]
      : []),
  ];
  const isDecidedHere = open.length > 0 && group.decisionChannels !== 'api';
  const hint =
    group.decisionChannels === 'api' ? requiresCli(group) : markup`By command: \`/linkgate waiting\``;
  const blocks = [
    header(title),
    ...story.map((part) => section(part)),
    ...(isDecidedHere
      ? [
          actions('digest', [
            button({ text: 'Decide', actionId: actionIds.openDigest, value: id, style: 'primary' }),
          ]),
        ]
      : []),
    ...(open.length > 0 ? [context(hint)] : []),
  ];
  const text = joined([title, ...story, ...(open.length > 0 ? [hint] : [])]);
  return { blocks, text: truncate(limits.text, text) };
}

export function requiresCli({ name }: ApproverGroup): Markup {
  return markup`The group ${name} decides by the command line: \`linkgate connections --waiting\` lists what waits.`;
}

function whyOf(open: readonly ConnectionRecord[]): Markup[] {
  const reasons = reasonCounts(open);
  return reasons.length > 0 ? [joined([markup`*Why*`, ...reasons.map(tally)])] : [];
}

function askersOf(open: readonly ConnectionRecord[]): Markup {
  const askers = countBy(open, ({ ownerAccountId }) => ownerAccountId);
  const others = askers.length - maxNamedAccounts;
  return joined([
    areAllRequests(open) ? markup`*Accounts that ask most*` : markup`*Accounts*`,
    ...askers.slice(0, maxNamedAccounts).map(tally),
    ...(others > 0 ? [`• and ${others} more accounts`] : []),
  ]);
}

function servicesOf(open: readonly ConnectionRecord[], services: readonly Service[]): Markup {
  const tallies = countBy(open, ({ serviceId }) => serviceName(serviceId, services)).slice(
    0,
    maxNamedAccounts,
  );
  const title = areAllRequests(open) ? markup`*Services asked for*` : markup`*Services*`;
  return joined([title, ...tallies.map(tally)]);
}

function timeFor(open: readonly ConnectionRecord[], now: Date): Markup[] {
  const times = earliestDeadlines(open).map(
    ([approvalKind, first]) =>
      markup`*The first ${new Date(first) > now ? 'is' : 'was'} to be ${deadlines[approvalKind]}* ${slackDate(first)}`,
  );
  return times.length > 0 ? [joined(times)] : [];
}

const deadlines: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'decided before',
  'scheduled-disconnect': 'cut on',
  'keep-or-disconnect': 'decided before',
};

const tally = ([name, count]: readonly [string, number]) => markup`• ${name}: ${count}`;
