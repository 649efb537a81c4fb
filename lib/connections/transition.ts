import type { AllowlistEntry } from '../allowlist/entry.ts';
import { type AuditAction, type AuditEvent, auditWrites, type PolicyVersions } from '../audit/audit.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import type { Write } from '../storage/table.ts';
import { isPaused, type Verdict } from '../verdicts/verdict.ts';
import { type ApprovalRequest, type EscalationStage, isExpiryRejection } from './approval-request.ts';
import { awaitingApprovalWrites } from './awaiting-approval.ts';
import {
  type ConnectionRecord,
  isManagedByUs,
  newRecord,
  type PendingEffect,
  recordItem,
} from './connection-record.ts';
import { byAccountWrites } from './connections-by-account.ts';
import { pendingEffectWrites } from './pending-effects.ts';
import {
  matchesDecision,
  type PersonDecision,
  pickRecordedDecisions,
  type RecordedDecisions,
} from './person-decision.ts';
import { reevaluationWrites } from './reevaluations.ts';

/** A change of a record, and what happened that is to be remembered. */
export interface Transition {
  readonly record: ConnectionRecord;
  readonly auditEvents: readonly AuditEvent[];
}

/** The writes of a transition: record, audit entries and the pointers to the record, for one transaction. */
export function transitionWrites(
  before: ConnectionRecord | undefined,
  { record, auditEvents }: Transition,
  requestId: string,
): Write[] {
  const { auditCount, auditHead } = before ?? { auditCount: 0 };
  const trail = { endpointId: record.endpointId, auditCount, ...(auditHead && { auditHead }) };
  const audit = auditWrites(trail, auditEvents, requestId);
  return [
    {
      put: recordItem({ ...record, ...audit.trail, version: (before?.version ?? 0) + 1 }),
      expected: before?.version ?? 0,
    },
    ...audit.writes,
    ...pendingEffectWrites(before, record),
    ...awaitingApprovalWrites(before, record),
    ...byAccountWrites(before, record),
    ...reevaluationWrites(before, record),
  ];
}

export interface DecisionContext {
  readonly word?: PersonDecision | undefined;
  /** All that people have said of it, `word` included. */
  readonly personDecisions?: RecordedDecisions;
  /** The asking that goes on, or begins now. */
  readonly approvalRequest?: ApprovalRequest | undefined;
  /** What the word made of the account's entry in the allowlist. */
  readonly entry?: AllowlistEntry | undefined;
}

/** A request was decided, by policy alone or with a person's word. */
export function applyDecision(
  before: ConnectionRecord | undefined,
  request: Connection,
  verdict: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
  {
    word,
    personDecisions = pickRecordedDecisions(before),
    approvalRequest = before?.approvalRequest,
    entry,
  }: DecisionContext = {},
): Transition {
  const {
    verdict: _verdict,
    pendingEffect: _effect,
    endedAt: _goneAt,
    missingSince: _missingSince,
    approval: _approval,
    approvals: _approvals,
    notification,
    ...known
  } = before ?? newRecord(request);
  const effect = effectOf(verdict, before);
  const isExpired = isExpiryRejection(verdict);
  const isAskedAnew =
    approvalRequest !== undefined && approvalRequest.group !== before?.approvalRequest?.group;
  // Among others of the group that was asked before nobody of the new one would see it.
  const isLeft = isAskedAnew && notification?.digestId !== undefined;
  return {
    record: {
      ...known,
      // Deciding is not observing: that it is live already is recorded when it is tended.
      state: before && isConnected(request.state) ? before.state : request.state,
      verdict: buildStoredVerdict(verdict, policyVersions, now, personDecisions.approval),
      ...(effect && { pendingEffect: effect }),
      ...personDecisions,
      ...(approvalRequest && {
        approvalRequest: isExpired ? { ...approvalRequest, stage: 'expired' } : approvalRequest,
      }),
      ...(notification && !isLeft && { notification }),
    },
    auditEvents: [
      ...(before ? [] : [requested(request)]),
      ...(approvalRequest && isExpired && approvalRequest.stage !== 'expired'
        ? [expired(approvalRequest, now)]
        : []),
      decisionEvent(verdict, policyVersions, now, word, entry),
      ...(isAskedAnew ? [approvalRequestedEvent(approvalRequest, now)] : []),
    ],
  };
}

/** What becomes of a connection that lives cannot be decided for now: what was to become of it stays due. */
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

/** What was rejected before linkgate knew of it has a verdict to hold against that answer, and nothing is due. */
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

/** It is asked about in a new message; the one of before has yet to lose its buttons, or to say so. */
export function resetNotification(
  before: ConnectionRecord['notification'],
): Pick<ConnectionRecord, 'notification'> {
  return before?.slackMessage
    ? { notification: { emailedTo: [], previousSlackMessage: before.slackMessage } }
    : {};
}

export function buildStoredVerdict(
  verdict: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
  approval?: PersonDecision,
) {
  const decidedBy = approval && matchesDecision(verdict, approval) ? approval.by : 'linkgate';
  return { ...verdict, decidedAt: now.toISOString(), decidedBy, policyVersions };
}

