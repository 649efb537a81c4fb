import type { AllowlistEntry } from '../allowlist/entry.ts';
import type { ApproverGroup } from '../approvers/approver-group.ts';
import type { Revocation } from '../connections/connected-state.ts';
import {
  type ConnectionRecord,
  canBeExtended,
  isAwaitingApproval,
} from '../connections/connection-record.ts';
import type { PersonDecision } from '../connections/person-decision.ts';
import { matchesDecision } from '../connections/person-decision.ts';
import type { Mode } from '../mode/mode.ts';
import { isConnected, isEnded } from '../privatelink/connection.ts';
import type { Service } from '../services/service.ts';
import { isPaused, primaryReason } from '../verdicts/verdict.ts';

/** The attributes of a service that people see. A deregistered service has only its id. */
export type ServiceSummary = Pick<
  Service,
  'serviceId' | 'name' | 'approvers' | 'requireTicket' | 'onExpiry'
> &
  Partial<Pick<Service, 'pausedAt' | 'registeredAt'>>;

/** A record with the data that its status in words depends on. */
export interface StatusContext {
  readonly record: ConnectionRecord;
  /** Absent if the service is not registered. */
  readonly service?: ServiceSummary | undefined;
  /** The allowlist entries of the account: at the service, then at every service. */
  readonly entries: readonly AllowlistEntry[];
  readonly mode: Mode;
  /** The current group of approvers. */
  readonly group?: ApproverGroup;
  /** EC2 refused the last call. */
  readonly isRefused?: boolean;
}

/** The actions of people on a request (`approve`, `deny`) and on a connected endpoint. */
export const requestActions = ['approve', 'deny'] as const;
export const connectedActions = ['keep', 'extend', 'disconnect'] as const;
export type ConnectedAction = (typeof connectedActions)[number];
export type ApprovalAction = (typeof requestActions)[number] | ConnectedAction;

/** The status of a request or a connection. `connected`, `rejected` and `disconnected` require that EC2 shows the state. */
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
    /** It is connected, and linkgate disconnects it after the grace period. */
    | 'disconnect-scheduled'
    /** It is connected, and approvers decide whether it stays connected: without a decision nothing happens. */
    | 'under-review'
    /** It is connected, and a pause or a failed rule holds its verdict. */
    | 'review-paused'
    /** It stays connected after approvers were asked about it. */
    | 'kept'
    | 'disconnecting'
    | 'disconnected';
  /** The reason of the verdict. */
  readonly reason?: string;
  /** ISO 8601: the deadline of the open approval request. That of a scheduled disconnect is its time. */
  readonly deadline?: string;
  /** The actor of the verdict. */
  readonly decidedBy?: string;
  /** The open actions. `revoke` begins the disconnect of a connected endpoint that needs no decision. */
  readonly actions: readonly (ApprovalAction | 'revoke')[];
  /** The person or the policy (`linkgate`) that decided it; absent while it is open, or if linkgate did not decide it. */
  readonly resolution?: {
    readonly by: string;
    readonly at: string;
    readonly reason?: string;
    readonly ticket?: string;
    /** The cause of a disconnect; absent if an approver decided it. */
    readonly cause?: Revocation['cause'];
  };
  /** The approvals so far, if the quorum is above one. */
  readonly approvals?: { readonly decisions: readonly PersonDecision[]; readonly quorum: number };
  /** The deadline has passed; the request may still be open. */
  readonly isExpired: boolean;
}

export function computeConnectionStatus(record: ConnectionRecord): ConnectionStatus {
  const { approvals, approvalRequest, verdict, revocation } = record;
  const resolution = computeResolution(record);
  const status = computeStatusName(record);
  // A revocation, not the verdict, names the person who requested it.
  const isRevoked = verdict?.outcome === 'reject' && revocation && revocation.cause !== 'policy';
  const decidedBy = isRevoked ? revocation.by : verdict?.decidedBy;
  const deadline = isAwaitingApproval(record) ? approvalRequest?.deadline : undefined;
  return {
    status,
    ...(verdict && { reason: primaryReason(verdict) }),
    ...(deadline !== undefined && { deadline }),
    ...(decidedBy !== undefined && { decidedBy }),
    actions: selectActions(record),
    ...(resolution && { resolution }),
    ...(approvals && { approvals }),
    isExpired: approvalRequest?.stage === 'expired',
  };
}

function selectActions(record: ConnectionRecord): ConnectionStatus['actions'] {
  if (isAwaitingApproval(record)) return selectApprovalActions(record);
  const isManaged = record.serviceDeregisteredAt === undefined && record.pendingEffect?.action !== 'reject';
  return isConnected(record.state) && isManaged ? ['revoke'] : [];
}

/** Selects the actions of approvers: `extend` needs a scheduled disconnect. */
export function selectApprovalActions(record: ConnectionRecord): readonly ApprovalAction[] {
  if (computeApprovalKind(record) === 'new-connection') return requestActions;
  return connectedActions.filter((action) => action !== 'extend' || canBeExtended(record));
}

/**
 * The subject of an approval request: a new connection, a connected endpoint with a scheduled disconnect, or a connected endpoint
 * that only a decision disconnects.
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
  const isOpen = verdict !== undefined && isAwaitingApproval(record);
  // A block with a time asks nobody, and is scheduled all the same.
  const isScheduled = isOpen || (revocation !== undefined && verdict?.until !== undefined);
  if (isScheduled && verdict?.outcome === 'reject' && !revocation?.overQuota) return 'disconnect-scheduled';
  if (isOpen) return 'under-review';
  if (wasApprovalRequestedWhileConnected(record) && verdict?.outcome === 'accept') return 'kept';
  return state === 'available' ? 'connected' : 'accepting';
}

/** Whether the approval request is newer than linkgate's last AcceptVpcEndpointConnections call for the connection. */
function wasApprovalRequestedWhileConnected({
  approvalRequest,
  reevaluatedAt,
  acceptRequestedAt = '',
}: ConnectionRecord): boolean {
  return (
    approvalRequest !== undefined &&
    reevaluatedAt !== undefined &&
    approvalRequest.requestedAt > acceptRequestedAt
  );
}

function computeResolution(record: ConnectionRecord): ConnectionStatus['resolution'] {
  const { personDecision, verdict, revocation } = record;
  if (
    !verdict ||
    (verdict.outcome !== 'accept' && verdict.outcome !== 'reject') ||
    isAwaitingApproval(record)
  )
    return undefined;
  if (personDecision && matchesDecision(verdict, personDecision)) return toResolution(personDecision);
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
  // The decision about a disconnect with a grace period is due at its end.
  return { by, at: cause === 'policy' ? (verdict?.decidedAt ?? since) : since, reason, cause };
}

function toResolution({ by, at, reason, ticket }: Pick<PersonDecision, 'by' | 'at' | 'reason' | 'ticket'>) {
  return { by, at, ...(reason !== undefined && { reason }), ...(ticket !== undefined && { ticket }) };
}
