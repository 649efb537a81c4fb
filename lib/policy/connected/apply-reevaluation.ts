import type { AuditEvent, PolicyVersions } from '../../audit/audit.ts';
import { type ApprovalRequest, computeDeadline } from '../../connections/approval-request.ts';
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
import { primaryReason, type Verdict } from '../../verdicts/verdict.ts';
import type { ConnectedDecision } from './decide-connected.ts';

/** Applies a decision about a connected endpoint: linkgate keeps it, disconnects it now or later, or requests approval. */
export function applyReevaluation(
  before: ConnectionRecord | undefined,
  connection: Connection,
  { verdict, revocation, grandfathered, expiryWarning }: ConnectedDecision,
  policyVersions: PolicyVersions,
  service: Service,
  now: Date,
  {
    decision,
    personDecisions = pickRecordedDecisions(before),
    entry,
  }: Omit<DecisionContext, 'approvalRequest'> = {},
): Transition {
  const {
    verdict: _verdict,
    pendingEffect,
    revocation: _revocation,
    grandfathered: _grandfathered,
    expiryWarning: _expiryWarning,
    revokeOrder,
    extended,
    personDecision: _personDecision,
    approvals: _approvals,
    endedAt: _endedAt,
    missingSince: _missingSince,
    ...recordFields
  } = before ?? newRecord(connection);
  const shouldDisconnect =
    revocation !== undefined && verdict.outcome === 'reject' && verdict.until === undefined;
  const isScheduled = revocation !== undefined && verdict.outcome !== 'hold' && !shouldDisconnect;
  const requiresApproval = isAboutExternalAccept(verdict) || (isScheduled && !isBlockedByRule(verdict));
  const approvalRequest = requiresApproval
    ? connectedApprovalRequest(before, verdict, revocation, service, now)
    : before?.approvalRequest;
  const isNewApprovalRequest =
    approvalRequest !== undefined && approvalRequest.version !== before?.approvalRequest?.version;
  const isCancelled = before?.revocation !== undefined && revocation === undefined;
  const due: PendingEffect | undefined =
    shouldDisconnect && pendingEffect?.action !== 'reject'
      ? { action: 'reject', attempts: 0 }
      : pendingEffect;
  return {
    record: {
      ...recordFields,
      verdict: buildStoredVerdict(verdict, policyVersions, now, personDecisions.personDecision),
      ...((shouldDisconnect || verdict.outcome === 'hold') && due && { pendingEffect: due }),
      ...(isNewApprovalRequest ? {} : personDecisions),
      ...(approvalRequest && { approvalRequest }),
      ...(revocation && { revocation }),
      ...(grandfathered && { grandfathered }),
      ...(expiryWarning && { expiryWarning }),
      reevaluatedAt: now.toISOString(),
      ...(verdict.outcome === 'accept' &&
        !grandfathered && { allowedSince: recordFields.allowedSince ?? now.toISOString() }),
      // An extension applies to only one scheduled disconnect.
      ...(extended && verdict.outcome !== 'accept' && { extended }),
      // A person's revocation stays until somebody approves the connection.
      ...(revokeOrder && personDecisions.personDecision?.decision !== 'approve' && { revokeOrder }),
    },
    auditEvents: [
      ...(before ? [] : discoveredEvents(connection, now)),
      ...reevaluationAuditEvents(
        before,
        { verdict, ...(revocation && { revocation }), ...(grandfathered && { grandfathered }) },
        now,
        {
          buildDecisionEvent: () => decisionEvent(verdict, policyVersions, now, decision, entry),
          isPersonDecision: decision !== undefined,
          isCancelled,
        },
      ),
      ...(expiryWarning && expiryWarning.daysBefore !== before?.expiryWarning?.daysBefore
        ? [expiryWarningEvent(verdict, expiryWarning, now)]
        : []),
      ...(isNewApprovalRequest ? [approvalRequestedEvent(approvalRequest, now)] : []),
    ],
  };
}

/** Builds the audit events of a re-evaluation: one, or none if only the policy versions changed. */
function reevaluationAuditEvents(
  before: ConnectionRecord | undefined,
  { verdict, revocation, grandfathered }: ConnectedDecision,
  now: Date,
  {
    buildDecisionEvent,
    isPersonDecision,
    isCancelled,
  }: {
    readonly buildDecisionEvent: () => AuditEvent;
    readonly isPersonDecision: boolean;
    readonly isCancelled: boolean;
  },
): AuditEvent[] {
  const time = now.toISOString();
  const begins = revocation !== undefined && revocation.since !== before?.revocation?.since;
  if (isPersonDecision) return [buildDecisionEvent()];
  if (begins) {
    const { by, disconnectAt } = revocation;
    return [
      {
        ...buildDecisionEvent(),
        actor: by,
        action: 'disconnect-scheduled',
        reason: primaryReason(verdict),
        disconnectAt,
      },
    ];
  }
  if (isCancelled)
    return [
      {
        ...buildDecisionEvent(),
        action: 'extended',
        reason: `${primaryReason(verdict)}: it stays connected`,
      },
    ];
  if (grandfathered && !before?.grandfathered && verdict.outcome === 'accept')
    return [
      {
        time,
        actor: grandfathered.by,
        action: 'grandfathered',
        ...(grandfathered.reason !== undefined && { reason: grandfathered.reason }),
      },
    ];
  return verdict.outcome === before?.verdict?.outcome ? [] : [buildDecisionEvent()];
}

/** Continues the approval request, or starts a new one for a new question. */
function connectedApprovalRequest(
  before: ConnectionRecord | undefined,
  verdict: Verdict,
  revocation: ConnectedDecision['revocation'],
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
    return {
      group: service.approvers,
      requestedAt: now.toISOString(),
      deadline,
      version: before?.version ?? 0,
      stage: 'approval-requested',
    };
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
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'expiry-warned',
    reason: `${primaryReason(verdict)}, until ${until}`,
    disconnectAt: until,
  };
}

/** Cancels a disconnect scheduled before somebody changed the SSM parameter of the mode. linkgate schedules it again. */
export function cancelUnannouncedDisconnect(record: ConnectionRecord, now: Date): Transition {
  const { pendingEffect: _pendingEffect, revocation, ...before } = record;
  if (revocation?.cause !== 'policy') return { record, auditEvents: [] };
  return {
    record: before,
    auditEvents: [disconnectRefusedEvent('the mode was switched after the disconnect was scheduled', now)],
  };
}

/** Drops a due disconnect because the disconnect quota is used up, and requests approval. */
export function markOverQuota(record: ConnectionRecord, now: Date): Transition {
  const { pendingEffect: _pendingEffect, ...before } = record;
  const { revocation } = before;
  if (revocation?.cause !== 'policy' || revocation.overQuota) return { record, auditEvents: [] };
  return {
    record: { ...before, revocation: { ...revocation, overQuota: true } },
    auditEvents: [disconnectRefusedEvent('the disconnect quota of 24 hours is used up', now)],
  };
}

function disconnectRefusedEvent(reason: string, now: Date): AuditEvent {
  return { time: now.toISOString(), actor: 'linkgate', action: 'refused', outcome: 'reject', reason };
}
