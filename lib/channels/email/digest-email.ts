import { connectedLabels } from '../../approvals/connected-commands.ts';
import { type ApprovalKind, approvalKindOf } from '../../approvals/status.ts';
import { formatTime, isOverdue } from '../../approvals/status-text.ts';
import {
  areAllRequests,
  countBy,
  maxNamedAccounts,
  reasonCounts,
  serviceName,
  waitingText,
} from '../../approvals/summary.ts';
import type { ApproverGroup } from '../../approvers/approver-group.ts';
import type { ConnectionRecord } from '../../connections/connection-record.ts';
import type { Service } from '../../services/service.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailLinks, Mail } from './email-sender.ts';
import { bullets, emailFooter, linksByAnswer, subjectOf } from './request-email.ts';

/** How many requests a mail tells of one by one, with their links. */
export const maxListedInEmail = 20;

interface Told {
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
  { group, records, services, isReminder }: Told,
  links: ReadonlyMap<string, EmailLinks>,
): Mail {
  const nameOf = ({ serviceId }: ConnectionRecord) => serviceName(serviceId, services);
  const askers = countBy(records, ({ ownerAccountId }) => `account ${ownerAccountId}`);
  const shown = records.slice(0, maxListedInEmail);
  const others = records.length - shown.length;
  const reasons = reasonCounts(records);
  const [anyLinks] = links.values();
  const areAsking = areAllRequests(records);
  const title = areAsking
    ? `${records.length === 1 ? '1 request waits' : `${records.length} requests wait`} for the approvers ${group.name}`
    : `For the approvers ${group.name}: ${waitingText(records)}`;
  return composeEmail(subjectOf(title, isReminder), [
    [
      `${title}.${records.length > 1 ? ' They came faster than one mail each would be of use.' : ''}`,
      ...(areAsking
        ? []
        : [
            `Of a connection: ${connectedLabels.keep} lets it stay for good, ${connectedLabels.extend} lets it stay 14 days longer, ${connectedLabels.disconnect} disconnects it at once and for good.`,
          ]),
    ],
    ...(reasons.length > 0 ? [['Why', ...bullets(reasons.map(tally))]] : []),
    [
      areAsking ? 'Accounts that ask most' : 'Accounts',
      ...bullets(askers.slice(0, maxNamedAccounts).map(tally)),
    ],
    [areAsking ? 'Services asked for' : 'Services', ...bullets(countBy(records, nameOf).map(tally))],
    ...shown.map((record, index) => [
      `${index + 1}. ${record.endpointId} of account ${record.ownerAccountId} to ${nameOf(record)}${deadlineIn(record)}`,
      ...linesOf(record, links.get(record.endpointId)),
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

const tally = ([name, count]: readonly [string, number]) => `${name}: ${count}`;

function deadlineIn(record: ConnectionRecord): string {
  const { approvalRequest } = record;
  if (!approvalRequest) return '';
  const approvalKind = approvalKindOf(record);
  const words = isOverdue(record) ? late[approvalKind] : deadlines[approvalKind];
  return `, ${words} ${formatTime(approvalRequest.deadline)}`;
}

const deadlines: Readonly<Record<ApprovalKind, string>> = {
  'new-connection': 'to be decided before',
  'scheduled-disconnect': 'connected, to be cut on',
  'keep-or-disconnect': 'connected, to be decided before',
};

const late: typeof deadlines = {
  'new-connection': 'was to be decided before',
  'scheduled-disconnect': deadlines['scheduled-disconnect'],
  'keep-or-disconnect': 'still connected, was to be decided before',
};

function linesOf(record: ConnectionRecord, links: EmailLinks | undefined): string[] {
  if (!links) return [];
  return approvalKindOf(record) === 'new-connection'
    ? [`Approve: ${links.approve}`, `Deny: ${links.deny}`]
    : linksByAnswer(links).map(([answer, link]) => `${connectedLabels[answer]}: ${link}`);
}
