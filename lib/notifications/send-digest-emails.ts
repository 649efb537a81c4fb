import type { Digest } from '../approvals/digest.ts';
import { digestEmail, maxListedInEmail } from '../channels/email/digest-email.ts';
import type { EmailLinks } from '../channels/email/email-sender.ts';
import { isAwaitingApproval } from '../connections/connection-record.ts';
import type { AwaitingRecord } from './awaiting-record.ts';
import type { DigestState } from './digest-state.ts';
import type { NotifyDeps } from './notify-deps.ts';
import { approvalLinks, emailStage } from './send-request-emails.ts';

/** Selects the open requests that no email of this stage contains. */
export function selectRequestsToEmail(digestState: DigestState): AwaitingRecord[] {
  const { digest, records, stage } = digestState;
  if (selectDigestAddresses(digestState).length === 0) return [];
  const emailedCount =
    emailStage(stage) === (digest.emailedStage ?? 'approval-requested') ? digest.emailedCount : 0;
  const emailedIds = new Set(digest.endpointIds.slice(0, emailedCount));
  return records.filter((record) => isAwaitingApproval(record) && !emailedIds.has(record.endpointId));
}

/** @returns the changes to save. The function reports a failed email, and the next run sends all of them again. */
export async function sendDigestEmails(digestState: DigestState, deps: NotifyDeps): Promise<Partial<Digest>> {
  const { digest, group, services, customers, stage } = digestState;
  const records = selectRequestsToEmail(digestState);
  const isReminder = emailStage(stage) !== emailStage('approval-requested');
  const emailedAt = deps.now().toISOString();
  try {
    for (const address of selectDigestAddresses(digestState)) {
      const links = group.emails.includes(address)
        ? await createDigestLinks(records, address, digestState, deps)
        : new Map();
      await deps.emailSender.send(
        address,
        digestEmail({ group, records, services, customers, isReminder }, links),
      );
    }
  } catch (error) {
    deps.reportError(error, 'send digest email');
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
    const emailLinks = await approvalLinks({ record, group }, address, deps);
    if (emailLinks) links.set(record.endpointId, emailLinks);
  }
  return links;
}
