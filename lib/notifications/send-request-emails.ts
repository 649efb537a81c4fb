import type { ApproverGroup } from '../approvers/approver-group.ts';
import { computeLinkExpiry } from '../channels/approval-link/link-expiry.ts';
import type { EmailLinks } from '../channels/email/email-sender.ts';
import { requestEmail } from '../channels/email/request-email.ts';
import {
  type EscalationStage,
  escalationStages,
  type NotificationState,
} from '../connections/approval-request.ts';
import { canBeExtended, isAwaitingApproval } from '../connections/connection-record.ts';
import { orReported } from '../runtime/runtime.ts';
import type { ApprovalTarget, AwaitingRecord } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** The stages after the first one that send an email. */
const emailedStages: readonly EscalationStage[] = ['escalated', 'expired'];

/** @returns the stage of the newest due email. */
export function emailStage(stage: EscalationStage): EscalationStage {
  return emailedStages.includes(stage) ? stage : escalationStages[0];
}

/** @returns the addresses without an email about an open request, in its group and in the escalation group. */
export function dueEmails({ record, group, escalation }: ApprovalTarget): string[] {
  if (!isAwaitingApproval(record)) return [];
  const addresses = new Set([...group.emails, ...(escalation?.emails ?? [])]);
  for (const address of selectEmailedAddresses(record)) addresses.delete(address);
  return [...addresses];
}

/** @returns the addresses that received the email of the record's stage. */
function selectEmailedAddresses({ approvalRequest, notification }: AwaitingRecord): readonly string[] {
  return emailStage(approvalRequest.stage) === (notification?.emailedStage ?? escalationStages[0])
    ? (notification?.emailedTo ?? [])
    : [];
}

/**
 * Sends an email to each address. Reports a failed email, which stays due.
 * @returns the changes to save.
 */
export async function sendRequestEmails(
  request: ApprovalTarget,
  addresses: readonly string[],
  deps: NotifyDeps,
): Promise<Pick<NotificationState, 'emailedTo' | 'emailedStage'>> {
  const { record, group } = request;
  const sent: string[] = [];
  for (const address of addresses)
    await orReported(deps.reportError, 'send request email', async () => {
      const links = group.emails.includes(address) ? await approvalLinks(request, address, deps) : undefined;
      await deps.emailSender.send(address, requestEmail(request, links, deps.now()));
      sent.push(address);
    });
  return {
    emailedTo: [...selectEmailedAddresses(record), ...sent],
    emailedStage: emailStage(record.approvalRequest.stage),
  };
}

/** @returns an approver's links to a request, undefined if the group decides only by API. */
export async function approvalLinks(
  { record, group }: { readonly record: AwaitingRecord; readonly group: ApproverGroup },
  address: string,
  { createApprovalLink, now }: NotifyDeps,
): Promise<EmailLinks | undefined> {
  const { endpointId, approvalRequest } = record;
  if (group.decisionChannels === 'api') return undefined;
  const expiresAt = computeLinkExpiry(approvalRequest.deadline, now());
  const claims = { endpointId, version: approvalRequest.version, address, expiresAt };
  const disconnectAt = canBeExtended(record) ? record.revocation?.disconnectAt : undefined;
  return {
    approve: await createApprovalLink({ ...claims, purpose: 'approve' }),
    deny: await createApprovalLink({ ...claims, purpose: 'deny' }),
    ...(disconnectAt !== undefined && {
      extend: await createApprovalLink({ ...claims, purpose: 'extend', disconnectAt }),
    }),
    expiresAt,
  };
}
