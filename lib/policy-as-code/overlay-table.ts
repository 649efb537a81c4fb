import { formatKey } from '../storage/entity.ts';
import type { Item, Key, Table } from '../storage/table.ts';

/** The changes of items by key: from the stored item, undefined if absent, to the item after the change, undefined if removed. */
export type ItemOverlay = ReadonlyMap<string, (stored: Item | undefined) => Item | undefined>;

/**
 * Creates a table for a dry run: it reads from the real table once, applies the changes of an overlay, and keeps all writes in
 * memory.
 */
export function overlayTable(table: Table, overlay: ItemOverlay = new Map()): Table {
  const cached = new Map<string, Item | undefined>();

  async function loadMissing(keys: readonly Key[]): Promise<void> {
    const unknown = keys.filter((key) => !cached.has(formatKey(key)));
    if (unknown.length === 0) return;
    const items = new Map((await table.get(unknown)).map((item) => [formatKey(item), item]));
    for (const name of unknown.map(formatKey)) {
      const change = overlay.get(name);
      cached.set(name, change ? change(items.get(name)) : items.get(name));
    }
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