export function decisionEvent(
  { outcome, findings }: Verdict,
  policyVersions: PolicyVersions,
  now: Date,
  word?: PersonDecision,
  entry?: AllowlistEntry,
): AuditEvent {
  return {
    time: now.toISOString(),
    actor: word?.by ?? 'linkgate',
    action: actionOf(word),
    outcome,
    findings,
    policyVersions,
    ...(word?.reason !== undefined && { reason: word.reason }),
    ...(word?.ticket !== undefined && { ticket: word.ticket }),
    ...(word?.customerMessage !== undefined && { customerMessage: word.customerMessage }),
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

/** Nobody decided it in time. */
function expired({ deadline }: ApprovalRequest, now: Date, andNow = ''): AuditEvent {
  return {
    time: now.toISOString(),
    actor: 'linkgate',
    action: 'expired',
    reason: `nobody decided it before ${deadline}${andNow}`,
  };
}

/**
 * An open request that nobody decides has come to the next stage of its time.
 * @param escalation the group that is called upon beside the one that was asked, where there is one.
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
      ? expired(
          approvalRequest,
          now,
          isConnected(before.state)
            ? '; it stays connected until somebody decides'
            : '; it stays open while EC2 shows it waiting',
        )
      : calledUpon(approvalRequest, stage === 'escalated' ? escalation : undefined, now);
  return { record: { ...before, approvalRequest: { ...approvalRequest, stage } }, auditEvents: [auditEvent] };
}

function calledUpon(
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

/** EC2 was asked to accept or reject, and took it, as far as is known. */
export function markRequested(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  now: Date,
): Transition {
  const time = now.toISOString();
  return {
    record: called(before, action, time),
    auditEvents: [{ time, actor: 'linkgate', action: 'applying', outcome: action }],
  };
}

/** EC2 answered that it would not do it. It is asked again later; a person reads why in the history. */
export function markRefused(
  before: ConnectionRecord,
  action: PendingEffect['action'],
  why: string,
  now: Date,
): Transition {
  const time = now.toISOString();
  return {
    record: called(before, action, time),
    auditEvents: [{ time, actor: 'ec2', action: 'refused', outcome: action, reason: why }],
  };
}

/** The service was unregistered before EC2 was brought to the verdict, or before people had decided. */
export function markDeregistered(known: ConnectionRecord, now: Date): Transition {
  // What was announced or said of it does not hold where its service is registered again one day.
  const { pendingEffect, revocation: _revocation, revokeOrder: _revoked, extended: _kept, ...before } = known;
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

/** What is due may be something else by now; what EC2 was asked for it was asked for all the same. */
function called(before: ConnectionRecord, action: PendingEffect['action'], time: string): ConnectionRecord {
  const { pendingEffect } = before;
  return {
    ...before,
    ...(pendingEffect?.action === action && {
      pendingEffect: { action, attempts: pendingEffect.attempts + 1, lastAttemptAt: time },
    }),
    ...(action === 'accept' && { acceptRequestedAt: time }),
  };
}

/** A whole pass did not list the connection; the second one in a row says that it is gone. */
export function markMissing(before: ConnectionRecord, passStartedAt: string, now: Date): Transition {
  if (before.missingSince === undefined)
    return { record: { ...before, missingSince: passStartedAt }, auditEvents: [] };
  const { pendingEffect: _effect, missingSince: _missingSince, ...rest } = before;
  const time = now.toISOString();
  return {
    record: { ...rest, state: 'deleted', endedAt: time, observedAt: passStartedAt },
    auditEvents: [
      { time, actor: 'ec2', action: 'deleted', reason: 'EC2 did not list it in two whole passes' },
    ],
  };
}

/**
 * What the verdict wants of EC2; that it was asked for already is not forgotten. What linkgate is to take back stays due while
 * something stops its service: nothing else leads back to what lives.
 */
function effectOf(verdict: Verdict, before: ConnectionRecord | undefined): PendingEffect | undefined {
  const { outcome } = verdict;
  if (before && isPaused(verdict) && isManagedByUs(before)) return before.pendingEffect;
  if (outcome !== 'accept' && outcome !== 'reject') return undefined;
  return before?.pendingEffect?.action === outcome ? before.pendingEffect : { action: outcome, attempts: 0 };
}

function actionOf(word: PersonDecision | undefined): AuditAction {
  if (!word) return 'decided';
  return word.decision === 'approve' ? 'approved' : 'denied';
}

/** What somebody else answered before linkgate knew of it. */
export function discoveredEvents(connection: Connection, now: Date): AuditEvent[] {
  const { state } = connection;
  const time = now.toISOString();
  const reason =
    'it was so before linkgate decided it: somebody was faster, or the service accepts by itself';
  return [requested(connection), { time, actor: 'ec2', action: 'observed', state, reason }];
}

function requested(request: Connection): AuditEvent {
  return {
    time: request.requestedAt,
    actor: `account ${request.ownerAccountId}`,
    action: 'requested',
    state: 'pendingAcceptance',
  };
}
