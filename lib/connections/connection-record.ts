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

/** What EC2 is to be brought to. It is due until EC2 shows it. */
export const PendingEffect = v.object({
  action: v.picklist(['accept', 'reject']),
  /** ISO 8601: when EC2 was last asked; it is then left alone for a minute. */
  lastAttemptAt: v.exactOptional(v.string()),
  /** How often EC2 was asked. */
  attempts: v.number(),
});
export type PendingEffect = v.InferOutput<typeof PendingEffect>;

/**
 * What linkgate remembers of a connection: who was asked and what they said.
 * Of EC2 it holds only what was last seen there, to notice a difference.
 */
export const ConnectionRecord = v.object({
  ...Connection.entries,
  /** The newest verdict, and what it rests on. */
  verdict: v.exactOptional(
    v.object({
      ...Verdict.entries,
      decidedAt: v.string(),
      decidedBy: v.string(),
      policyVersions: PolicyVersions,
    }),
  ),
  ...RecordedDecisions.entries,
  /** Once people were asked. */
  approvalRequest: v.exactOptional(ApprovalRequest),
  notification: v.exactOptional(NotificationState),
  ...ConnectedState.entries,
  pendingEffect: v.exactOptional(PendingEffect),
  /** ISO 8601: when EC2 was last asked to accept it, also after that is due no longer: if it lives, linkgate may have let it in. */
  acceptRequestedAt: v.exactOptional(v.string()),
  /** Whether it is in the set of endpoints that count against an entry's `maxEndpoints`. */
  countsTowardQuota: v.exactOptional(v.boolean()),
  /** ISO 8601: the first whole pass in which EC2 did not list it. */
  missingSince: v.exactOptional(v.string()),
  endedAt: v.exactOptional(v.string()),
  /** ISO 8601: since its service is registered no longer it is nobody's to decide, until the service is registered again. */
  serviceDeregisteredAt: v.exactOptional(v.string()),
  /** ISO 8601: when EC2 was looked at for `state`; news from before is old. */
  observedAt: v.exactOptional(v.string()),
  /** How many audit entries it has. */
  auditCount: v.number(),
  /** The newest of them, so that a trail that was cut short shows. */
  auditHead: v.exactOptional(AuditHead),
  version: v.number(),
});
export type ConnectionRecord = v.InferOutput<typeof ConnectionRecord>;

const connectionEntity = entity(ConnectionRecord.entries);

/** How long a connection is left alone after EC2 was asked about it, doubled with each time, in milliseconds. */
const backoffMs = { first: 60_000, longest: 3_600_000 };

/** @returns undefined where EC2 was not asked yet. */
export function nextAttemptAt({ attempts, lastAttemptAt }: PendingEffect): Date | undefined {
  if (lastAttemptAt === undefined) return undefined;
  const wait = Math.min(backoffMs.first * 2 ** (attempts - 1), backoffMs.longest);
  return new Date(new Date(lastAttemptAt).getTime() + wait);
}

/** Records are spread over partitions by the last digit of the endpoint id, so that a burst does not meet in one. */
export const recordPartitions = [...'0123456789abcdef'].map((digit) => `CONNECTION#${digit}`);

export function recordKey(endpointId: string): Key {
  return { pk: `CONNECTION#${endpointId.slice(-1)}`, sk: endpointId };
}

export function readRecord(item: Item): ConnectionRecord {
  return connectionEntity.read(item);
}

/** What is remembered of one connection. */
export async function findRecord(endpointId: string, table: Table): Promise<ConnectionRecord | undefined> {
  const [item] = await table.get([recordKey(endpointId)]);
  return item && readRecord(item);
}

export function recordItem(record: ConnectionRecord): Item {
  return connectionEntity.item(recordKey(record.endpointId), record);
}

/** The connection as it was last seen. */
export function pickConnection(record: ConnectionRecord): Connection {
  return v.parse(Connection, record);
}

/** A record of a connection of which nothing is known but what EC2 shows. */
export function newRecord(connection: Connection): ConnectionRecord {
  return { ...connection, auditCount: 0, version: 0 };
}

