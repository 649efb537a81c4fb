import * as v from 'valibot';
import { AllowlistEntry } from '../allowlist/entry.ts';
import { ConnectionState } from '../privatelink/connection.ts';
import { entity, parseEach, type ReadDeps, rethrow } from '../storage/entity.ts';
import type { Item, Table, Write } from '../storage/table.ts';
import { Finding, Outcome } from '../verdicts/verdict.ts';
import { type AuditHead, genesisHash, hashAuditEntry } from './chain.ts';

/** The versions of what a decision consulted; 0 where nothing was there. */
export const PolicyVersions = v.object({
  service: v.number(),
  entry: v.number(),
  wildcardEntry: v.number(),
  /** How often linkgate had begun to act again. */
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

/** One transition of one connection. Entries are only ever added. */
export const AuditEntry = v.object({
  endpointId: v.string(),
  /** Counts the entries of this endpoint from 1. */
  sequence: v.number(),
  /** ISO 8601 */
  time: v.string(),
  /** Who caused it: `linkgate`, `ec2`, `account 444455556666`, or a person: see `channelOf`. */
  actor: v.string(),
  /** One of `Action`, or of a later version. */
  action: v.string(),
  outcome: v.exactOptional(Outcome),
  /** What EC2 showed. */
  state: v.exactOptional(ConnectionState),
  reason: v.exactOptional(v.string()),
  ticket: v.exactOptional(v.string()),
  /** What the consumer may be told of it. */
  customerMessage: v.exactOptional(v.string()),
  /** When it is cut, as things stood then. ISO 8601. */
  disconnectAt: v.exactOptional(v.string()),
  /** What the decision made of the account's entry in the allowlist. */
  entry: v.exactOptional(v.pick(AllowlistEntry, ['effect', 'expiresAt'])),
  findings: v.exactOptional(v.array(Finding)),
  policyVersions: v.exactOptional(PolicyVersions),
  /** Of the invocation that wrote it, as it stands in the logs. */
  requestId: v.string(),
  /** Of the entry before it. */
  previousHash: v.string(),
  /** Of this entry, so that what is changed later shows. */
  hash: v.string(),
});
export type AuditEntry = v.InferOutput<typeof AuditEntry>;

/** An entry before it is known which of its connection's it is. */
export type AuditEvent = Omit<
  AuditEntry,
  'endpointId' | 'sequence' | 'requestId' | 'previousHash' | 'hash' | 'action'
> & { readonly action: AuditAction };

const auditEntryEntity = entity({ ...AuditEntry.entries, version: v.number() });
/** The hash is over all the rest. */
const unhashedEntryEntity = entity({ ...v.omit(AuditEntry, ['hash']).entries, version: v.number() });

/** How the partitions begin that no function may delete from; that a put replaces nothing is its condition's doing. */
export const auditPartition = 'AUDIT#';

const auditPartitionKey = (endpointId: string) => `${auditPartition}${endpointId}`;

/** The trail of a connection as it stands before something happens. */
interface AuditTrailState {
  readonly endpointId: string;
  readonly auditCount: number;
  readonly auditHead?: AuditHead;
}

/** Chains what happened, in order, to a connection's trail. */
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
    const item = unhashedEntryEntity.item(
      { pk: auditPartitionKey(endpointId), sk: String(sequence).padStart(9, '0') },
      entry,
    );
    head = { sequence, hash: hashAuditEntry(item) };
    return { put: { ...item, hash: head.hash }, expected: 0 };
  });
  return { writes, trail: { auditCount: auditCount + auditEvents.length, ...(head && { auditHead: head }) } };
}

/** The entries of a connection as they are stored, oldest first. */
export async function listAuditItems(endpointId: string, table: Table): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of table.query(auditPartitionKey(endpointId))) items.push(...page);
  return items;
}

/** All that happened to a connection, oldest first. */
export async function readAuditTrail(
  endpointId: string,
  table: Table,
  reportError: ReadDeps['reportError'] = rethrow,
): Promise<AuditEntry[]> {
  return parseEach(await listAuditItems(endpointId, table), readAuditEntry, reportError);
}

export function readAuditEntry(item: Item): AuditEntry {
  return auditEntryEntity.read(item);
}
