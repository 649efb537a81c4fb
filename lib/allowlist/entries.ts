import { type ReadDeps, readPartition } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table, TableDeps } from '../storage/table.ts';
import {
  type AllowlistEntry,
  allowlistEntryEntity,
  allowlistPartition,
  type EntryTarget,
  entryKey,
  nextVersion,
  readEntry,
} from './entry.ts';

type EntryChange = Omit<AllowlistEntry, 'changedAt' | 'changedBy' | 'version'>;

/** Adds an entry, or replaces the existing entry of the account. */
export async function putEntry(change: EntryChange, by: string, deps: TableDeps): Promise<AllowlistEntry> {
  return retryOnConflict(change.accountId, async () => {
    const before = await findEntry(change, deps.table);
    return (await putEntryIfUnchanged(before, change, by, deps)) ?? conflict;
  });
}

/** @returns undefined if the entry has changed since `before` was read. */
export async function putEntryIfUnchanged(
  before: AllowlistEntry | undefined,
  change: EntryChange,
  by: string,
  { table, now }: TableDeps,
): Promise<AllowlistEntry | undefined> {
  const time = now();
  const entry = {
    ...change,
    changedAt: time.toISOString(),
    changedBy: by,
    version: nextVersion(before?.version, time),
  };
  return (await table.write([allowlistEntryEntity.put(entry, before)])) ? entry : undefined;
}

/** @returns the removed entry, or undefined if there was none. */
export async function removeEntry(
  entryTarget: EntryTarget,
  { table }: TableDeps,
): Promise<AllowlistEntry | undefined> {
  return retryOnConflict(entryTarget.accountId, async () => {
    const before = await findEntry(entryTarget, table);
    if (!before) return undefined;
    const remove = entryKey(entryTarget.serviceId, entryTarget.accountId);
    return (await table.write([{ remove, expected: before.version }])) ? before : conflict;
  });
}

export async function readEntries(serviceIds: readonly string[], deps: ReadDeps): Promise<AllowlistEntry[]> {
  const partitions = serviceIds.map((id) => readPartition(allowlistPartition(id), readEntry, deps));
  return (await Promise.all(partitions)).flat();
}

function findEntry({ serviceId, accountId }: EntryTarget, table: Table): Promise<AllowlistEntry | undefined> {
  return allowlistEntryEntity.find(entryKey(serviceId, accountId), table);
}
