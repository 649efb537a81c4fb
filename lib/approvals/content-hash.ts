import { createHash } from 'node:crypto';
import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import { isConnected } from '../privatelink/connection.ts';
import { computeConnectionStatus } from './status.ts';

/** Hashes all attributes of a record that messages show. linkgate updates a message only when the hash changes. */
export function computeContentHash(record: ConnectionRecord): string {
  const { verdict, personDecision, approvals, approvalRequest } = record;
  const { status, resolution } = computeConnectionStatus(record);
  const findings = isAwaitingApproval(record) ? (verdict?.findings ?? []) : [];
  const hashedAttributes = [
    status,
    resolution && [resolution.by, resolution.at, verdict?.policyVersions.mode],
    personDecision && [personDecision.by, personDecision.at],
    approvals && [approvals.quorum, ...approvals.decisions.map(({ by, at }) => [by, at])],
    findings.map(({ reason }) => reason),
    approvalRequest && [approvalRequest.group, approvalRequest.stage],
    ...selectConnectedState(record),
  ];
  return hashContent(hashedAttributes);
}

export function hashContent(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url');
}

/** Selects the attributes that messages about a connected endpoint show in addition. */
function selectConnectedState({ state, revocation, extended }: ConnectionRecord): string[] {
  if (!isConnected(state) || !revocation) return [];
  return [revocation.disconnectAt, revocation.overQuota ? 'over budget' : '', extended?.at ?? ''];
}
