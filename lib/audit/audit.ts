import * as v from 'valibot';
import { AllowlistEntry } from '../allowlist/entry.ts';
import { ConnectionState } from '../privatelink/connection.ts';
import { entity, parseEach, type ReadDeps, rethrow } from '../storage/entity.ts';
import type { Item, Key, Table, Write } from '../storage/table.ts';
import { Finding, Outcome } from '../verdicts/verdict.ts';
import { type AuditHead, genesisHash, hashAuditEntry } from './chain.ts';

/** The versions of the policy items behind a decision; 0 for a missing item. */
export const PolicyVersions = v.object({
  service: v.number(),
  entry: v.number(),
  wildcardEntry: v.number(),
  /** The number of changes of the mode to enforce. */
  mode: v.optional(v.number(), 0),
});
export type PolicyVersions = v.InferOutput<typeof PolicyVersions>;

export const AuditAction = v.picklist([
  'requested',
  'observed',
  'decided',
  'approval-requested',
  'reminded',
  'escalated',
  'expired',
  'approved',
  'denied',
  'applying',
  'applied',
  'refused',
  'disconnect-scheduled',
  'extended',
  'grandfathered',
  'expiry-warned',
  'disconnected',
  'deleted',
]);
export type AuditAction = v.InferOutput<typeof AuditAction>;

/** One transition of one connection. The trail is append-only. */
export const AuditEntry = v.object({
  endpointId: v.string(),
  /** The number of this entry in the endpoint's trail, from 1. */
  sequence: v.number(),
  /** ISO 8601 */
  time: v.string(),
  /** The author: `linkgate`, `ec2`, `account 444455556666`, or a person: see `actorChannel`. */
  actor: v.string(),
  /** One of `Action`, or of a later version. */
  action: v.string(),
  outcome: v.exactOptional(Outcome),
  /** The state in EC2. */
  state: v.exactOptional(ConnectionState),
  reason: v.exactOptional(v.string()),
  ticket: v.exactOptional(v.string()),
  /** The message to the customer. */
  customerMessage: v.exactOptional(v.string()),
  /** ISO 8601: the time of the scheduled disconnect. */
  disconnectAt: v.exactOptional(v.string()),
  /** The allowlist entry that the decision wrote. */
  entry: v.exactOptional(v.pick(AllowlistEntry, ['effect', 'expiresAt'])),
  findings: v.exactOptional(v.array(Finding)),
  policyVersions: v.exactOptional(PolicyVersions),
  /** The Lambda request id of the invocation that wrote the entry, as in its logs. */
  requestId: v.string(),
  /** The hash of the previous entry. */
  previousHash: v.string(),
  /** The hash of this entry, which reveals a later change. */
  hash: v.string(),
});
export type AuditEntry = v.InferOutput<typeof AuditEntry>;

/** An entry without its number and hashes in the trail. */
export type AuditEvent = Omit<
  AuditEntry,
  'endpointId' | 'sequence' | 'requestId' | 'previousHash' | 'hash' | 'action'
> & { readonly action: AuditAction };

export function auditEvent(
  actor: string,
  action: AuditAction,
  now: Date,
  details: Omit<AuditEvent, 'actor' | 'action' | 'time'> = {},
): AuditEvent {
  return { time: now.toISOString(), actor, action, ...details };
}

const auditEntryEntity = entity({ ...AuditEntry.entries, version: v.number() }, auditEntryKey);
export const readAuditEntry = auditEntryEntity.read;
/** The hash covers all other attributes. */
const unhashedEntryEntity = entity(
  { ...v.omit(AuditEntry, ['hash']).entries, version: v.number() },
  auditEntryKey,
);

/**
 * The partition key prefix of audit trails. IAM denies every function to delete from them; a condition prevents a put from
 * replacing an entry.
 */
export const auditPartition = 'AUDIT#';

const auditPartitionKey = (endpointId: string) => `${auditPartition}${endpointId}`;

function auditEntryKey({ endpointId, sequence }: Pick<AuditEntry, 'endpointId' | 'sequence'>): Key {
  return { pk: auditPartitionKey(endpointId), sk: String(sequence).padStart(9, '0') };
}

/** The trail of a connection before the next audit event. */
interface AuditTrailState {
  readonly endpointId: string;
  readonly auditCount: number;
  readonly auditHead?: AuditHead;
}

/** Appends audit events to the trail of a connection, in order. */
export function auditWrites(
  { endpointId, auditCount, auditHead }: AuditTrailState,
  auditEvents: readonly AuditEvent[],
  requestId: string,
): { readonly writes: readonly Write[]; readonly trail: Omit<AuditTrailState, 'endpointId'> } {
  let head = auditHead;
  const writes = auditEvents.map((auditEvent, index): Write => {
    const sequence = auditCount + index + 1;
    const previousHash = head?.hash ?? genesisHash;
    const entry = { ...auditEvent, endpointId, sequence, requestId, previousHash, version: 1 };
    const item = unhashedEntryEntity.item(entry);
    head = { sequence, hash: hashAuditEntry(item) };
    return { put: { ...item, hash: head.hash }, expected: 0 };
  });
  return { writes, trail: { auditCount: auditCount + auditEvents.length, ...(head && { auditHead: head }) } };
}

/** Lists the stored audit items of a connection, oldest first. */
export async function listAuditItems(endpointId: string, table: Table): Promise<Item[]> {
  return (await Array.fromAsync(table.query(auditPartitionKey(endpointId)))).flat();
}

/** Reads the audit trail of a connection, oldest first. */
export async function readAuditTrail(
  endpointId: string,
  table: Table,
  reportError: ReadDeps['reportError'] = rethrow,
): Promise<AuditEntry[]> {
  return parseEach(await listAuditItems(endpointId, table), readAuditEntry, reportError);
}
