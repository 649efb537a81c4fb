import * as v from 'valibot';
import { PolicyVersions } from '../audit/audit.ts';
import { AuditHead } from '../audit/chain.ts';
import { Connection, type ConnectionState, isConnected } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';
import { Verdict } from '../verdicts/verdict.ts';
import { ApprovalRequest, NotificationState } from './approval-request.ts';
import { RecordedDecisions } from './person-decision.ts';
import { ConnectedState, isAboutExternalAccept, isBlockedByRule } from './revocation.ts';

/** The call that brings EC2 to the verdict. It stays pending until EC2 shows the result. */
export const PendingEffect = v.object({
  action: v.picklist(['accept', 'reject']),
  /** ISO 8601: the last call to EC2. The next one waits for a minute at least. */
  lastAttemptAt: v.exactOptional(v.string()),
  /** The number of calls to EC2. */
  attempts: v.number(),
});
export type PendingEffect = v.InferOutput<typeof PendingEffect>;

/**
 * linkgate's record of a connection: verdict, decisions, approval request.
 * `state` is the state that EC2 last showed, kept to detect a change. EC2 stays the source of truth.
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
  /** Present once people were asked. */
  approvalRequest: v.exactOptional(ApprovalRequest),
  notification: v.exactOptional(NotificationState),
  ...ConnectedState.entries,
  pendingEffect: v.exactOptional(PendingEffect),
  /** ISO 8601: linkgate's last call of Accept. It stays after the effect: a connected endpoint without it was accepted outside linkgate. */
  acceptRequestedAt: v.exactOptional(v.string()),
  /** Whether the endpoint quota lists it, for an entry with `maxEndpoints`. */
  countsTowardQuota: v.exactOptional(v.boolean()),
  /** ISO 8601: the start of the first full sweep in which EC2 did not list it. */
  missingSince: v.exactOptional(v.string()),
  endedAt: v.exactOptional(v.string()),
  /** ISO 8601: when its service was deregistered. Nobody decides it until the service is registered again. */
  serviceDeregisteredAt: v.exactOptional(v.string()),
  /** ISO 8601: when EC2 was described for `state`. An event from before is out of date. */
  observedAt: v.exactOptional(v.string()),
  /** The number of its audit entries. */
  auditCount: v.number(),
  /** The newest audit entry, so that a truncated trail is detected. */
  auditHead: v.exactOptional(AuditHead),
  version: v.number(),
});
export type ConnectionRecord = v.InferOutput<typeof ConnectionRecord>;

const connectionEntity = entity(ConnectionRecord.entries);

/** The last digit of the endpoint id chooses the partition, so that a burst spreads over sixteen. */
export const recordPartitions = [...'0123456789abcdef'].map((digit) => `CONNECTION#${digit}`);

export function recordKey(endpointId: string): Key {
  return { pk: `CONNECTION#${endpointId.slice(-1)}`, sk: endpointId };
}

export function readRecord(item: Item): ConnectionRecord {
  return connectionEntity.read(item);
}

/** The record of one connection. */
export async function findRecord(endpointId: string, table: Table): Promise<ConnectionRecord | undefined> {
  const [item] = await table.get([recordKey(endpointId)]);
  return item && readRecord(item);
}

export function recordItem(record: ConnectionRecord): Item {
  return connectionEntity.item(recordKey(record.endpointId), record);
}

/** The connection as EC2 last showed it. */
export function pickConnection(record: ConnectionRecord): Connection {
  return v.parse(Connection, record);
}

/** The first record of a connection that EC2 shows. */
export function newRecord(connection: Connection): ConnectionRecord {
  return { ...connection, auditCount: 0, version: 0 };
}

/** Whether a person may still decide: about a request, or about what happens to a connected endpoint. */
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

/** Whether people were asked about a connected endpoint, or notified of its scheduled disconnect. */
function isApprovalRequested({ verdict, revocation }: ConnectionRecord): boolean {
  if (!verdict) return false;
  return isAboutExternalAccept(verdict) || (revocation !== undefined && !isBlockedByRule(verdict));
}

/** Whether its disconnect can be extended: one by policy or by a revocation with a grace period. A block can only be lifted. */
export function canBeExtended({ state, verdict, revocation, pendingEffect }: ConnectionRecord): boolean {
  return (
    isConnected(state) &&
    revocation !== undefined &&
    pendingEffect === undefined &&
    (revocation.cause === 'policy' || revocation.cause === 'person') &&
    !(verdict && isBlockedByRule(verdict))
  );
}

/** Whether an older version decided ask without an approval request. */
export function lacksApprovalRequest({ verdict, approvalRequest }: ConnectionRecord): boolean {
  return verdict?.outcome === 'ask' && approvalRequest === undefined;
}

/** Whether EC2 shows it pending acceptance although its verdict counts as applied. */
export function isUndone({ state, verdict, pendingEffect }: ConnectionRecord): boolean {
  const isSettled = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  return state === 'pendingAcceptance' && isSettled && pendingEffect === undefined;
}

/** How old the answer of a describe call may be, in milliseconds: EC2 is eventually consistent. */
const maxDescriptionAgeMs = 30_000;

/** Whether a description may be older than the recorded state. */
export function mayBeOutdated({ observedAt, requestedAt }: ConnectionRecord, shownAt: string): boolean {
  return new Date(shownAt).getTime() - new Date(observedAt ?? requestedAt).getTime() < maxDescriptionAgeMs;
}

/**
 * Whether linkgate itself caused the recorded state of a request that EC2 shows pending acceptance. Then EC2's answer is
 * probably out of date, and the record is right.
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

/** Whether a verdict is unexpired and rests on the current policy versions. */
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

/** How long after the call of Accept EC2 may still carry it out, in milliseconds. */
const lateAcceptMs = 5 * 60_000;

/** Whether EC2 may still carry out linkgate's last call of Accept. */
export function acceptMayBeInFlight({ acceptRequestedAt }: ConnectionRecord, now: Date): boolean {
  return (
    acceptRequestedAt !== undefined && now.getTime() - new Date(acceptRequestedAt).getTime() < lateAcceptMs
  );
}

/**
 * Whether a pending reject may disconnect a connected endpoint: its permission was revoked, or linkgate called Accept before the
 * verdict changed. A connection that others accepted is decided again first.
 */
export function isManagedByUs(record: ConnectionRecord, restoredAt = ''): boolean {
  return (
    record.pendingEffect?.action === 'reject' &&
    (record.revocation !== undefined || isRevokedWhilePending(record, restoredAt))
  );
}

/**
 * Whether a reject is pending for a connection that linkgate accepted before the verdict changed.
 * @param restoredAt a restored table does not know the results of calls from before that.
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

/** Whether a request may still connect: by its verdict, or by a call of Accept before the verdict changed. */
export function canStillConnect(record: ConnectionRecord, now: Date): boolean {
  return record.verdict?.outcome === 'accept' || acceptMayBeInFlight(record, now);
}

/** Whether the record counts towards the endpoint quota of its account. */
export function maybeConnected(record: ConnectionRecord, now: Date): boolean {
  return isConnected(record.state) || (record.state === 'pendingAcceptance' && canStillConnect(record, now));
}
