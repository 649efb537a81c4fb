import type { ApproverGroup } from '../approvers/approver-group.ts';
import { computeLinkExpiry } from '../channels/approval-link/link-expiry.ts';
import type { EmailLinks } from '../channels/email/email-sender.ts';
import { type EscalationStage, escalationStages } from '../connections/approval-request.ts';
import { canBeExtended } from '../connections/connection-record.ts';
import type { AwaitingRecord } from './awaiting-record.ts';
import type { NotifyDeps } from './notify-deps.ts';

/** The stages after the first one that send an email. */
const emailedStages: readonly EscalationStage[] = ['escalated', 'expired'];

/** @returns the stage of the newest due email. */
export function emailStage(stage: EscalationStage): EscalationStage {
  return emailedStages.includes(stage) ? stage : escalationStages[0];
}

/** @returns the addresses of a group and of the group to which it escalates, each once. */
export function selectAddresses(group: ApproverGroup, escalation: ApproverGroup | undefined): string[] {
  return [...new Set([...group.emails, ...(escalation?.emails ?? [])])];
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
