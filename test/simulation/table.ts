import type { Item, Key, Table } from '../../lib/storage/table.ts';
import type { ItemChange, Items } from '../doubles/memory-table.ts';
import type { Faults } from './faults.ts';
import type { Run } from './invocations.ts';
import { withAdditionInWrites } from './mixed-versions.ts';
import type { Random } from './random.ts';

/** Observes reads and writes. */
export interface TableObservers {
  observeRead(run: Run, keys: readonly Key[], items: readonly Item[]): void;
  observeWrites(run: Run, changes: readonly ItemChange[]): void;
}

/** The table in memory as a run calls it, with the writes of its version. */
export function createSimulatedTable(
  run: Run,
  items: Items,
  random: Random,
  faults: Faults,
  observers: TableObservers,
): Table {
  const read = (keys: readonly Key[]) =>
    run.call('table read', () => {
      const readItems = items.read(keys);
      observers.observeRead(run, keys, readItems);
      return readItems;
    });
  return {
    async get(keys) {
      if (keys.length === 0) return [];
      if (keys.length === 1 || !faults.draw('batch read')) return read(keys);
      const first = keys.filter(() => random.chance(0.5));
      const rest = keys.filter((key) => !first.includes(key));
      return [...(await read(first)), ...(await read(rest))];
    },
    async *query(pk, options = {}) {
      let start = options.after;
      do {
        const page = await run.call('table read', () => items.page(pk, options, start));
        yield page.items;
        start = page.next;
      } while (start !== undefined);
    },
    identity: () => run.call('table read', () => items.identity()),
    write: (writes) =>
      run.call('table write', () => {
        const changes = items.commit(
          run.version === 'next' ? withAdditionInWrites(writes, run.requestId) : writes,
        );
        observers.observeWrites(run, changes ?? []);
        return changes !== undefined;
      }),
  };
}
