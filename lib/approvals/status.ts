import { type ConnectionRecord, isAwaitingApproval } from '../connections/connection-record.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { matchesDecision } from '../connections/person-decision.ts';
import type { Revocation } from '../connections/revocation.ts';
import { isConnected, isEnded } from '../privatelink/connection.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';

/** How a request or a connection stands, for people. `connected`, `rejected` and `cut` only when EC2 shows it. */
export interface ConnectionStatus {
  readonly status:
    | 'awaiting-approval'
    | 'paused'
    | 'accepting'
    | 'connected'
    | 'rejecting'
    | 'rejected'
    | 'deregistered'
    | 'deleted'
    /** It lives, and is cut when its time is over. */
    | 'disconnect-scheduled'
    /** It lives, and people are asked whether it stays: nothing becomes of it by itself. */
    | 'under-review'
    /** It lives, and what was to become of it waits for what stops its service. */
    | 'review-paused'
    /** It lives, and after people were asked about it that was settled. */
    | 'kept'
    | 'disconnecting'
    | 'disconnected';
  /** Who settled it: a person's word, or linkgate by its policy; nobody yet, or nobody that linkgate knows. */
  readonly resolution?: {
    readonly by: string;
    readonly at: string;
    readonly reason?: string;
    readonly ticket?: string;
    /** Where it is cut, why that is; a person's word on what they were asked comes before it. */
    readonly cause?: Revocation['cause'];
  };
  /** Where it takes several: what people have said so far. */
  readonly approvals?: { readonly decisions: readonly PersonDecision[]; readonly quorum: number };
  /** Nobody decided it in time; it may still be open. */
  readonly isExpired: boolean;
}

export function computeConnectionStatus(record: ConnectionRecord): ConnectionStatus {
  const { approvals, approvalRequest } = record;
  const resolution = computeResolution(record);
  return {
    status: computeStatusName(record),
    ...(resolution && { resolution: resolution }),
    ...(approvals && { approvals }),
    isExpired: approvalRequest?.stage === 'expired',
  };
}

/**
 * What people are asked: whether to let a connection in, or whether one that lives stays, which is cut at a certain time or only
 * by their word.
 */
export type ApprovalKind = 'new-connection' | 'scheduled-disconnect' | 'keep-or-disconnect';

export function computeApprovalKind(record: ConnectionRecord): ApprovalKind {
  return approvalKindByStatus[computeStatusName(record)] ?? 'new-connection';
}

const approvalKindByStatus: Readonly<Partial<Record<ConnectionStatus['status'], ApprovalKind>>> = {
  'disconnect-scheduled': 'scheduled-disconnect',
  'under-review': 'keep-or-disconnect',
  'review-paused': 'keep-or-disconnect',
  kept: 'keep-or-disconnect',
  disconnecting: 'keep-or-disconnect',
  disconnected: 'keep-or-disconnect',
};

function computeStatusName(record: ConnectionRecord): ConnectionStatus['status'] {
  const { state, verdict, endedAt, serviceDeregisteredAt, revocation } = record;
  if (endedAt !== undefined || isEnded(state) || state === 'deleting') return 'deleted';
  if (isConnected(state)) return computeConnectedStatus(record);
  if (state === 'rejected') return revocation ? 'disconnected' : 'rejected';
  if (serviceDeregisteredAt !== undefined) return 'deregistered';
  if (verdict?.outcome === 'accept') return 'accepting';
  if (verdict?.outcome === 'reject') return 'rejecting';
  return verdict && isPaused(verdict) ? 'paused' : 'awaiting-approval';
}

function computeConnectedStatus(record: ConnectionRecord): ConnectionStatus['status'] {
  const { state, verdict, pendingEffect, revocation } = record;
  const isToBeDisconnected = pendingEffect?.action === 'reject';
  if (verdict && isPaused(verdict) && (isToBeDisconnected || isAwaitingApproval(record)))
    return 'review-paused';
  if (isToBeDisconnected) return 'disconnecting';
  if (verdict && isAwaitingApproval(record))
    return verdict.outcome === 'reject' && !revocation?.overQuota ? 'disconnect-scheduled' : 'under-review';
  if (wasAskedWhileConnected(record) && verdict?.outcome === 'accept') return 'kept';
  return state === 'available' ? 'connected' : 'accepting';
}

/** Whether people were asked after linkgate asked EC2 to accept it, where it ever did. */
function wasAskedWhileConnected({
  approvalRequest,
  reevaluatedAt,
  acceptRequestedAt = '',
}: ConnectionRecord): boolean {
  return (
    approvalRequest !== undefined && reevaluatedAt !== undefined && approvalRequest.since > acceptRequestedAt
  );
}

function computeResolution(record: ConnectionRecord): ConnectionStatus['resolution'] {
  const { approval, verdict, revocation } = record;
  if (
    !verdict ||
    (verdict.outcome !== 'accept' && verdict.outcome !== 'reject') ||
    isAwaitingApproval(record)
  )
    return undefined;
  if (approval && matchesDecision(verdict, approval)) return toResolution(approval);
  if (verdict.outcome === 'reject' && revocation)
    return describeDisconnect(record, revocation, primaryReason(verdict));
  return { by: verdict.decidedBy, at: verdict.decidedAt, reason: primaryReason(verdict) };
}

function describeDisconnect(
  { verdict, revokeOrder }: ConnectionRecord,
  { cause, by, since }: Revocation,
  reason: string,
) {
  if (cause === 'person' && revokeOrder) return { ...toResolution(revokeOrder), cause };
  // What takes its time is settled when that is over.
  return { by, at: cause === 'policy' ? (verdict?.decidedAt ?? since) : since, reason, cause };
}

function toResolution({ by, at, reason, ticket }: Pick<PersonDecision, 'by' | 'at' | 'reason' | 'ticket'>) {
  return { by, at, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
}
