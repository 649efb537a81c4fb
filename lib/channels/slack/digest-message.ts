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
import { accountText } from '../../customers/account-text.ts';
import type { Service } from '../../services/service.ts';
import { actionIds } from './actions.ts';
import { actions, button, context, header, type SlackMessage, section } from './blocks.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { slackDate, slackStatusLabels } from './status-mrkdwn.ts';

/** Many approval requests of one group that share one message. */
export interface DigestRequests {
  readonly id: string;
  readonly group: ApproverGroup;
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
}

export interface DigestView extends DigestRequests {
  /** Customers' names by account id, for the accounts that the text names. */
  readonly customers: ReadonlyMap<string, string>;
}

/** Shows counts by status, reason, account and service; the modal lists the requests. */
export function digestMessage(
  { id, group, records, services, customers }: DigestView,
  now: Date,
): SlackMessage {
  const open = records.filter(isAwaitingApproval);
  const title =
    open.length > 0
      ? waitingText(open, records.length)
      : `All ${records.length} ${areAllNewConnections(records) ? 'requests' : 'connections'} are decided`;
  const sections = [
    joinMarkup([
      markup`*Current status*`,
      ...countBy(records, (record) => slackStatusLabels[computeConnectionStatus(record).status]).map(
        countBullet,
      ),
    ]),
    ...(open.length > 0
      ? [
          ...digestReasons(open),
          accountCounts(open, customers),
          serviceCounts(open, services),
          ...earliestDeadlineParts(open, now),
        ]
      : []),
  ];
  const isDecidedHere = open.length > 0 && group.decisionChannels !== 'api';
  const hint =
    group.decisionChannels === 'api' ? cliOnlyText(group) : markup`In Slack, type \`/linkgate waiting\``;
  const blocks = [
    header(title),
    ...sections.map((part) => section(part)),
    ...(isDecidedHere
      ? [
          actions('digest', [
            button({ text: 'Decide', actionId: actionIds.openDigest, value: id, style: 'primary' }),
          ]),
        ]
      : []),
    ...(open.length > 0 ? [context(hint)] : []),
  ];
  const text = joinMarkup([title, ...sections, ...(open.length > 0 ? [hint] : [])]);
  return { blocks, text: truncate(slackLimits.text, text) };
}

export function cliOnlyText({ name }: ApproverGroup): Markup {
  return markup`The approver group ${name} decides only on the command line: \`linkgate connections --waiting\` lists the open requests.`;
}

function digestReasons(open: readonly ConnectionRecord[]): Markup[] {
  const reasons = reasonCounts(open);
  return reasons.length > 0 ? [joinMarkup([markup`*Reasons*`, ...reasons.map(countBullet)])] : [];
}

function accountCounts(open: readonly ConnectionRecord[], customers: DigestView['customers']): Markup {
  const accounts = countBy(open, ({ ownerAccountId }) => ownerAccountId);
  const otherCount = accounts.length - maxNamedAccounts;
  return joinMarkup([
    areAllNewConnections(open) ? markup`*Accounts with the most requests*` : markup`*Accounts*`,
    ...accounts
      .slice(0, maxNamedAccounts)
      .map(([account, count]) => countBullet([accountText(account, customers.get(account)), count])),
    ...(otherCount > 0 ? [`• and ${otherCount} more accounts`] : []),
  ]);
}

function serviceCounts(open: readonly ConnectionRecord[], services: readonly Service[]): Markup {
  const counts = countBy(open, ({ serviceId }) => findServiceName(serviceId, services)).slice(
    0,
    maxNamedAccounts,
  );
  const title = areAllNewConnections(open) ? markup`*Requested services*` : markup`*Services*`;
  return joinMarkup([title, ...counts.map(countBullet)]);
}

function earliestDeadlineParts(open: readonly ConnectionRecord[], now: Date): Markup[] {
  const lines = earliestDeadlines(open).map(
    ([approvalKind, first]) =>
      markup`*${digestDeadlineLabels[approvalKind]}${new Date(first) > now ? '' : ' (overdue)'}:* ${slackDate(first)}`,
  );
  return lines.length > 0 ? [joinMarkup(lines)] : [];
}

const digestDeadlineLabels: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'First deadline',
  'scheduled-disconnect': 'First disconnect',
  'keep-or-disconnect': 'First deadline for a connection',
};

const countBullet = ([name, count]: readonly [string, number]) => markup`• ${name}: ${count}`;
