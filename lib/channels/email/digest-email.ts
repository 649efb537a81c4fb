import { connectedLabels } from '../../approvals/connected-commands.ts';
import { type ApprovalKind, computeApprovalKind } from '../../approvals/status.ts';
import { formatTime, isOverdue } from '../../approvals/status-text.ts';
import {
  areAllNewConnections,
  countBy,
  findServiceName,
  maxNamedAccounts,
  reasonCounts,
  waitingText,
} from '../../approvals/summary.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import type { Service } from '../../services/service.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailLinks, EmailMessage } from './email-sender.ts';
import { bulletLines, emailFooter, emailSubject, linksByAnswer } from './request-email.ts';

/** How many requests a mail tells of one by one, with their links. */
export const maxListedInEmail = 20;

interface DigestEmailContent {
  readonly group: ApproverGroup;
  /** Open ones. */
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
  /** They were told of before. */
  readonly isReminder: boolean;
}

/**
 * Tells one approver of many requests, or connections in question, that came at once.
 * @param links theirs, of each of the first requests; none where the command is the only way.
 */
export function digestEmail(
  { group, records, services, isReminder }: DigestEmailContent,
  links: ReadonlyMap<string, EmailLinks>,
): EmailMessage {
  const nameOf = ({ serviceId }: ConnectionRecord) => findServiceName(serviceId, services);
  const askers = countBy(records, ({ ownerAccountId }) => `account ${ownerAccountId}`);
  const shown = records.slice(0, maxListedInEmail);
  const others = records.length - shown.length;
  const reasons = reasonCounts(records);
  const [anyLinks] = links.values();
  const areAsking = areAllNewConnections(records);
  const title = areAsking
    ? `${records.length === 1 ? '1 request waits' : `${records.length} requests wait`} for the approvers ${group.name}`
    : `For the approvers ${group.name}: ${waitingText(records)}`;
  return composeEmail(emailSubject(title, isReminder), [
    [
      `${title}.${records.length > 1 ? ' They came faster than one mail each would be of use.' : ''}`,
      ...(areAsking
        ? []
        : [
            `Of a connection: ${connectedLabels.keep} lets it stay for good, ${connectedLabels.extend} lets it stay 14 days longer, ${connectedLabels.disconnect} disconnects it at once and for good.`,
          ]),
    ],
    ...(reasons.length > 0 ? [['Why', ...bulletLines(reasons.map(emailCountLine))]] : []),
    [
      areAsking ? 'Accounts that ask most' : 'Accounts',
      ...bulletLines(askers.slice(0, maxNamedAccounts).map(emailCountLine)),
    ],
    [
      areAsking ? 'Services asked for' : 'Services',
      ...bulletLines(countBy(records, nameOf).map(emailCountLine)),
    ],
    ...shown.map((record, index) => [
      `${index + 1}. ${record.endpointId} of account ${record.ownerAccountId} to ${nameOf(record)}${emailDeadlineText(record)}`,
      ...emailLinkLines(record, links.get(record.endpointId)),
    ]),
    ...(others > 0 ? [[`And ${others} more.`]] : []),
    [
      ...(group.decisionChannels === 'api'
        ? ['This group decides by the command line or the API only.']
        : []),
      'All of them: linkgate connections --waiting',
      'One of them: linkgate explain <endpoint>, which names the commands',
    ],
    ...(anyLinks ? [emailFooter(anyLinks)] : []),
  ]);
}

const emailCountLine = ([name, count]: readonly [string, number]) => `${name}: ${count}`;

function emailDeadlineText(record: ConnectionRecord): string {
  const { approvalRequest } = record;
  if (!approvalRequest) return '';
  const approvalKind = computeApprovalKind(record);
  const words = isOverdue(record)
    ? overdueEmailDeadlineLabels[approvalKind]
    : emailDeadlineLabels[approvalKind];
  return `, ${words} ${formatTime(approvalRequest.deadline)}`;
}

const emailDeadlineLabels: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'to be decided before',
  'scheduled-disconnect': 'connected, to be cut on',
  'keep-or-disconnect': 'connected, to be decided before',
};

const overdueEmailDeadlineLabels: typeof emailDeadlineLabels = {
  'new-connection': 'was to be decided before',
  'scheduled-disconnect': emailDeadlineLabels['scheduled-disconnect'],
  'keep-or-disconnect': 'still connected, was to be decided before',
};

function emailLinkLines(record: ConnectionRecord, links: EmailLinks | undefined): string[] {
  if (!links) return [];
  return computeApprovalKind(record) === 'new-connection'
    ? [`Approve: ${links.approve}`, `Deny: ${links.deny}`]
    : linksByAnswer(links).map(([answer, link]) => `${connectedLabels[answer]}: ${link}`);
}
