import { expect, test } from '@jest/globals';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { listRecords, type RecordCursor } from '../../lib/connections/list-records.ts';
import type { Table } from '../../lib/storage/table.ts';
import { aRecord, endpointId } from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

/** Records of one partition and of others. */
const ids = [1, 17, 33, 49, 2, 3].map(endpointId);

function createTable(limitOfDynamoDb = 1000): Table {
  const items = createMemoryItems();
  for (const id of ids) items.commit([{ put: recordItem(aRecord({ endpointId: id })) }]);
  const table = memoryTable(items);
  return {
    ...table,
    query: (pk, options = {}) =>
      table.query(pk, { ...options, limit: Math.min(options.limit ?? 1000, limitOfDynamoDb) }),
  };
}

async function walk(table: Table, limit: number): Promise<string[][]> {
  const pages: string[][] = [];
  let next: RecordCursor | undefined = { partition: 0 };
  while (next) {
    const page: Awaited<ReturnType<typeof listRecords>> = await listRecords(next, limit, table, () => true);
    pages.push(page.records.map(({ sk }) => sk));
    next = page.next;
  }
  return pages;
}

test('all records are listed once, in pages of the given size', async () => {
  const pages = await walk(createTable(), 2);
  expect(pages.flat().sort()).toEqual([...ids].sort());
  expect(pages.slice(0, 3).map((page) => page.length)).toEqual([2, 2, 2]);
});

test('a page that DynamoDB ends early does not end its partition', async () => {
  expect((await walk(createTable(1), 100)).flat().sort()).toEqual([...ids].sort());
});

test('records outside the filter do not count in a page', async () => {
  const { records } = await listRecords({ partition: 0 }, 2, createTable(), ({ sk }) => sk !== ids[0]);
  expect(records.map(({ sk }) => sk)).toEqual([ids[1], ids[2]]);
});
