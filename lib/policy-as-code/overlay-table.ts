import { formatKey } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';

/**
 * Creates a table for a dry run: it reads from the real table, and keeps all writes in memory.
 * @param changed the items that differ, by key; undefined for a removed item.
 */
export function overlayTable(table: Table, changed: ReadonlyMap<string, Item | undefined>): Table {
  const cached = new Map(changed);

  async function loadMissing(keys: readonly Key[]): Promise<void> {
    const unknown = keys.filter((key) => !cached.has(formatKey(key)));
    if (unknown.length === 0) return;
    const items = new Map((await table.get(unknown)).map((item) => [formatKey(item), item]));
    for (const key of unknown) cached.set(formatKey(key), items.get(formatKey(key)));
  }

  /** Whether an item has the expected version. An item that nobody has read counts as expected. */
  function isAsExpected(key: Key, expected: number | undefined): boolean {
    const name = formatKey(key);
    return expected === undefined || !cached.has(name) || (cached.get(name)?.version ?? 0) === expected;
  }

  return {
    async get(keys) {
      await loadMissing(keys);
      return [...new Set(keys.map(formatKey))].flatMap((name) => cached.get(name) ?? []);
    },
    query: (pk, options) => table.query(pk, options),
    identity: () => table.identity(),
    async write(writes) {
      const changes = writes.map((write) =>
        'put' in write
          ? { key: write.put, item: write.put, expected: write.expected }
          : { key: write.remove, item: undefined, expected: write.expected },
      );
      if (!changes.every(({ key, expected }) => isAsExpected(key, expected))) return false;
      for (const { key, item } of changes) cached.set(formatKey(key), item);
      return true;
    },
  };
}
