import type { AllowlistEntry } from '../allowlist/entry.ts';
import { type AuditAction, type AuditEvent, auditWrites, type PolicyVersions } from '../audit/audit.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import type { Write } from '../storage/table.ts';
import { isPaused, type Verdict } from '../verdicts/verdict.ts';
import { type ApprovalRequest, type EscalationStage, isExpiryRejection } from './approval-request.ts';
import {
  type ConnectionRecord,
  connectionEntity,
  isManagedByUs,
  newRecord,
  type PendingEffect,
} from './connection-record.ts';
import { recordIndexWrites } from './indexes.ts';
import {
  matchesDecision,
  type PersonDecision,
  pickRecordedDecisions,
  type RecordedDecisions,
} from './person-decision.ts';

/** A new version of a record, with its audit events. */
export interface Transition {
  readonly record: ConnectionRecord;
  readonly auditEvents: readonly AuditEvent[];
}

/** Builds the writes of a transition, for one transaction: record, audit entries, pointers. */
export function transitionWrites(
  before: ConnectionRecord | undefined,
  { record, auditEvents }: Transition,
  requestId: string,
): Write[] {
  const { auditCount, auditHead } = before ?? { auditCount: 0 };
  const trail = { endpointId: record.endpointId, auditCount, ...(auditHead && { auditHead }) };
  const audit = auditWrites(trail, auditEvents, requestId);
  return [
    connectionEntity.put({ ...record, ...audit.trail, version: (before?.version ?? 0) + 1 }, before),
    ...audit.writes,
    ...recordIndexWrites(before, record),
  ];
}

export interface DecisionContext {
  readonly decision?: PersonDecision | undefined;
  /** All decisions of people about the request, including the new one. */
  readonly personDecisions?: RecordedDecisions;
  /** The open or new approval request. */
  readonly approvalRequest?: ApprovalRequest | undefined;
  /** The allowlist entry that the decision writes. */
  readonly entry?: AllowlistEntry | undefined;
}

/** Applies a verdict to a request, by policy alone or with a person's decision. */
export function applyDecision(
  before: ConnectionRecord | undefined,
  request: Connection,
  verdict: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
  {
    decision,
    personDecisions = pickRecordedDecisions(before),
    approvalRequest = before?.approvalRequest,
    entry,
  }: DecisionContext = {},
): Transition {
  const {
    verdict: _verdict,
    pendingEffect: _pendingEffect,
    endedAt: _endedAt,
    missingSince: _missingSince,
    personDecision: _personDecision,
    approvals: _approvals,
    ...recordFields
  } = before ?? newRecord(request);
  const effect = nextPendingEffect(verdict, before);
  const isExpired = isExpiryRejection(verdict);
  const isNewApprovalRequest =
    approvalRequest !== undefined && approvalRequest.group !== before?.approvalRequest?.group;
  return {
    record: {
      ...recordFields,
      // Only record-connection-state records that a connection is connected.
      state: before && isConnected(request.state) ? before.state : request.state,
      verdict: buildStoredVerdict(verdict, policyVersions, now, personDecisions.personDecision),
      ...(effect && { pendingEffect: effect }),
      ...personDecisions,
      ...(approvalRequest && {
        approvalRequest: isExpired ? { ...approvalRequest, stage: 'expired' } : approvalRequest,
      }),
    },
    auditEvents: [
      ...(before ? [] : [requestedEvent(request)]),
      ...(approvalRequest && isExpired && approvalRequest.stage !== 'expired'
        ? [expiredEvent(approvalRequest, now)]
        : []),
      decisionEvent(verdict, policyVersions, now, decision, entry),
      ...(isNewApprovalRequest ? [approvalRequestedEvent(approvalRequest, now)] : []),
    ],
  };
}

/** Puts the decision about a connected endpoint on hold. A pending effect stays. */
export function holdConnected(
  before: ConnectionRecord,
  verdict: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
): Transition {
  return {
    record: { ...before, verdict: buildStoredVerdict(verdict, policyVersions, now) },
    auditEvents: [decisionEvent(verdict, policyVersions, now)],
  };
}

/** Records a rejection outside linkgate, with linkgate's own verdict for comparison and no effect. */
export function recordExternalRejection(
  connection: Connection,
  verdict: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
): Transition {
  return {
    record: { ...newRecord(connection), verdict: buildStoredVerdict(verdict, policyVersions, now) },
    auditEvents: [...discoveredEvents(connection, now), decisionEvent(verdict, policyVersions, now)],
  };
}

export function buildStoredVerdict(
  verdict: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
  personDecision?: PersonDecision,
) {
  const decidedBy =
    personDecision && matchesDecision(verdict, personDecision) ? personDecision.by : 'linkgate';
  return { ...verdict, decidedAt: now.toISOString(), decidedBy, policyVersions };
}

export function decisionEvent(
  { outcome, findings }: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
  decision?: PersonDecision,
  entry?: AllowlistEntry,
): AuditEvent {
  return {
    time: now.toISOString(),
    actor: decision?.by ?? 'linkgate',
    action: decisionAction(decision),
    outcome,
    findings,
    policyVersions,
    ...(decision?.reason !== undefined && { reason: decision.reason }),
    ...(decision?.ticket !== undefined && { ticket: decision.ticket }),
    ...(decision?.customerMessage !== undefined && { customerMessage: decision.customerMessage }),
    ...(entry && { entry: { effect: entry.effect, ...(entry.expiresAt && { expiresAt: entry.expiresAt }) } }),
  };
}

