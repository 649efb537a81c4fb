import { type ApprovalKind, computeConnectionStatus, selectApprovalActions } from '../../approvals/status.ts';
import { statusLabels } from '../../approvals/status-text.ts';
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
import { actions, type Block, button, header, type SlackMessage, section } from './blocks.ts';
import {
  accountAnswerEffect,
  accountAnswerLabel,
  type DigestAccount,
  hashAccountRequests,
} from './digest-account.ts';
import { joinMarkup, type Markup, markup, slackLimits, truncate } from './mrkdwn.ts';
import { approvalAnswers, isDenial } from './request-modal.ts';
import { slackDate } from './status-mrkdwn.ts';

/** Many approval requests of one group that share one message. */
export interface DigestRequests {
  readonly id: string;
  readonly group: ApproverGroup;
  /** In the order in which they joined the digest. */
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
}

export interface DigestView extends DigestRequests {
  /** Customers' names by account id, for the accounts that the text names. */
  readonly customers: ReadonlyMap<string, string>;
}

/** Shows counts by status, reason and service, and the accounts with the most requests with buttons that decide all of them. */
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
      ...countBy(records, (record) => statusLabels[computeConnectionStatus(record).status]).map(countBullet),
    ]),
    ...(open.length > 0
      ? [...digestReasons(open), serviceCounts(open, services), ...earliestDeadlineParts(open, now)]
      : []),
  ];
  const isDecidedHere = group.decisionChannels !== 'api';
  const hint = isDecidedHere ? otherRequestsText : cliOnlyText(group);
  const rows = accountRows({ id, group, records, services, customers });
  const blocks = [
    header(title),
    ...sections.map((part) => section(part)),
    ...rows.flatMap(({ text, buttons }) => [section(text), ...(isDecidedHere ? [buttons] : [])]),
    ...(open.length > 0 ? [section(joinMarkup([...otherAccountsText(open), hint]))] : []),
  ];
  const text = joinMarkup([
    title,
    ...sections,
    ...rows.map((row) => row.text),
    ...otherAccountsText(open),
    ...(open.length > 0 ? [hint] : []),
  ]);
  return { blocks, text: truncate(slackLimits.text, text) };
}

export function cliOnlyText({ name }: ApproverGroup): Markup {
  return markup`The approver group ${name} decides only on the command line: \`linkgate connections --waiting\` lists the open requests.`;
}

function digestReasons(open: readonly ConnectionRecord[]): Markup[] {
  const reasons = reasonCounts(open);
  return reasons.length > 0 ? [joinMarkup([markup`*Reasons*`, ...reasons.map(countBullet)])] : [];
}

/** An account with its open requests, and the buttons that decide all of them. */
interface AccountRow {
  readonly text: Markup;
  readonly buttons: Block;
}

/** Builds the rows of the accounts with the most open requests. */
function accountRows({ id, records, customers }: DigestView): AccountRow[] {
  const open = records.filter(isAwaitingApproval);
  const lastEndpointId = records.at(-1)?.endpointId ?? '';
  return countByAccount(open)
    .slice(0, maxNamedAccounts)
    .map(([account]) => {
      const ofAccount = open.filter(({ ownerAccountId }) => ownerAccountId === account);
      const name = accountText(account, customers.get(account));
      const clicked = {
        digest: id,
        account,
        lastEndpointId,
        requestsHash: hashAccountRequests(records, account),
      };
      return {
        text: markup`${name}: *${waitingText(ofAccount)}*`,
        buttons: actions(`account:${account}`, accountButtons(ofAccount, clicked, name)),
      };
    });
}

/** Builds a button for each possible answer. Each has a confirmation of its effect: Slack's dialog, or the modal that asks for a reason. */
function accountButtons(
  ofAccount: readonly ConnectionRecord[],
  clicked: Omit<DigestAccount, 'count'>,
  account: string,
): Block[] {
  const counts = new Map(countBy(ofAccount.flatMap(selectApprovalActions), (answer) => answer));
  return approvalAnswers.flatMap((answer) => {
    const count = counts.get(answer);
    if (count === undefined) return [];
    const text = accountAnswerLabel(answer, count);
    const effect = markup`${accountAnswerEffect(answer, count, account)}`;
    return button({
      text,
      actionId: `${actionIds.digestPrefix}${answer}`,
      value: JSON.stringify({ ...clicked, count } satisfies DigestAccount),
      ...(answer !== 'extend' && { style: isDenial(answer) ? 'danger' : 'primary' }),
      ...(!isDenial(answer) && { confirm: { title: `${text}?`, text: effect, confirm: text } }),
    });
  });
}

function countByAccount(open: readonly ConnectionRecord[]): (readonly [string, number])[] {
  return countBy(open, ({ ownerAccountId }) => ownerAccountId);
}

function otherAccountsText(open: readonly ConnectionRecord[]): Markup[] {
  const others = countByAccount(open).slice(maxNamedAccounts);
  const count = others.reduce((sum, [, each]) => sum + each, 0);
  return others.length > 0 ? [markup`*${others.length} more accounts:* ${count} open.`] : [];
}

/** The commands for what has no button: a request alone, and other accounts. */
const otherRequestsText = joinMarkup([
  markup`*Commands for one request or another account*`,
  markup`• \`linkgate connections --waiting --account &lt;account&gt;\` lists, \`linkgate explain &lt;vpce-…&gt;\` shows one with its commands; in Slack \`/linkgate waiting\``,
  markup`• \`linkgate allow &lt;account&gt; --service &lt;service&gt;\` or \`linkgate block\` decides all of an account, later requests too`,
]);

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
