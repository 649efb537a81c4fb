import type { Digest } from '../approvals/digest.ts';
import { digestEmail, maxListedInEmail } from '../channels/email/digest-email.ts';
import type { EmailLinks } from '../channels/email/email-sender.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { AwaitingRecord } from './awaiting-record.ts';
import type { DigestState } from './digest-state.ts';
import type { NotifyDeps } from './notify-deps.ts';
import { approvalLinks, emailStage } from './send-request-emails.ts';

/** Selects the open requests that no email of this stage contains yet. */
export function selectRequestsToEmail(together: DigestState): AwaitingRecord[] {
  const { digest, records, stage } = together;
  if (selectDigestAddresses(together).length === 0) return [];
  const told = emailStage(stage) === (digest.emailedStage ?? 'approval-requested') ? digest.emailedCount : 0;
  const isTold = new Set(digest.endpointIds.slice(0, told));
  return records.filter((record) => isAwaitingApproval(record) && !isTold.has(record.endpointId));
}

/** @returns the changes to save. A failed email is reported, and the next run sends all of them again. */
export async function sendDigestEmails(together: DigestState, deps: NotifyDeps): Promise<Partial<Digest>> {
  const { digest, group, services, stage } = together;
  const records = selectRequestsToEmail(together);
  const isReminder = emailStage(stage) !== emailStage('approval-requested');
  const emailedAt = deps.now().toISOString();
  try {
    for (const address of selectDigestAddresses(together)) {
      const links = group.emails.includes(address)
        ? await createDigestLinks(records, address, together, deps)
        : new Map();
      await deps.emailSender.send(address, digestEmail({ group, records, services, isReminder }, links));
    }
  } catch (error) {
    deps.reportError(error);
    return { emailedAt };
  }
  return { emailedAt, emailedCount: digest.endpointIds.length, emailedStage: emailStage(stage) };
}

function selectDigestAddresses({ group, escalation }: DigestState): string[] {
  return [...new Set([...group.emails, ...(escalation?.emails ?? [])])];
}

async function createDigestLinks(
  records: readonly AwaitingRecord[],
  address: string,
  { group }: DigestState,
  deps: NotifyDeps,
): Promise<Map<string, EmailLinks>> {
  const links = new Map<string, EmailLinks>();
  for (const record of records.slice(0, maxListedInEmail)) {
    const theirs = await approvalLinks({ record, group }, address, deps);
    if (theirs) links.set(record.endpointId, theirs);
  }
  return links;
}
