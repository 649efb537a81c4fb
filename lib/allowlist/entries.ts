import type { Invocation } from '../invocation.ts';
import { lost, untilWon } from '../table/contention.ts';
import { type ReadDeps, readPartition } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type AllowlistEntry, entriesOf, entryItem, entryKey, nextVersion, readEntry } from './entry.ts';

type Whose = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;
type Changing = { readonly table: Table } & Invocation;

type EntryChange = Omit<AllowlistEntry, 'changedAt' | 'changedBy' | 'version'>;

/** Adds an entry, or replaces the one that the account has there. */
export async function changeEntry(change: EntryChange, by: string, deps: Changing): Promise<AllowlistEntry> {
  return untilWon(change.accountId, async () => {
    const before = await findEntry(change, deps.table);
    return (await replaceEntry(before, change, by, deps)) ?? lost;
  });
}

/** @returns nothing where the entry is no longer the one that somebody looked at before they changed it. */
export async function replaceEntry(
  before: AllowlistEntry | undefined,
  change: EntryChange,
  by: string,
  { table, now }: Changing,
): Promise<AllowlistEntry | undefined> {
  const time = now();
  const entry = {
    ...change,
    changedAt: time.toISOString(),
    changedBy: by,
    version: nextVersion(before?.version, time),
  };
  const isWritten = await table.write([{ put: entryItem(entry), expected: before?.version ?? 0 }]);
  return isWritten ? entry : undefined;
}

/** @returns the entry that was there, or undefined. */
export async function removeEntry(whose: Whose, { table }: Changing): Promise<AllowlistEntry | undefined> {
  return untilWon(whose.accountId, async () => {
    const before = await findEntry(whose, table);
    if (!before) return undefined;
    const remove = entryKey(whose.serviceId, whose.accountId);
    return (await table.write([{ remove, expected: before.version }])) ? before : lost;
  });
}

export async function entriesFor(serviceIds: readonly string[], deps: ReadDeps): Promise<AllowlistEntry[]> {
  const entries: AllowlistEntry[] = [];
  for (const serviceId of serviceIds)
    entries.push(...(await readPartition(entriesOf(serviceId), readEntry, deps)));
  return entries;
}

async function findEntry({ serviceId, accountId }: Whose, table: Table): Promise<AllowlistEntry | undefined> {
  const [item] = await table.get([entryKey(serviceId, accountId)]);
  return item && readEntry(item);
}
