import type { ApproverGroup } from '../approval/approver-group.ts';
import { connectedLabels } from '../approval/connected.ts';
import { type Matter, matterOf } from '../approval/standing.ts';
import { areRequests, askersNamed, counted, serviceName, waitingIn, whyAsked } from '../approval/tally.ts';
import { isLate, when } from '../approval/words.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import type { Service } from '../service/service.ts';
import type { Mail, MailLinks } from './mails.ts';
import { bullets, fineprint, linksByAnswer, subjectOf } from './request-mail.ts';
import { mailOf } from './text.ts';

/** How many requests a mail tells of one by one, with their links. */
export const toldOneByOne = 20;

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
export function digestMail(
  { group, records, services, isReminder }: Told,
  links: ReadonlyMap<string, MailLinks>,
): Mail {
  const nameOf = ({ serviceId }: ConnectionRecord) => serviceName(serviceId, services);
  const askers = counted(records, ({ ownerAccountId }) => `account ${ownerAccountId}`);
  const shown = records.slice(0, toldOneByOne);
  const others = records.length - shown.length;
  const reasons = whyAsked(records);
  const [anyLinks] = links.values();
  const areAsking = areRequests(records);
  const title = areAsking
    ? `${records.length === 1 ? '1 request waits' : `${records.length} requests wait`} for the approvers ${group.name}`
    : `For the approvers ${group.name}: ${waitingIn(records)}`;
  return mailOf(subjectOf(title, isReminder), [
    [
      `${title}.${records.length > 1 ? ' They came faster than one mail each would be of use.' : ''}`,
      ...(areAsking
        ? []
        : [
            `Of a connection: ${connectedLabels.keep} lets it stay for good, ${connectedLabels.extend} lets it stay 14 days longer, ${connectedLabels.disconnect} disconnects it at once and for good.`,
          ]),
    ],
    ...(reasons.length > 0 ? [['Why', ...bullets(reasons.map(tally))]] : []),
    [areAsking ? 'Accounts that ask most' : 'Accounts', ...bullets(askers.slice(0, askersNamed).map(tally))],
    [areAsking ? 'Services asked for' : 'Services', ...bullets(counted(records, nameOf).map(tally))],
    ...shown.map((record, index) => [
      `${index + 1}. ${record.endpointId} of account ${record.ownerAccountId} to ${nameOf(record)}${deadlineIn(record)}`,
      ...linesOf(record, links.get(record.endpointId)),
    ]),
    ...(others > 0 ? [[`And ${others} more.`]] : []),
    [
      ...(group.decideIn === 'api' ? ['This group decides by the command line or the API only.'] : []),
      'All of them: linkgate connections --waiting',
      'One of them: linkgate explain <endpoint>, which names the commands',
    ],
    ...(anyLinks ? [fineprint(anyLinks)] : []),
  ]);
}

const tally = ([name, count]: readonly [string, number]) => `${name}: ${count}`;

function deadlineIn(record: ConnectionRecord): string {
  const { asking } = record;
  if (!asking) return '';
  const matter = matterOf(record);
  const words = isLate(record) ? late[matter] : deadlines[matter];
  return `, ${words} ${when(asking.deadline)}`;
}

const deadlines: Readonly<Record<Matter, string>> = {
  request: 'to be decided before',
  ending: 'connected, to be cut on',
  doubted: 'connected, to be decided before',
};

const late: typeof deadlines = {
  request: 'was to be decided before',
  ending: deadlines.ending,
  doubted: 'still connected, was to be decided before',
};

function linesOf(record: ConnectionRecord, links: MailLinks | undefined): string[] {
  if (!links) return [];
  return matterOf(record) === 'request'
    ? [`Approve: ${links.approve}`, `Deny: ${links.deny}`]
    : linksByAnswer(links).map(([answer, link]) => `${connectedLabels[answer]}: ${link}`);
}
