import { isOpen } from '../connection/connection-record.ts';
import { digestMail, toldOneByOne } from '../mail/digest-mail.ts';
import type { MailLinks } from '../mail/mails.ts';
import type { AskedRecord } from './asked-request.ts';
import type { Digest } from './digest.ts';
import { linksFor, mailStage } from './send-mails.ts';
import type { Telling } from './telling.ts';
import type { Together } from './together.ts';

/** The requests of which the mails of this stage have not told. */
export function toMailOf(together: Together): AskedRecord[] {
  const { digest, records, stage } = together;
  if (addressesOf(together).length === 0) return [];
  const told = mailStage(stage) === (digest.mailedStage ?? 'asked') ? digest.mailedUpTo : 0;
  const isTold = new Set(digest.endpointIds.slice(0, told));
  return records.filter((record) => isOpen(record) && !isTold.has(record.endpointId));
}

/** @returns what to remember of it: where a mail fails, which is reported, all are sent again. */
export async function sendDigestMails(together: Together, deps: Telling): Promise<Partial<Digest>> {
  const { digest, group, services, stage } = together;
  const records = toMailOf(together);
  const isReminder = mailStage(stage) !== mailStage('asked');
  const mailedAt = deps.now().toISOString();
  try {
    for (const address of addressesOf(together)) {
      const links = group.emails.includes(address)
        ? await linksToFirst(records, address, together, deps)
        : new Map();
      await deps.mails.send(address, digestMail({ group, records, services, isReminder }, links));
    }
  } catch (error) {
    deps.report(error);
    return { mailedAt };
  }
  return { mailedAt, mailedUpTo: digest.endpointIds.length, mailedStage: mailStage(stage) };
}

function addressesOf({ group, escalation }: Together): string[] {
  return [...new Set([...group.emails, ...(escalation?.emails ?? [])])];
}

async function linksToFirst(
  records: readonly AskedRecord[],
  address: string,
  { group }: Together,
  deps: Telling,
): Promise<Map<string, MailLinks>> {
  const links = new Map<string, MailLinks>();
  for (const record of records.slice(0, toldOneByOne)) {
    const theirs = await linksFor({ record, group }, address, deps);
    if (theirs) links.set(record.endpointId, theirs);
  }
  return links;
}