/** What a person may still decide: a request, or whether a connection that lives stays. */
export function isAwaitingApproval(record: ConnectionRecord): boolean {
  const outcome = record.verdict?.outcome;
  if (record.approval !== undefined || record.serviceDeregisteredAt !== undefined || outcome === 'accept')
    return false;
  if (record.state === 'pendingAcceptance') return outcome !== 'reject';
  return (
    isConnected(record.state) &&
    record.approvalRequest !== undefined &&
    record.pendingEffect === undefined &&
    isAsked(record)
  );
}

/** Of a connection that lives: whether people were asked, or told when it is cut. */
function isAsked({ verdict, revocation }: ConnectionRecord): boolean {
  if (!verdict) return false;
  return isAboutExternalAccept(verdict) || (revocation !== undefined && !isBlockedByRule(verdict));
}

/** Whether its cut can be put off: the policy or a revocation with a grace period is to cut it; a block is not put off but lifted. */
export function canBeExtended({ state, verdict, revocation, pendingEffect }: ConnectionRecord): boolean {
  return (
    isConnected(state) &&
    revocation !== undefined &&
    pendingEffect === undefined &&
    (revocation.cause === 'policy' || revocation.cause === 'person') &&
    !(verdict && isBlockedByRule(verdict))
  );
}

/** An older version left it to people, and asked nobody. */
export function lacksApprovalRequest({ verdict, approvalRequest }: ConnectionRecord): boolean {
  return verdict?.outcome === 'ask' && approvalRequest === undefined;
}

/** EC2 shows it waiting, its verdict is to accept or to reject, and nothing is due: what was due was taken for done. */
export function isUndone({ state, verdict, pendingEffect }: ConnectionRecord): boolean {
  const isSettled = verdict?.outcome === 'accept' || verdict?.outcome === 'reject';
  return state === 'pendingAcceptance' && isSettled && pendingEffect === undefined;
}

/** How old what EC2 shows may be, in milliseconds: the copies that it answers from follow one another. */
const oldestAnswer = 30_000;

/** Whether EC2 may have been showing what was before the state that is remembered. */
export function mayBeOutdated({ observedAt, requestedAt }: ConnectionRecord, shownAt: string): boolean {
  return new Date(shownAt).getTime() - new Date(observedAt ?? requestedAt).getTime() < oldestAnswer;
}

/**
 * Whether a request that EC2 shows waiting is remembered otherwise for good reasons, since linkgate had a part in it: then an
 * old answer of EC2 is likelier than a wrong memory.
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

/** Whether a verdict still rests on what is there now. */
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

/** Whether EC2 shows what was wanted. */
export function isFulfilledBy(action: PendingEffect['action'], state: ConnectionState): boolean {
  return action === 'accept' ? isConnected(state) : state === 'rejected';
}

/** How long after EC2 was asked to accept it may still surprise by doing so, in milliseconds. */
const lateAnswers = 5 * 60_000;

/** Whether EC2 was asked to accept it so recently that it may do so late. */
export function acceptMayBeInFlight({ acceptRequestedAt }: ConnectionRecord, now: Date): boolean {
  return (
    acceptRequestedAt !== undefined && now.getTime() - new Date(acceptRequestedAt).getTime() < lateAnswers
  );
}

/**
 * Whether it is to be cut although it lives, where a rejection is due: its permission was revoked, or EC2 was asked to accept it
 * before the verdict changed. What others accepted is reviewed before anything becomes of it.
 */
export function isManagedByUs(record: ConnectionRecord, restoredAt = ''): boolean {
  return (
    record.pendingEffect?.action === 'reject' &&
    (record.revocation !== undefined || isRevokedWhilePending(record, restoredAt))
  );
}

/**
 * A rejection is due of what EC2 was asked to accept before the verdict changed: it never was to live.
 * @param restoredAt of what EC2 was asked for before that, a restored table does not know what became of it.
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

/** Whether a request may still become live: by its verdict, or because EC2 was asked before the verdict changed. */
export function canStillConnect(record: ConnectionRecord, now: Date): boolean {
  return record.verdict?.outcome === 'accept' || acceptMayBeInFlight(record, now);
}

/** Whether it counts as one of its account's endpoints, as far as is remembered. */
export function maybeConnected(record: ConnectionRecord, now: Date): boolean {
  return isConnected(record.state) || (record.state === 'pendingAcceptance' && canStillConnect(record, now));
}
