import { type AuditEvent, auditEvent, type PolicyVersions } from '../../audit/audit.ts';
import {
  type ApprovalRequest,
  computeDeadline,
  newApprovalRequest,
} from '../../connections/approval-request.ts';
import { isAboutExternalAccept, isBlockedByRule } from '../../connections/connected-state.ts';
import {
  type ConnectionRecord,
  isAwaitingApproval,
  newRecord,
  type PendingEffect,
} from '../../connections/connection-record.ts';
import { pickRecordedDecisions } from '../../connections/person-decision.ts';
import {
  approvalRequestedEvent,
  buildStoredVerdict,
  type DecisionContext,
  decisionEvent,
  discoveredEvents,
  type Transition,
} from '../../connections/transition.ts';
import type { Connection } from '../../privatelink/connection.ts';
import type { Service } from '../../services/service.ts';
import { omit } from '../../values/omit.ts';
import { primaryReason, type Verdict } from '../../verdicts/verdict.ts';
import type { ConnectedDecision } from './decide-connected.ts';

/** Applies a decision about a connected endpoint: linkgate keeps it, disconnects it now or later, or requests approval. */
export function applyReevaluation(
  before: ConnectionRecord | undefined,
  connection: Connection,
  connectedDecision: ConnectedDecision,
  policyVersions: PolicyVersions,
  service: Service,
  now: Date,
  {
    decision,
    personDecisions = pickRecordedDecisions(before),
    entry,
  }: Omit<DecisionContext, 'approvalRequest'> = {},
): Transition {
  const { verdict, grandfathered, expiryWarning } = connectedDecision;
  const approvalRequest = needsApproval(connectedDecision)
    ? connectedApprovalRequest(before, connectedDecision, service, now)
    : before?.approvalRequest;
  const isNewApprovalRequest =
    approvalRequest !== undefined && approvalRequest.version !== before?.approvalRequest?.version;
  const record = {
    ...reevaluatedRecord(before ?? newRecord(connection), connectedDecision, now),
    verdict: buildStoredVerdict(verdict, policyVersions, now, personDecisions.personDecision),
    ...(isNewApprovalRequest ? {} : personDecisions),
    ...(approvalRequest && { approvalRequest }),
    // A person's revocation stays until somebody approves the connection.
    ...(before?.revokeOrder &&
      personDecisions.personDecision?.decision !== 'approve' && { revokeOrder: before.revokeOrder }),
    ...(verdict.outcome === 'accept' &&
      !grandfathered && { allowedSince: before?.allowedSince ?? now.toISOString() }),
  };
  const decided = decisionEvent(verdict, policyVersions, now, decision, entry);
  return {
    record,
    auditEvents: [
      ...(before ? [] : discoveredEvents(connection, now)),
      ...(decision ? [decided] : reevaluationAuditEvents(before, connectedDecision, decided, now)),
      ...(expiryWarning && expiryWarning.daysBefore !== before?.expiryWarning?.daysBefore
        ? [expiryWarningEvent(verdict, expiryWarning, now)]
        : []),
      ...(isNewApprovalRequest ? [approvalRequestedEvent(approvalRequest, now)] : []),
    ],
  };
}

/** Whether linkgate disconnects the endpoint now. */
function isDisconnectDue({ verdict, revocation }: ConnectedDecision): boolean {
  return revocation !== undefined && verdict.outcome === 'reject' && verdict.until === undefined;
}

/** Whether approvers decide about an accept outside linkgate, or about a scheduled disconnect. */
function needsApproval(connectedDecision: ConnectedDecision): boolean {
  const { verdict, revocation } = connectedDecision;
  if (isAboutExternalAccept(verdict)) return true;
  const isScheduled = revocation !== undefined && verdict.outcome !== 'hold';
  return isScheduled && !isDisconnectDue(connectedDecision) && !isBlockedByRule(verdict);
}

