import * as v from 'valibot';
import { PolicyVersions } from '../audit/audit.ts';
import { AuditHead } from '../audit/chain.ts';
import { Connection, type ConnectionState, isConnected } from '../privatelink/connection.ts';
import { entity, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { Verdict } from '../verdicts/verdict.ts';
import { ApprovalRequest } from './approval-request.ts';
import { ConnectedState, isAboutExternalAccept, isBlockedByRule } from './connected-state.ts';
import { RecordedDecisions } from './person-decision.ts';

/** The EC2 call that applies the verdict. It stays pending until EC2 shows the result. */
export const PendingEffect = v.object({
  action: v.picklist(['accept', 'reject']),
  /** ISO 8601: the last call to EC2. The next call follows after at least a minute. */
  lastAttemptAt: v.exactOptional(v.string()),
  /** The number of calls to EC2. */
  attempts: v.number(),
});
export type PendingEffect = v.InferOutput<typeof PendingEffect>;

/**
 * linkgate's record of a connection: verdict, decisions, approval request. `state` is the last known state in EC2, with which
 * linkgate detects a change. EC2 is the source of truth.
 */
export const ConnectionRecord = v.object({
  ...Connection.entries,
  /** The newest verdict, with the policy versions behind it. */
  verdict: v.exactOptional(
    v.object({
      ...Verdict.entries,
      decidedAt: v.string(),
      decidedBy: v.string(),
      policyVersions: PolicyVersions,
    }),
  ),
  ...RecordedDecisions.entries,
  /** Present once linkgate has requested approval. */
  approvalRequest: v.exactOptional(ApprovalRequest),
  ...ConnectedState.entries,
  pendingEffect: v.exactOptional(PendingEffect),
  /**
   * ISO 8601: linkgate's last call of Accept. It stays after the effect: somebody accepted a connected endpoint without it
   * outside linkgate.
   */
  acceptRequestedAt: v.exactOptional(v.string()),
  /** Whether the endpoint quota lists it, for an entry with `maxEndpoints`. */
  countsTowardQuota: v.exactOptional(v.boolean()),
  /** ISO 8601: the start of the first full sweep in which EC2 did not list it. */
  missingSince: v.exactOptional(v.string()),
  endedAt: v.exactOptional(v.string()),
  /** ISO 8601: the deregistration of its service. Nobody decides the connection until the service is registered again. */
  serviceDeregisteredAt: v.exactOptional(v.string()),
  /** ISO 8601: the describe call that returned `state`. An older event is outdated. */
  observedAt: v.exactOptional(v.string()),
  /** The number of its audit entries. */
  auditCount: v.number(),
  /** The newest audit entry, with which linkgate detects a truncated trail. */
  auditHead: v.exactOptional(AuditHead),
  version: v.number(),
});
export type ConnectionRecord = v.InferOutput<typeof ConnectionRecord>;

export const connectionEntity = entity(ConnectionRecord.entries, ({ endpointId }) => recordKey(endpointId));
export const { read: readRecord, item: recordItem } = connectionEntity;

/** The last digit of the endpoint id chooses the partition, so that a burst spreads over sixteen. */
export const recordPartitions = [...'0123456789abcdef'].map((digit) => `CONNECTION#${digit}`);

export function recordKey(endpointId: string): Key {
  return { pk: `CONNECTION#${endpointId.slice(-1)}`, sk: endpointId };
}

/** Reads records by endpoint id. Reports and omits an unreadable one. */
export function readRecordsById(
  items: readonly Item[],
  reportError: ReadDeps['reportError'],
): ReadonlyMap<string, ConnectionRecord> {
  const records = parseEach(items, readRecord, reportError);
  return new Map(records.map((record) => [record.endpointId, record]));
}

/** Selects the connection as EC2 last showed it. */
export function pickConnection(record: ConnectionRecord): Connection {
  return v.parse(Connection, record);
}

/** Builds the first record of a connection that EC2 shows. */
export function newRecord(connection: Connection): ConnectionRecord {
  return { ...connection, auditCount: 0, version: 0 };
}

/** Whether a person may still decide about a request or a connected endpoint. */
export function isAwaitingApproval(record: ConnectionRecord): boolean {
  const outcome = record.verdict?.outcome;
  if (
    record.personDecision !== undefined ||
    record.serviceDeregisteredAt !== undefined ||
    outcome === 'accept'
  )
    return false;
  if (record.state === 'pendingAcceptance') return outcome !== 'reject';
  return (
    isConnected(record.state) &&
    record.approvalRequest !== undefined &&
    record.pendingEffect === undefined &&
    isApprovalRequested(record)
  );
}

/** Whether approvers received a question about a connected endpoint, or a notification of its scheduled disconnect. */
function isApprovalRequested({ verdict, revocation }: ConnectionRecord): boolean {
  if (!verdict) return false;
  return isAboutExternalAccept(verdict) || (revocation !== undefined && !isBlockedByRule(verdict));
}

/**
 * Whether a person can extend its disconnect: one by policy, or by a revocation with a grace period. A person can only remove a
 * block.
 */
export function canBeExtended({ state, verdict, revocation, pendingEffect }: ConnectionRecord): boolean {
  return (
    isConnected(state) &&
    revocation !== undefined &&
    pendingEffect === undefined &&
    (revocation.cause === 'policy' || revocation.cause === 'person') &&
    !(verdict && isBlockedByRule(verdict))
  );
}

/** Whether EC2 shows it pending acceptance, although its verdict counts as applied. */
export function isUndone({ state, verdict, pendingEffect }: ConnectionRecord): boolean {
  const isSettled = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  return state === 'pendingAcceptance' && isSettled && pendingEffect === undefined;
}

/** The maximum age of a describe call's result, in milliseconds: EC2 is eventually consistent. */
const maxDescriptionAgeMs = 30_000;

/** Whether a describe result may be older than the recorded state. */
export function mayBeOutdated({ observedAt, requestedAt }: ConnectionRecord, shownAt: string): boolean {
  return new Date(shownAt).getTime() - new Date(observedAt ?? requestedAt).getTime() < maxDescriptionAgeMs;
}

/**
 * Whether linkgate itself caused the recorded state of a request that EC2 shows pending acceptance. The describe result is then
 * probably outdated, and the record is correct.
 */
export function isRightlyAnswered(record: ConnectionRecord, shownAt: string): boolean {
  const { state, verdict, acceptRequestedAt, reevaluatedAt, revokeOrder } = record;
  if (state === 'pendingAcceptance') return false;
  const isOurs =
    reevaluatedAt !== undefined ||
    revokeOrder !== undefined ||
    (isConnected(state) && acceptRequestedAt !== undefined) ||
    (state === 'rejected' && verdict?.outcome === 'reject');
  return isOurs && mayBeOutdated(record, shownAt);
}

/** Whether a verdict has not expired and depends on the current policy versions. */
export function isVerdictCurrent(
  verdict: ConnectionRecord['verdict'],
  policyVersions: PolicyVersions,
  now: Date,
): verdict is NonNullable<ConnectionRecord['verdict']> {
  return (
    verdict !== undefined &&
    !isVerdictExpired(verdict, now) &&
    verdict.policyVersions.service === policyVersions.service &&
    verdict.policyVersions.entry === policyVersions.entry &&
    verdict.policyVersions.wildcardEntry === policyVersions.wildcardEntry &&
    verdict.policyVersions.mode === policyVersions.mode
  );
}

export function isVerdictExpired({ until }: { readonly until?: string }, now: Date): boolean {
  return until !== undefined && new Date(until) <= now;
}

/** Whether EC2 shows the result of the action. */
export function isFulfilledBy(action: PendingEffect['action'], state: ConnectionState): boolean {
  return action === 'accept' ? isConnected(state) : state === 'rejected';
}

/** The time after the call of Accept during which EC2 may still process it, in milliseconds. */
const lateAcceptMs = 5 * 60_000;

/** Whether EC2 may still process linkgate's last call of Accept. */
export function acceptMayBeInFlight({ acceptRequestedAt }: ConnectionRecord, now: Date): boolean {
  return (
    acceptRequestedAt !== undefined && now.getTime() - new Date(acceptRequestedAt).getTime() < lateAcceptMs
  );
}

/**
 * Whether a pending reject may disconnect a connected endpoint: somebody revoked its permission, or linkgate called Accept before
 * the verdict changed. linkgate first decides again about a connection that others accepted.
 */
export function isManagedByUs(record: ConnectionRecord, restoredAt = ''): boolean {
  return (
    record.pendingEffect?.action === 'reject' &&
    (record.revocation !== undefined || isRevokedWhilePending(record, restoredAt))
  );
}

/**
 * Whether a reject is pending for a connection that linkgate accepted before the verdict changed.
 * @param restoredAt a restored table lacks the results of earlier calls.
 */
export function isRevokedWhilePending(
  { pendingEffect, acceptRequestedAt, revocation }: ConnectionRecord,
  restoredAt = '',
): boolean {
  return (
    pendingEffect?.action === 'reject' &&
    acceptRequestedAt !== undefined &&
    acceptRequestedAt >= restoredAt &&
    revocation === undefined
  );
}

/** Whether a request may still connect because of its verdict, or of a call of Accept before the verdict changed. */
export function canStillConnect(record: ConnectionRecord, now: Date): boolean {
  return record.verdict?.outcome === 'accept' || acceptMayBeInFlight(record, now);
}

/** Whether the record counts towards the endpoint quota of its account. */
export function maybeConnected(record: ConnectionRecord, now: Date): boolean {
  return isConnected(record.state) || (record.state === 'pendingAcceptance' && canStillConnect(record, now));
}
