import { type AuditAction, type AuditEvent, auditEvent } from '../audit/audit.ts';
import { type Connection, isConnected, isEnded } from '../privatelink/connection.ts';
import { omit } from '../values/omit.ts';
import {
  acceptMayBeInFlight,
  type ConnectionRecord,
  isFulfilledBy,
  isManagedByUs,
  isRightlyAnswered,
  mayBeOutdated,
  newRecord,
} from './connection-record.ts';
import type { Transition } from './transition.ts';

/** A connection in EC2, with the time of the describe call (ISO 8601). */
export interface DescribedConnection {
  readonly connection: Connection;
  readonly observedAt: string;
}

/**
 * Records a state that EC2 shows.
 * @param registeredAt ISO 8601: linkgate records older connections and does not change them.
 * @returns undefined if nothing changed.
 */
export function recordState(
  before: ConnectionRecord | undefined,
  sighting: DescribedConnection,
  registeredAt: string,
  now: Date,
): Transition | undefined {
  return before ? updateState(before, sighting, now) : firstState(sighting, registeredAt, now);
}

function firstState(
  { connection, observedAt }: DescribedConnection,
  registeredAt: string,
  now: Date,
): Transition | undefined {
  const { state, requestedAt } = connection;
  if (isEnded(state)) return undefined;
  const reason =
    requestedAt < registeredAt
      ? 'older than the registration of the service'
      : 'linkgate first saw it after it was answered';
  return {
    record: { ...newRecord(connection), observedAt },
    auditEvents: [auditEvent('linkgate', 'observed', now, { state, reason })],
  };
}

function updateState(
  before: ConnectionRecord,
  { connection: { state }, observedAt }: DescribedConnection,
  now: Date,
): Transition | undefined {
  if (isOutdatedDescription(before, state, observedAt)) return undefined;
  const { missingSince } = before;
  const time = now.toISOString();
  // A time in the future would make all later events outdated.
  const updated = {
    ...omit(before, 'missingSince', 'endedAt'),
    state,
    observedAt: observedAt < time ? observedAt : time,
  };
  const { pendingEffect, ...withoutEffect } = updated;
  const buildAuditEvents = (action: AuditAction, more: Partial<AuditEvent> = {}) => [
    auditEvent('ec2', action, now, { state, ...more }),
  ];

  if (isEnded(state)) return endAgain(before, withoutEffect, buildAuditEvents('deleted'), time);
  if (pendingEffect && isFulfilledBy(pendingEffect.action, state)) {
    const action = before.revocation ? 'disconnected' : 'applied';
    return {
      record: withoutEffect,
      auditEvents: buildAuditEvents(action, { outcome: pendingEffect.action }),
    };
  }
  if (pendingEffect?.action === 'accept' && state === 'rejected') {
    if (pendingEffect.attempts === 0)
      return {
        record: withoutEffect,
        auditEvents: buildAuditEvents('observed', { reason: externalAcceptReasons.rejected }),
      };
    const reason = 'EC2 shows it rejected; the consumer has to create a new endpoint';
    return { record: withoutEffect, auditEvents: buildAuditEvents('refused', { outcome: 'accept', reason }) };
  }
  if (pendingEffect?.action === 'reject' && isConnected(state) && !isManagedByUs(before))
    return {
      record: resetAfterExternalAccept(withoutEffect),
      auditEvents: buildAuditEvents('observed', { reason: externalAcceptReasons.accepted }),
    };
  if (before.state === state && missingSince === undefined) return undefined;
  if (state === 'pendingAcceptance' && before.state !== state)
    return { record: updated, auditEvents: buildAuditEvents('observed', { reason: reopenedReason(before) }) };
  if (pendingEffect || before.state === state || !isReportableChange(before, state))
    return { record: updated, auditEvents: [] };
  if (isOurLateAccept(before, state, now))
    return {
      record: { ...updated, pendingEffect: { action: 'reject', attempts: 0 } },
      auditEvents: buildAuditEvents('observed', {
        reason: 'an earlier call took effect late; linkgate rejects it again',
      }),
    };
  const reason = `it became ${state} against the newest verdict: by hand, or by an earlier call that took effect late`;
  return {
    record: isConnected(state) ? resetAfterExternalAccept(updated, before) : updated,
    auditEvents: buildAuditEvents('observed', { reason }),
  };
}

/** Updates the state of an ended connection, without an audit entry. */
function endAgain(
  { state, endedAt }: ConnectionRecord,
  record: ConnectionRecord,
  auditEvents: readonly AuditEvent[],
  time: string,
): Transition | undefined {
  if (endedAt === undefined) return { record: { ...record, endedAt: time }, auditEvents };
  return state === record.state ? undefined : { record: { ...record, endedAt }, auditEvents: [] };
}

/** Formats the reason in the history of a reopened request. */
export function reopenedReason({ state }: Pick<ConnectionRecord, 'state'>): string {
  return `EC2 shows it pending acceptance, but the record said ${state}: it is open again`;
}

/**
 * Resets the record after somebody accepted the connection outside linkgate. The earlier revocation does not apply to that
 * accept.
 */
function resetAfterExternalAccept(
  record: ConnectionRecord,
  { state }: Pick<ConnectionRecord, 'state'> = record,
): ConnectionRecord {
  const withoutReevaluation = omit(record, 'reevaluatedAt');
  return state === 'rejected'
    ? omit(withoutReevaluation, 'revocation', 'revokeOrder', 'extended', 'acceptRequestedAt')
    : withoutReevaluation;
}

/** The reasons in the history for answers outside linkgate. */
const externalAcceptReasons = {
  accepted: 'somebody accepted it outside linkgate before linkgate rejected it',
  rejected:
    'somebody rejected it outside linkgate before linkgate accepted it; the consumer has to create a new endpoint',
};

/**
 * Whether a describe result is older than the record. A connection that is `deleting` can only end, an ended one is not
 * `deleting` again, and an answered one is not pending acceptance. If EC2 shows such a state for longer than its maximum delay,
 * the record is wrong.
 */
function isOutdatedDescription(
  before: ConnectionRecord,
  state: Connection['state'],
  observedAt: string,
): boolean {
  if (before.observedAt !== undefined && observedAt < before.observedAt) return true;
  if (isEnded(state)) return false;
  if (state === 'pendingAcceptance') return isRightlyAnswered(before, observedAt);
  const isBack = before.state === 'deleting' || (before.endedAt !== undefined && state === 'deleting');
  return isBack && before.state !== state && mayBeOutdated(before, observedAt);
}

/** Whether the history records a state change: one to connected or disconnected, but no intermediate state. */
function isReportableChange(before: ConnectionRecord, state: Connection['state']): boolean {
  return state !== 'deleting' && (isConnected(state) !== isConnected(before.state) || state === 'rejected');
}

/** Whether EC2 processed an earlier call of Accept after the verdict changed. */
function isOurLateAccept(before: ConnectionRecord, state: Connection['state'], now: Date): boolean {
  return before.verdict?.outcome === 'reject' && isConnected(state) && acceptMayBeInFlight(before, now);
}
