import { auditPartition } from '../../lib/audit/audit.ts';
import { hashAuditEntry } from '../../lib/audit/chain.ts';
import { applyDecision, transitionWrites } from '../../lib/connections/transition.ts';
import type { AccountRegion } from '../../lib/locations/account-region.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import type { Item, Write } from '../../lib/storage/table.ts';
import type { Endpoint } from '../../sandbox/privatelink/model.ts';
import type { Random } from './random.ts';

/** Which of two versions of the functions an invocation runs. */
export type Version = 'deployed' | 'next';

export type VersionRollout = ReturnType<typeof createRollout>;

/** A deploy as it goes on: of each invocation it is open which version it runs. */
export function createRollout(random: Random) {
  let share = 0;
  return {
    /** @param next how many invocations run the next version: 1 when the deploy is done, 0 when it is rolled back. */
    to(next: number): void {
      share = next;
    },
    draw: (): Version => (random.chance(share) ? 'next' : 'deployed'),
  };
}

const addition = 'addedByNext';

/** What only the next version knows of an item. */
export function readAddition(item: Item | undefined): unknown {
  return item?.[addition];
}

export function withoutAddition({ [addition]: _addition, ...item }: Item): Item {
  return item;
}

/** A message or an event as the next version sends it. */
export function withAdditionInMessage(message: object, by: string): object {
  return withAddition(message, by);
}

/**
 * Writes as the next version makes them: in a newer minor version, with attributes of which the deployed version knows
 * nothing, also inside of others. It hashes what it writes, so that its audit entries chain.
 */
export function withAdditionInWrites(writes: readonly Write[], by: string): Write[] {
  const hashes = new Map<string, string>();
  return writes
    .map((write) => mapPuts(write, (item) => ({ ...withAddition(item, by), schemaVersion: nextMinor(item) })))
    .map((write) => mapPuts(write, (item) => withChainHash(item, hashes)))
    .map((write) => mapPuts(write, (item) => withAuditHead(item, hashes)));
}

/** An older version did not ask who had accepted what it found, and had it rejected. */
export function rejectedByOlder(
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

/** The form of an item that the deployed version refuses. */
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

/** An object with one attribute more, where it has not got it yet, and so each object in it. */
function withAddition<T extends object>(value: T, by: string): T {
  const entries = Object.entries(value).map(([name, part]) => [name, withNestedAddition(part, by)]);
  return { [addition]: by, ...Object.fromEntries(entries) };
}

function withNestedAddition(value: unknown, by: string): unknown {
  if (Array.isArray(value)) return value.map((part) => withNestedAddition(part, by));
  return typeof value === 'object' && value !== null ? withAddition(value, by) : value;
}

/** @param hashes of the newest entry by endpoint, among those that are written together. */
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
