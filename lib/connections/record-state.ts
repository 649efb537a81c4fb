import type { AuditAction, AuditEvent } from '../audit/audit.ts';
import { type Connection, isConnected, isEnded } from '../privatelink/connection.ts';
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

/** A connection as EC2 showed it, and when (ISO 8601). */
export interface DescribedConnection {
  readonly connection: Connection;
  readonly observedAt: string;
}

/**
 * EC2 shows a connection otherwise than it is remembered.
 * @param registeredAt ISO 8601: connections from before are recorded and left alone.
 * @returns undefined where there is nothing to remember.
 */
export function recordState(
  before: ConnectionRecord | undefined,
  sighting: DescribedConnection,
  registeredAt: string,
  now: Date,
): Transition | undefined {
  const time = now.toISOString();
  return before ? updateState(before, sighting, time, now) : firstState(sighting, registeredAt, time);
}

function firstState(
  { connection, observedAt }: DescribedConnection,
  registeredAt: string,
  time: string,
): Transition | undefined {
  const { state, requestedAt } = connection;
  if (isEnded(state)) return undefined;
  const reason =
    requestedAt < registeredAt
      ? 'older than the registration of the service'
      : 'nothing was left to decide when linkgate first saw it';
  return {
    record: { ...newRecord(connection), observedAt },
    auditEvents: [{ time, actor: 'linkgate', action: 'observed', state, reason }],
  };
}

function updateState(
  before: ConnectionRecord,
  { connection: { state }, observedAt }: DescribedConnection,
  time: string,
  now: Date,
): Transition | undefined {
  if (isOldNews(before, state, observedAt)) return undefined;
  const { missingSince, endedAt: _goneAt, ...found } = before;
  // An event that claims to be from the future would make old news of all that is true.
  const seen = { ...found, state, observedAt: observedAt < time ? observedAt : time };
  const { pendingEffect, ...done } = seen;
  const happened = (action: AuditAction, more: Partial<AuditEvent> = {}): AuditEvent[] => [
    { time, actor: 'ec2', action, state, ...more },
  ];

  if (isEnded(state)) return goneAgain(before, done, happened('deleted'), time);
  if (pendingEffect && isFulfilledBy(pendingEffect.action, state)) {
    const action = before.revocation ? 'disconnected' : 'applied';
    return { record: done, auditEvents: happened(action, { outcome: pendingEffect.action }) };
  }
  if (pendingEffect?.action === 'accept' && state === 'rejected') {
    if (pendingEffect.attempts === 0)
      return { record: done, auditEvents: happened('observed', { reason: externalAcceptReasons.rejected }) };
    const reason = 'EC2 shows it rejected; the consumer has to create a new endpoint';
    return { record: done, auditEvents: happened('refused', { outcome: 'accept', reason }) };
  }
  if (pendingEffect?.action === 'reject' && isConnected(state) && !isManagedByUs(before))
    return {
      record: resetAfterExternalAccept(done),
      auditEvents: happened('observed', { reason: externalAcceptReasons.accepted }),
    };
  if (before.state === state && missingSince === undefined) return undefined;
  if (state === 'pendingAcceptance' && before.state !== state)
    return { record: seen, auditEvents: happened('observed', { reason: reopenedReason(before) }) };
  if (pendingEffect || before.state === state || !isChange(before, state))
    return { record: seen, auditEvents: [] };
  if (isOurLateAccept(before, state, now))
    return {
      record: { ...seen, pendingEffect: { action: 'reject', attempts: 0 } },
      auditEvents: happened('observed', { reason: 'an earlier call took effect late; it is put right' }),
    };
  const reason = `it became ${state}, which the newest verdict did not ask for: by hand, or by an earlier call that took effect late`;
  return {
    record: isConnected(state) ? resetAfterExternalAccept(seen, before) : seen,
    auditEvents: happened('observed', { reason }),
  };
}

/** Gone in another way than it was remembered is no news. */
function goneAgain(
  { state, endedAt }: ConnectionRecord,
  done: ConnectionRecord,
  auditEvents: readonly AuditEvent[],
  time: string,
): Transition | undefined {
  if (endedAt === undefined) return { record: { ...done, endedAt: time }, auditEvents };
  return state === done.state ? undefined : { record: { ...done, endedAt }, auditEvents: [] };
}

/** Why what was remembered otherwise is a request again. */
export function reopenedReason({ state }: Pick<ConnectionRecord, 'state'>): string {
  return `EC2 shows that it waits for an answer, and does not show it ${state}, as it was remembered: it is open again`;
}

/** Somebody else had EC2 accept it. Whether it stays is another question than whether it was to be cut before. */
function resetAfterExternalAccept(
  seen: ConnectionRecord,
  { state }: Pick<ConnectionRecord, 'state'> = seen,
): ConnectionRecord {
  const { reevaluatedAt: _reviewedAt, ...known } = seen;
  if (state !== 'rejected') return known;
  const {
    revocation: _revocation,
    revokeOrder: _revoked,
    extended: _kept,
    acceptRequestedAt: _askedAt,
    ...others
  } = known;
  return others;
}

/** What linkgate did not ask EC2 for. */
const externalAcceptReasons = {
  accepted: 'it was accepted without linkgate, which was to reject it',
  rejected:
    'somebody else rejected it before linkgate asked EC2 to accept it; the consumer has to create a new endpoint',
};

/**
 * Seen before what is remembered was seen. What is being deleted can only be gone, what is gone is not being deleted any more,
 * and what was answered does not wait: where EC2 shows that all the same, and goes on to, the memory is wrong.
 */
function isOldNews(before: ConnectionRecord, state: Connection['state'], observedAt: string): boolean {
  if (before.observedAt !== undefined && observedAt < before.observedAt) return true;
  if (isEnded(state)) return false;
  if (state === 'pendingAcceptance') return isRightlyAnswered(before, observedAt);
  const isBack = before.state === 'deleting' || (before.endedAt !== undefined && state === 'deleting');
  return isBack && before.state !== state && mayBeOutdated(before, observedAt);
}

/** Connected or cut; what EC2 does on the way is no news. */
function isChange(before: ConnectionRecord, state: Connection['state']): boolean {
  return state !== 'deleting' && (isConnected(state) !== isConnected(before.state) || state === 'rejected');
}

/** A call to accept that was thought lost landed after the verdict had changed. */
function isOurLateAccept(before: ConnectionRecord, state: Connection['state'], now: Date): boolean {
  return before.verdict?.outcome === 'reject' && isConnected(state) && acceptMayBeInFlight(before, now);
}
