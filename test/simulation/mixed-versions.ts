import { auditPartition } from '../../lib/audit/audit.ts';
import { hashAuditEntry } from '../../lib/audit/chain.ts';
import { applyDecision, transitionWrites } from '../../lib/connections/transition.ts';
import type { AccountRegion } from '../../lib/locations/account-region.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import type { Item, Write } from '../../lib/storage/table.ts';
import type { Endpoint } from '../../sandbox/privatelink/model.ts';
import type { Random } from './random.ts';

/** The version of the functions that an invocation runs. */
export type Version = 'deployed' | 'next';

export type VersionRollout = ReturnType<typeof createRollout>;

/** A deployment in progress: each invocation runs a random version. */
export function createRollout(random: Random) {
  let share = 0;
  return {
    /** @param next the share of invocations with the next version: 1 after the deployment, 0 after a rollback. */
    to(next: number): void {
      share = next;
    },
    draw: (): Version => (random.chance(share) ? 'next' : 'deployed'),
  };
}

const addition = 'addedByNext';

/** Reads the attribute that only the next version writes. */
export function readAddition(item: Item | undefined): unknown {
  return item?.[addition];
}

export function withoutAddition({ [addition]: _addition, ...item }: Item): Item {
  return item;
}

/**
 * Changes writes to those of the next version: a newer minor schema version, with attributes that the deployed version does
 * not know, in nested objects too. Hashes its audit entries, so that they chain.
 */
export function withAdditionInWrites(writes: readonly Write[], by: string): Write[] {
  const hashes = new Map<string, string>();
  return writes
    .map((write) => mapPuts(write, (item) => ({ ...withAddition(item, by), schemaVersion: nextMinor(item) })))
    .map((write) => mapPuts(write, (item) => withChainHash(item, hashes)))
    .map((write) => mapPuts(write, (item) => withAuditHead(item, hashes)));
}

/** Returns the writes of a decision to reject a request that somebody accepted outside linkgate meanwhile. */
export function rejectWhileAccepted(
  location: AccountRegion,
  { id: endpointId, serviceId, accountId, createdAt }: Endpoint,
  requestId: string,
  now: Date,
): Write[] {
  const request: Connection = {
    location,
    endpointId,
    serviceId,
    ownerAccountId: accountId,
    state: 'pendingAcceptance',
    requestedAt: new Date(createdAt).toISOString(),
  };
  const policyVersions = { service: 0, entry: 0, wildcardEntry: 0, mode: 0 };
  const verdict = { outcome: 'reject' as const, findings: [] };
  const { record, auditEvents } = applyDecision(undefined, request, verdict, policyVersions, now);
  return transitionWrites(undefined, { record: { ...record, state: 'pending' }, auditEvents }, requestId);
}

/** The schema version that the deployed version cannot read. */
export const majorVersion = '2.0';

export function isNewerMajor(item: Item | undefined): boolean {
  return item?.schemaVersion === majorVersion;
}

function nextMinor({ schemaVersion }: Item): string {
  const [major, minor] = String(schemaVersion).split('.').map(Number);
  return `${major}.${(minor ?? 0) + 1}`;
}

function mapPuts(write: Write, change: (item: Item) => Item): Write {
  return 'put' in write ? { ...write, put: change(write.put) } : write;
}

/** Adds the attribute of the next version to an object and to each object in it, unless it has it. */
export function withAddition<T extends object>(value: T, by: string): T {
  const entries = Object.entries(value).map(([name, part]) => [name, withNestedAddition(part, by)]);
  return { [addition]: by, ...Object.fromEntries(entries) };
}

function withNestedAddition(value: unknown, by: string): unknown {
  if (Array.isArray(value)) return value.map((part) => withNestedAddition(part, by));
  return typeof value === 'object' && value !== null ? withAddition(value, by) : value;
}

/** @param hashes the hash of the newest entry by endpoint in the transaction. */
function withChainHash(item: Item, hashes: Map<string, string>): Item {
  if (!item.pk.startsWith(auditPartition)) return item;
  const endpointId = item.pk.slice(auditPartition.length);
  const entry = { ...item, previousHash: hashes.get(endpointId) ?? item.previousHash };
  const hash = hashAuditEntry(entry);
  hashes.set(endpointId, hash);
  return { ...entry, hash };
}

function withAuditHead(item: Item, hashes: ReadonlyMap<string, string>): Item {
  const hash = hashes.get(item.sk);
  return hash !== undefined && item.auditHead ? { ...item, auditHead: { ...item.auditHead, hash } } : item;
}
