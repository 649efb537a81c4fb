import type { AllowlistEntry } from '../allowlist/entry.ts';
import {
  type AuditAction,
  type AuditEvent,
  auditEvent,
  auditWrites,
  type PolicyVersions,
} from '../audit/audit.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import type { Write } from '../storage/table.ts';
import { omit } from '../values/omit.ts';
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
  const effect = nextPendingEffect(verdict, before);
  const isExpired = isExpiryRejection(verdict);
  const isNewApprovalRequest =
    approvalRequest !== undefined && approvalRequest.group !== before?.approvalRequest?.group;
  return {
    record: {
      ...omit(
        before ?? newRecord(request),
        'verdict',
        'pendingEffect',
        'endedAt',
        'missingSince',
        'personDecision',
        'approvals',
      ),
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
  return auditEvent(decision?.by ?? 'linkgate', decisionAction(decision), now, {
    outcome,
    findings,
    policyVersions,
    ...(decision?.reason !== undefined && { reason: decision.reason }),
    ...(decision?.ticket !== undefined && { ticket: decision.ticket }),
    ...(decision?.customerMessage !== undefined && { customerMessage: decision.customerMessage }),
    ...(entry && { entry: { effect: entry.effect, ...(entry.expiresAt && { expiresAt: entry.expiresAt }) } }),
  });
}

export function approvalRequestedEvent({ group, deadline }: ApprovalRequest, now: Date): AuditEvent {
  const reason = `the approver group ${group}, until ${deadline}`;
  return auditEvent('linkgate', 'approval-requested', now, { reason });
}

/** Builds the audit event of a deadline that passed without a decision. */
function expiredEvent({ deadline }: ApprovalRequest, now: Date, andNow = ''): AuditEvent {
  return auditEvent('linkgate', 'expired', now, { reason: `nobody decided before ${deadline}${andNow}` });
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
  const { group, deadline } = approvalRequest;
  const isEscalated = stage === 'escalated' && escalation !== undefined;
  const reason = `the approver group ${isEscalated ? escalation : group}, until ${deadline}`;
  const stillOpen = isConnected(before.state)
    ? '; it stays connected until somebody decides'
    : '; it stays open while EC2 shows it pending acceptance';
  return {
    record: { ...before, approvalRequest: { ...approvalRequest, stage } },
    auditEvents: [
      stage === 'expired'
        ? expiredEvent(approvalRequest, now, stillOpen)
        : auditEvent('linkgate', isEscalated ? 'escalated' : 'reminded', now, { reason }),
    ],
  };
}

/** Records a call of Accept or Reject that EC2 did not refuse. */
export function markRequested(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  now: Date,
): Transition {
  return {
    record: countAttempt(before, action, now),
    auditEvents: [auditEvent('linkgate', 'applying', now, { outcome: action })],
  };
}

/** Records that EC2 refused the call, with the reason. linkgate retries later. */
export function markRefused(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  reason: string,
  now: Date,
): Transition {
  return {
    record: countAttempt(before, action, now),
    auditEvents: [auditEvent('ec2', 'refused', now, { outcome: action, reason })],
  };
}

/** Drops the pending effect and the approval request, because the service is no longer registered. */
export function markDeregistered(record: ConnectionRecord, now: Date): Transition {
  // The deregistration of the service also cancels a scheduled disconnect and a person's revocation.
  const { pendingEffect, ...before } = omit(record, 'revocation', 'revokeOrder', 'extended');
  const isAbandoned = before.state === 'pendingAcceptance' || isConnected(before.state);
  return {
    record: { ...before, ...(isAbandoned && { serviceDeregisteredAt: now.toISOString() }) },
    auditEvents: [
      auditEvent('linkgate', 'refused', now, {
        reason: 'the service is no longer registered',
        ...(pendingEffect && { outcome: pendingEffect.action }),
      }),
    ],
  };
}

/** Counts the call if its action is still pending, and records the time of a call of Accept in any case. */
function countAttempt(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  now: Date,
): ConnectionRecord {
  const { pendingEffect } = before;
  const time = now.toISOString();
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
  const rest = omit(before, 'pendingEffect', 'missingSince');
  const reason = 'EC2 did not list it in two full sweeps';
  return {
    record: { ...rest, state: 'deleted', endedAt: now.toISOString(), observedAt: passStartedAt },
    auditEvents: [auditEvent('ec2', 'deleted', now, { reason })],
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
  const reason =
    'it was answered before linkgate decided: by somebody else, or because the service does not require acceptance';
  return [requestedEvent(connection), auditEvent('ec2', 'observed', now, { state, reason })];
}

function requestedEvent({ ownerAccountId, requestedAt }: Connection): AuditEvent {
  const actor = `account ${ownerAccountId}`;
  return { time: requestedAt, actor, action: 'requested', state: 'pendingAcceptance' };
}
