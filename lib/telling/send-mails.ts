import type { ApproverGroup } from '../approval/approver-group.ts';
import { type Notice, type Stage, stages } from '../approval/asking.ts';
import { canBeKept, isOpen } from '../connection/connection-record.ts';
import { orReport } from '../invocation.ts';
import type { MailLinks } from '../mail/mails.ts';
import { requestMail } from '../mail/request-mail.ts';
import type { AskedRecord, AskedRequest } from './asked-request.ts';
import type { Telling } from './telling.ts';

/** How long links work after the deadline, or after they were sent later still, in milliseconds: as long as a person may be away. */
const graceOfLinks = 7 * 86_400_000;

/** A request is mailed about when it is asked about, and again at these stages. */
const mailedAgain: readonly Stage[] = ['escalated', 'expired'];

/** The stage that the newest mail about a request should be of. */
export function mailStage(stage: Stage): Stage {
  return mailedAgain.includes(stage) ? stage : stages[0];
}

/** Whom an open request has yet to be mailed to: its approvers, and those called upon beside them. */
export function mailsDue({ record, group, escalation }: AskedRequest): string[] {
  if (!isOpen(record)) return [];
  const addresses = new Set([...group.emails, ...(escalation?.emails ?? [])]);
  for (const address of mailedAt(record)) addresses.delete(address);
  return [...addresses];
}

/** Who was sent the mail that is of the record's stage. */
function mailedAt({ asking, notice }: AskedRecord): readonly string[] {
  return mailStage(asking.stage) === (notice?.mailedStage ?? stages[0]) ? (notice?.mailed ?? []) : [];
}

/**
 * Sends each address its mail; what cannot be sent is reported, and still due.
 * @returns what to remember of it.
 */
export async function sendMails(
  request: AskedRequest,
  addresses: readonly string[],
  deps: Telling,
): Promise<Pick<Notice, 'mailed' | 'mailedStage'>> {
  const { record, group } = request;
  const sent: string[] = [];
  for (const address of addresses)
    await orReport(deps.report, async () => {
      const links = group.emails.includes(address) ? await linksFor(request, address, deps) : undefined;
      await deps.mails.send(address, requestMail(request, links, deps.now()));
      sent.push(address);
    });
  return { mailed: [...mailedAt(record), ...sent], mailedStage: mailStage(record.asking.stage) };
}

/** An approver's links to a request; none where the command is the only way. */
export async function linksFor(
  { record, group }: { readonly record: AskedRecord; readonly group: ApproverGroup },
  address: string,
  { linkTo, now }: Telling,
): Promise<MailLinks | undefined> {
  const { endpointId, asking } = record;
  if (group.decideIn === 'api') return undefined;
  const from = Math.max(new Date(asking.deadline).getTime(), now().getTime());
  const until = new Date(from + graceOfLinks).toISOString();
  const claims = { endpointId, version: asking.version, address, expiresAt: until };
  const cutAt = canBeKept(record) ? record.revocation?.cutAt : undefined;
  return {
    approve: await linkTo({ ...claims, purpose: 'approve' }),
    deny: await linkTo({ ...claims, purpose: 'deny' }),
    ...(cutAt !== undefined && { extend: await linkTo({ ...claims, purpose: 'extend', cutAt }) }),
    until,
  };
}
