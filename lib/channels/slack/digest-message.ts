import { type ApprovalKind, computeConnectionStatus } from '../../approvals/status.ts';
import {
  areAllNewConnections,
  countBy,
  earliestDeadlines,
  findServiceName,
  maxNamedAccounts,
  reasonCounts,
  waitingText,
} from '../../approvals/summary.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import { type ConnectionRecord, isAwaitingApproval } from '../../connections/connection-record.ts';
import type { Service } from '../../services/service.ts';
import { actionIds } from './actions.ts';
import { actions, button, context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { slackDate, slackStatusLabels } from './status-text.ts';

/** Many requests, or connections in question, that came at once, told together. */
export interface DigestView {
  readonly id: string;
  readonly group: ApproverGroup;
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
}

/** Counts and the largest askers; the requests themselves are in the modal. */
export function digestMessage({ id, group, records, services }: DigestView, now: Date): SlackMessage {
  const open = records.filter(isAwaitingApproval);
  const title =
    open.length > 0
      ? waitingText(open, records.length)
      : `All of ${records.length} ${areAllNewConnections(records) ? 'requests' : 'connections'} are decided`;
  const story = [
    joinMarkup([
      markup`*How they stand*`,
      ...countBy(records, (record) => slackStatusLabels[computeConnectionStatus(record).status]).map(
        countBullet,
      ),
    ]),
    ...(open.length > 0
      ? [
          ...digestReasons(open),
          accountCounts(open),
          serviceCounts(open, services),
          ...firstDeadlines(open, now),
        ]
      : []),
  ];
  const isDecidedHere = open.length > 0 && group.decisionChannels !== 'api';
  const hint =
    group.decisionChannels === 'api' ? cliOnlyText(group) : markup`By command: \`/linkgate waiting\``;
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
  const text = joinMarkup([title, ...story, ...(open.length > 0 ? [hint] : [])]);
  return { blocks, text: truncate(slackLimits.text, text) };
}

export function cliOnlyText({ name }: ApproverGroup): Markup {
  return markup`The group ${name} decides by the command line: \`linkgate connections --waiting\` lists what waits.`;
}

function digestReasons(open: readonly ConnectionRecord[]): Markup[] {
  const reasons = reasonCounts(open);
  return reasons.length > 0 ? [joinMarkup([markup`*Why*`, ...reasons.map(countBullet)])] : [];
}

function accountCounts(open: readonly ConnectionRecord[]): Markup {
  const askers = countBy(open, ({ ownerAccountId }) => ownerAccountId);
  const others = askers.length - maxNamedAccounts;
  return joinMarkup([
    areAllNewConnections(open) ? markup`*Accounts that ask most*` : markup`*Accounts*`,
    ...askers.slice(0, maxNamedAccounts).map(countBullet),
    ...(others > 0 ? [`• and ${others} more accounts`] : []),
  ]);
}

function serviceCounts(open: readonly ConnectionRecord[], services: readonly Service[]): Markup {
  const tallies = countBy(open, ({ serviceId }) => findServiceName(serviceId, services)).slice(
    0,
    maxNamedAccounts,
  );
  const title = areAllNewConnections(open) ? markup`*Services asked for*` : markup`*Services*`;
  return joinMarkup([title, ...tallies.map(countBullet)]);
}

function firstDeadlines(open: readonly ConnectionRecord[], now: Date): Markup[] {
  const times = earliestDeadlines(open).map(
    ([approvalKind, first]) =>
      markup`*The first ${new Date(first) > now ? 'is' : 'was'} to be ${digestDeadlineLabels[approvalKind]}* ${slackDate(first)}`,
  );
  return times.length > 0 ? [joinMarkup(times)] : [];
}

const digestDeadlineLabels: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'decided before',
  'scheduled-disconnect': 'cut on',
  'keep-or-disconnect': 'decided before',
};

const countBullet = ([name, count]: readonly [string, number]) => markup`• ${name}: ${count}`;
