import type { ApproverGroup } from '../approval/approver-group.ts';
import { askersNamed, counted, serviceName } from '../approval/tally.ts';
import { when } from '../approval/words.ts';
import type { ConnectionRecord } from '../connection/connection-record.ts';
import type { Service } from '../service/service.ts';
import type { Mail, MailLinks } from './mails.ts';
import { bullets, fineprint } from './request-mail.ts';
import { mailOf } from './text.ts';

/** How many requests a mail tells of one by one, with their links. */
export const toldOneByOne = 20;

interface Told {
  readonly group: ApproverGroup;
  /** Open ones. */
  readonly records: readonly ConnectionRecord[];
  readonly services: readonly Service[];
}

/**
 * Tells one approver of many requests that came at once.
 * @param links theirs, of each of the first requests; none where the command is the only way.
 */
export function digestMail({ group, records, services }: Told, links: ReadonlyMap<string, MailLinks>): Mail {
  const nameOf = ({ serviceId }: ConnectionRecord) => serviceName(serviceId, services);
  const askers = counted(records, ({ ownerAccountId }) => `account ${ownerAccountId}`);
  const shown = records.slice(0, toldOneByOne);
  const others = records.length - shown.length;
  const [anyLinks] = links.values();
  const title = `${records.length} requests wait for the approvers ${group.name}`;
  return mailOf(title, [
    [`${title}. They came faster than one mail each would be of use.`],
    ['Accounts that ask most', ...bullets(askers.slice(0, askersNamed).map(tally))],
    ['Services asked for', ...bullets(counted(records, nameOf).map(tally))],
    ...shown.map((record, index) => [
      `${index + 1}. ${record.endpointId} of account ${record.ownerAccountId} to ${nameOf(record)}${deadlineIn(record)}`,
      ...linesOf(links.get(record.endpointId)),
    ]),
    ...(others > 0 ? [[`And ${others} more.`]] : []),
    [
      ...(group.decideIn === 'api' ? ['This group decides by the command line or the API only.'] : []),
      'All of them: linkgate connections --waiting',
      'One of them: linkgate explain <endpoint>, then linkgate approve or linkgate deny',
    ],
    ...(anyLinks ? [fineprint(anyLinks)] : []),
  ]);
}

const tally = ([name, count]: readonly [string, number]) => `${name}: ${count}`;

function deadlineIn({ asking }: ConnectionRecord): string {
  return asking ? `, to be decided before ${when(asking.deadline)}` : '';
}

function linesOf(links: MailLinks | undefined): string[] {
  return links ? [`Approve: ${links.approve}`, `Deny: ${links.deny}`] : [];
}