/** Replaces the attributes of a record that policy alone decides. */
function reevaluatedRecord(
  before: ConnectionRecord,
  connectedDecision: ConnectedDecision,
  now: Date,
): ConnectionRecord {
  const { verdict, revocation, grandfathered, expiryWarning } = connectedDecision;
  const { pendingEffect, extended, ...recordFields } = omit(
    before,
    'verdict',
    'revocation',
    'grandfathered',
    'expiryWarning',
    'revokeOrder',
    'personDecision',
    'approvals',
    'endedAt',
    'missingSince',
  );
  const isDue = isDisconnectDue(connectedDecision);
  const effect: PendingEffect | undefined =
    isDue && pendingEffect?.action !== 'reject' ? { action: 'reject', attempts: 0 } : pendingEffect;
  return {
    ...recordFields,
    ...((isDue || verdict.outcome === 'hold') && effect && { pendingEffect: effect }),
    ...(revocation && { revocation }),
    ...(grandfathered && { grandfathered }),
    ...(expiryWarning && { expiryWarning }),
    reevaluatedAt: now.toISOString(),
    // An extension applies to only one scheduled disconnect.
    ...(extended && verdict.outcome !== 'accept' && { extended }),
  };
}

/** Builds the audit events of a re-evaluation by policy: one, or none if only the policy versions changed. */
function reevaluationAuditEvents(
  before: ConnectionRecord | undefined,
  { verdict, revocation, grandfathered }: ConnectedDecision,
  decided: AuditEvent,
  now: Date,
): AuditEvent[] {
  const reason = primaryReason(verdict);
  if (revocation && revocation.since !== before?.revocation?.since) {
    const { by: actor, disconnectAt } = revocation;
    return [{ ...decided, actor, action: 'disconnect-scheduled', reason, disconnectAt }];
  }
  if (before?.revocation && !revocation)
    return [{ ...decided, action: 'extended', reason: `${reason}: it stays connected` }];
  if (grandfathered && !before?.grandfathered && verdict.outcome === 'accept')
    return [auditEvent(grandfathered.by, 'grandfathered', now, pickReason(grandfathered))];
  return verdict.outcome === before?.verdict?.outcome ? [] : [decided];
}

function pickReason({ reason }: { readonly reason?: string }) {
  return reason === undefined ? {} : { reason };
}

/** Continues the approval request, or starts a new one for a new question. */
function connectedApprovalRequest(
  before: ConnectionRecord | undefined,
  { verdict, revocation }: ConnectedDecision,
  service: Service,
  now: Date,
): ApprovalRequest {
  const isForTime = verdict.outcome === 'reject' && revocation !== undefined;
  const deadline = isForTime ? revocation.disconnectAt : computeDeadline(service, now);
  const ongoingRequest =
    before?.approvalRequest !== undefined &&
    isAwaitingApproval(before) &&
    !(before.verdict?.outcome === 'reject' && verdict.outcome === 'ask');
  if (!ongoingRequest || !before.approvalRequest)
    return newApprovalRequest(service, before?.version ?? 0, deadline, now);
  const goingOn = { ...before.approvalRequest, group: service.approvers };
  if (!isForTime || deadline === goingOn.deadline) return goingOn;
  // A new deadline restarts the stages, so that approvers get reminders again.
  return { ...goingOn, deadline, requestedAt: now.toISOString(), stage: 'approval-requested' };
}

function expiryWarningEvent(
  verdict: Verdict,
  { until }: NonNullable<ConnectedDecision['expiryWarning']>,
  now: Date,
): AuditEvent {
  const reason = `${primaryReason(verdict)}, until ${until}`;
  return auditEvent('linkgate', 'expiry-warned', now, { reason, disconnectAt: until });
}

/** Cancels a disconnect scheduled before somebody changed the SSM parameter of the mode. linkgate schedules it again. */
export function cancelUnannouncedDisconnect(record: ConnectionRecord, now: Date): Transition {
  if (record.revocation?.cause !== 'policy') return { record, auditEvents: [] };
  return {
    record: omit(record, 'pendingEffect', 'revocation'),
    auditEvents: [disconnectRefusedEvent('the mode was switched after the disconnect was scheduled', now)],
  };
}

/** Drops a due disconnect because the disconnect quota is used up, and requests approval. */
export function markOverQuota(record: ConnectionRecord, now: Date): Transition {
  const { revocation } = record;
  if (revocation?.cause !== 'policy' || revocation.overQuota) return { record, auditEvents: [] };
  return {
    record: { ...omit(record, 'pendingEffect'), revocation: { ...revocation, overQuota: true } },
    auditEvents: [disconnectRefusedEvent('the disconnect quota of 24 hours is used up', now)],
  };
}

function disconnectRefusedEvent(reason: string, now: Date): AuditEvent {
  return auditEvent('linkgate', 'refused', now, { outcome: 'reject', reason });
}
