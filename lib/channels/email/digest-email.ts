import { actionLabels } from '../../approvals/action-text.ts';
import { deadlinePhrase } from '../../approvals/request-text.ts';
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
import { accountText } from '../../customers/account-text.ts';
import type { Service } from '../../services/service.ts';
import { writePlain } from '../../values/styled-text.ts';
import { composeEmail } from './compose-email.ts';
import type { EmailLinks, EmailMessage } from './email-sender.ts';
import { apiOnlyEmailText, bulletLines, emailFooter, emailSubject, linksByAction } from './request-email.ts';

/** The number of requests that a digest e-mail lists with their links. */
export const maxListedInEmail = 20;

interface DigestEmailContent {
  readonly group: ApproverGroup;
  /** The open requests. */
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
  /** Customers' names by account id, for the accounts that the text names. */
  readonly customers: ReadonlyMap<string, string>;
  /** The approver has already received an e-mail about them. */
  readonly isReminder: boolean;
}

/**
 * Composes one e-mail to one approver about many approval requests.
 * @param links the links of this approver by endpoint id, for the listed requests; empty if the group decides only by API
 */
export function digestEmail(
  { group, records, services, customers, isReminder }: DigestEmailContent,
  links: ReadonlyMap<string, EmailLinks>,
): EmailMessage {
  const nameService = ({ serviceId }: ConnectionRecord) => findServiceName(serviceId, services);
  const nameAccount = ({ ownerAccountId }: ConnectionRecord) =>
    `account ${accountText(ownerAccountId, customers.get(ownerAccountId))}`;
  const accounts = countBy(records, nameAccount);
  const listedRecords = records.slice(0, maxListedInEmail);
  const unlistedCount = records.length - listedRecords.length;
  const reasons = reasonCounts(records);
  const [anyLinks] = links.values();
  const areAllNew = areAllNewConnections(records);
  const title = areAllNew
    ? `${records.length === 1 ? '1 request waits' : `${records.length} requests wait`} for the approver group ${group.name}`
    : `For the approver group ${group.name}: ${waitingText(records)}`;
  return composeEmail(emailSubject(title, isReminder), [
    [
      `${title}.${records.length > 1 ? ' linkgate combines them in one e-mail.' : ''}`,
      ...(areAllNew
        ? []
        : [
            `For a connection, “${actionLabels.keep}” keeps it permanently, “${actionLabels.extend}” keeps it for 14 more days, and “${actionLabels.disconnect}” disconnects it immediately and permanently.`,
          ]),
    ],
    ...(reasons.length > 0 ? [['Reasons', ...bulletLines(reasons.map(emailCountLine))]] : []),
    [
      areAllNew ? 'Accounts with the most requests' : 'Accounts',
      ...bulletLines(accounts.slice(0, maxNamedAccounts).map(emailCountLine)),
    ],
    [
      areAllNew ? 'Requested services' : 'Services',
      ...bulletLines(countBy(records, nameService).map(emailCountLine)),
    ],
    ...listedRecords.map((record, index) => [
      `${index + 1}. ${record.endpointId} of ${nameAccount(record)} to ${nameService(record)}${writePlain(deadlinePhrase(record))}`,
      ...emailLinkLines(record, links.get(record.endpointId)),
    ]),
    ...(unlistedCount > 0 ? [[`And ${unlistedCount} more.`]] : []),
    [
      ...(group.decisionChannels === 'api' ? [apiOnlyEmailText] : []),
      'To list all requests: linkgate connections --waiting',
      'To see one request and its commands: linkgate explain <endpoint>',
    ],
    ...(anyLinks ? [emailFooter(anyLinks)] : []),
  ]);
}

const emailCountLine = ([name, count]: readonly [string, number]) => `${name}: ${count}`;

function emailLinkLines(record: ConnectionRecord, links: EmailLinks | undefined): string[] {
  return links
    ? linksByAction(record, links).map(([action, link]) => `${actionLabels[action]}: ${link}`)
    : [];
}
