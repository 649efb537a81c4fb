import { expect, test } from '@jest/globals';
import { settleEach } from '../../lib/runtime/runtime.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import type { Table, Write } from '../../lib/storage/table.ts';
import { writeBatch } from '../../lib/storage/write-batch.ts';
import { memoryTable } from '../doubles/memory-table.ts';

interface Change {
  readonly name: string;
  /** The item that it writes, together with its own. */
  readonly shares?: string;
}

const key = (sk: string) => ({ pk: 'ITEM', sk });

/** Increments the version of the change's items. Counts the transactions and reads. */
function createWriter(table: Table, write: Table['write'] = (writes) => table.write(writes)) {
  const sizes: number[] = [];
  let reads = 0;
  return {
    sizes,
    reads: () => reads,
    write: (changes: readonly Change[]) =>
      writeBatch(
        changes,
        {
          write(writes) {
            sizes.push(writes.length);
            return write(writes);
          },
        },
        async (open) => {
          reads++;
          const items = await table.get(open.flatMap(({ name, shares = name }) => [key(name), key(shares)]));
          const increment = (sk: string): Write => {
            const version = items.find((item) => item.sk === sk)?.version ?? 0;
            return { put: { ...key(sk), version: version + 1 }, expected: version };
          };
          return settleEach(open, async ({ name, shares }) => {
            if (name === 'unreadable') throw new Error('unreadable');
            const names = name === 'unchanged' ? [] : [name, ...(shares === undefined ? [] : [shares])];
            return { output: name, writes: names.map(increment) };
          });
        },
        ({ name }) => name,
      ),
  };
}

const named = (count: number): Change[] =>
  Array.from({ length: count }, (_, index) => ({ name: String(index) }));

test('many changes are one transaction after one read', async () => {
  const writer = createWriter(memoryTable());
  const results = await writer.write(named(10));
  expect(results.map((result) => 'output' in result && result.output)).toEqual(
    named(10).map(({ name }) => name),
  );
  expect(writer).toMatchObject({ sizes: [10] });
  expect(writer.reads()).toBe(1);
});

test('a transaction has at most 100 writes', async () => {
  const writer = createWriter(memoryTable());
  await writer.write(named(250));
  expect(writer.sizes).toEqual([100, 100, 50]);
});

test('an input without writes is done at once, and one that cannot be prepared fails alone', async () => {
  const writer = createWriter(memoryTable());
  const results = await writer.write([{ name: 'unchanged' }, { name: 'unreadable' }, { name: 'a' }]);
  expect(results).toMatchObject([{ output: 'unchanged' }, { error: expect.any(Error) }, { output: 'a' }]);
  expect(writer.sizes).toEqual([1]);
});

test('inputs that write the same item take turns, each with the item that the one before it wrote', async () => {
  const table = memoryTable();
  const changes = named(20).map((change) => ({ ...change, shares: 'quota' }));
  const results = await createWriter(table).write(changes);
  expect(results.filter((result) => 'error' in result)).toEqual([]);
  expect(await table.get([key('quota')])).toMatchObject([{ version: 20 }]);
});

test('after a conflict only the unwritten inputs are prepared again, in smaller transactions', async () => {
  const table = memoryTable();
  let isFirst = true;
  const writer = createWriter(table, async (writes) => {
    if (isFirst) await table.write([{ put: { ...key('0'), version: 1 }, expected: 0 }]);
    isFirst = false;
    return table.write(writes);
  });
  await writer.write(named(110));
  expect(writer.sizes).toEqual([100, 10, 25, 25, 25, 25]);
  expect(await table.get([key('0'), key('109')])).toMatchObject([{ version: 2 }, { version: 1 }]);
});

test('an input with a conflict in every round fails, and the others are written', async () => {
  const table = memoryTable();
  const writer = createWriter(
    table,
    async (writes) => !writes.some((each) => 'put' in each && each.put.sk === '1') && table.write(writes),
  );
  const results = await writer.write(named(3));
  expect(results).toMatchObject([
    { output: '0' },
    { error: expect.any(OptimisticLockError) },
    { output: '2' },
  ]);
});

test('the error of a transaction or of a read concerns only its inputs', async () => {
  const table = memoryTable();
  const writer = createWriter(table, async (writes) => {
    if (writes.length === 100) throw new Error('busy');
    return table.write(writes);
  });
  const results = await writer.write(named(110));
  expect(results.map((result) => 'error' in result)).toEqual(named(110).map((_, index) => index < 100));
});
