import { formatKey } from '../../lib/storage/entity.ts';
import {
  type Item,
  type Key,
  type QueryOptions,
  type Table,
  type Write,
  writesPerTransaction,
} from '../../lib/storage/table.ts';

/** An item before and after a write; undefined if it does not exist. */
export interface ItemChange {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** DynamoDB refuses the transaction regardless of the items in the table. */
class InvalidTransactionError extends Error {
  override readonly name = 'InvalidTransactionError';
}

export type Items = ReturnType<typeof createMemoryItems>;

/**
 * Table items with the semantics of DynamoDB. Each operation is one step, so that a test decides how operations
 * interleave. Items are frozen copies, so that reads can return them without another copy.
 */
export function createMemoryItems() {
  let partitions = new Map<string, Map<string, Item>>();
  let restored = 0;

  const find = ({ pk, sk }: Key): Item | undefined => partitions.get(pk)?.get(sk);

  function holds({ expected, ...write }: Write): boolean {
    if (expected === undefined) return true;
    const item = find(writeKey(write));
    return expected === 0 ? item === undefined : item?.version === expected;
  }

  function set({ pk, sk }: Key, item: Item | undefined): void {
    const partition = partitions.get(pk) ?? new Map<string, Item>();
    partitions.set(pk, partition);
    if (item) partition.set(sk, JSON.parse(JSON.stringify(item), freezeValue));
    else partition.delete(sk);
  }

  return {
    identity: () => `table ${restored}`,

    /** Copies the table for `restore`, which acts like a point-in-time restore into a new table. */
    backup: () => copyPartitions(partitions),
    restore(backup: typeof partitions): void {
      partitions = copyPartitions(backup);
      restored++;
    },

    read: (keys: readonly Key[]): Item[] =>
      [...new Map(keys.map((key) => [formatKey(key), key])).values()].flatMap((key) => find(key) ?? []),

    /** Returns one page after `start`; `next` is the start of the next page. */
    page(pk: string, { limit, newestFirst = false }: QueryOptions, start?: string) {
      const keys = [...(partitions.get(pk)?.keys() ?? [])]
        .filter((sk) => start === undefined || (newestFirst ? sk < start : sk > start))
        .sort((a, b) => (a < b === newestFirst ? 1 : -1))
        .slice(0, limit);
      const items = keys.flatMap((sk) => find({ pk, sk }) ?? []);
      return { items, next: keys.length === limit ? keys.at(-1) : undefined };
    },

    /** Writes a transaction and returns its changes; returns undefined and writes no item if a condition fails. */
    commit(writes: readonly Write[]): ItemChange[] | undefined {
      const keys = new Set(writes.map((write) => formatKey(writeKey(write))));
      if (writes.length === 0 || writes.length > writesPerTransaction || keys.size < writes.length)
        throw new InvalidTransactionError(`${writes.length} writes of ${keys.size} items`);
      if (!writes.every(holds)) return undefined;
      return writes.map((write) => {
        const key = writeKey(write);
        const before = find(key);
        set(key, 'put' in write ? write.put : undefined);
        return { before, after: find(key) };
      });
    },
  };
}

function freezeValue(_key: string, value: unknown): unknown {
  return Object.freeze(value);
}

function copyPartitions(partitions: ReadonlyMap<string, ReadonlyMap<string, Item>>) {
  return new Map([...partitions].map(([pk, items]) => [pk, new Map(items)]));
}

/** A table for tests without concurrency. */
export function memoryTable(items: Items = createMemoryItems()): Table {
  return {
    get: async (keys) => items.read(keys),
    identity: async () => items.identity(),
    async *query(pk, options = {}) {
      let start = options.after;
      do {
        const page = items.page(pk, options, start);
        yield page.items;
        start = page.next;
      } while (start !== undefined);
    },
    write: async (writes) => items.commit(writes) !== undefined,
  };
}

export function writeKey(write: Write): Key {
  return 'put' in write ? write.put : write.remove;
}