export function approvalRequestedEvent({ group, deadline }: ApprovalRequest, now: Date): AuditEvent {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'approval-requested',
    reason: `the approver group ${group}, until ${deadline}`,
  };
}

/** Builds the audit event of a deadline that passed without a decision. */
function expiredEvent({ deadline }: ApprovalRequest, now: Date, andNow = ''): AuditEvent {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'expired',
    reason: `nobody decided before ${deadline}${andNow}`,
  };
}

/**
 * Moves an open approval request to the next escalation stage.
 * @param escalation the group that linkgate notifies in addition to the asked group, if there is one.
 */
export function advanceStage(
  before: ConnectionRecord & { readonly approvalRequest: ApprovalRequest },
  stage: EscalationStage,
  escalation: string | undefined,
  now: Date,
): Transition {
  const { approvalRequest } = before;
  const auditEvent =
    stage === 'expired'
      ? expiredEvent(
          approvalRequest,
          now,
          isConnected(before.state)
            ? '; it stays connected until somebody decides'
            : '; it stays open while EC2 shows it pending acceptance',
        )
      : escalationEvent(approvalRequest, stage === 'escalated' ? escalation : undefined, now);
  return { record: { ...before, approvalRequest: { ...approvalRequest, stage } }, auditEvents: [auditEvent] };
}

function escalationEvent(
  { group, deadline }: ApprovalRequest,
  escalation: string | undefined,
  now: Date,
): AuditEvent {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: escalation === undefined ? 'reminded' : 'escalated',
    reason: `the approver group ${escalation ?? group}, until ${deadline}`,
  };
}

/** Records a call of Accept or Reject that EC2 did not refuse. */
export function markRequested(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  now: Date,
): Transition {
  const time = now.toISOString();
  return {
    record: countAttempt(before, action, time),
    auditEvents: [{ time, actor: 'linkgate', action: 'applying', outcome: action }],
  };
}

/** Records that EC2 refused the call, with the reason. linkgate retries later. */
export function markRefused(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  why: string,
  now: Date,
): Transition {
  const time = now.toISOString();
  return {
    record: countAttempt(before, action, time),
    auditEvents: [{ time, actor: 'ec2', action: 'refused', outcome: action, reason: why }],
  };
}

/** Drops the pending effect and the approval request, because the service is no longer registered. */
export function markDeregistered(record: ConnectionRecord, now: Date): Transition {
  // The deregistration of the service also cancels a scheduled disconnect and a person's revocation.
  const {
    pendingEffect,
    revocation: _revocation,
    revokeOrder: _revokeOrder,
    extended: _extended,
    ...before
  } = record;
  const auditEvent: AuditEvent = {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'refused',
    reason: 'the service is no longer registered',
    ...(pendingEffect && { outcome: pendingEffect.action }),
  };
  const isAbandoned = before.state === 'pendingAcceptance' || isConnected(before.state);
  return {
    record: { ...before, ...(isAbandoned && { serviceDeregisteredAt: now.toISOString() }) },
    auditEvents: [auditEvent],
  };
}

/** Counts the call if its action is still pending, and records the time of a call of Accept in any case. */
function countAttempt(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  time: string,
): ConnectionRecord {
  const { pendingEffect } = before;
  return {
    ...before,
    ...(pendingEffect?.action === action && {
      pendingEffect: { action, attempts: pendingEffect.attempts + 1, lastAttemptAt: time },
    }),
    ...(action === 'accept' && { acceptRequestedAt: time }),
  };
}

/** Records that a full sweep did not list the connection. The second one in a row ends it. */
export function markMissing(before: ConnectionRecord, passStartedAt: string, now: Date): Transition {
  if (before.missingSince === undefined)
    return { record: { ...before, missingSince: passStartedAt }, auditEvents: [] };
  const { pendingEffect: _pendingEffect, missingSince: _missingSince, ...rest } = before;
  const time = now.toISOString();
  return {
    record: { ...rest, state: 'deleted', endedAt: time, observedAt: passStartedAt },
    auditEvents: [
      { time, actor: 'ec2', action: 'deleted', reason: 'EC2 did not list it in two full sweeps' },
    ],
  };
}

/**
 * Builds the effect of a verdict. An effect with the same action keeps its attempts. During a pause a pending disconnect stays
 * pending, because no later event would restore it.
 */
function nextPendingEffect(
  verdict: Verdict,
  before: ConnectionRecord | undefined,
): PendingEffect | undefined {
  const { outcome } = verdict;
  if (before && isPaused(verdict) && isManagedByUs(before)) return before.pendingEffect;
  if (outcome !== 'accept' && outcome !== 'reject') return undefined;
  return before?.pendingEffect?.action === outcome ? before.pendingEffect : { action: outcome, attempts: 0 };
}

function decisionAction(decision: PersonDecision | undefined): AuditAction {
  if (!decision) return 'decided';
  return decision.decision === 'approve' ? 'approved' : 'denied';
}

/** Builds the audit events of a connection that others answered before linkgate saw it. */
export function discoveredEvents(connection: Connection, now: Date): AuditEvent[] {
  const { state } = connection;
  const time = now.toISOString();
  const reason =
    'it was answered before linkgate decided: by somebody else, or because the service does not require acceptance';
  return [requestedEvent(connection), { time, actor: 'ec2', action: 'observed', state, reason }];
}

function requestedEvent(request: Connection): AuditEvent {
  return {
    time: request.requestedAt,
    actor: `account ${request.ownerAccountId}`,
    action: 'requested',
    state: 'pendingAcceptance',
  };
}
