import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';
import { MalformedItemError, rethrow } from '../../lib/storage/entity.ts';
import { index } from '../../lib/storage/pointer-index.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

interface Task {
  readonly id: string;
  readonly owner?: string;
  readonly dueAt: string;
  readonly size: number;
}

const tasksByOwner = index({
  name: 'TASKS',
  entries: { id: v.string(), size: v.number() },
  formatPartition: (owner: string) => owner,
  pointer: ({ id, owner, dueAt, size }: Task) =>
    owner === undefined ? undefined : { of: owner, sk: `${dueAt}#${id}`, target: { id, size } },
});

const task: Task = { id: '1', owner: 'alice', dueAt: '2026-12-01', size: 3 };
const key = { pk: 'TASKS#alice', sk: '2026-12-01#1' };

test('a pointer is written, replaced, moved and removed with its source item', () => {
  const written = { put: { ...key, id: '1', size: 3, version: 1, schemaVersion: '1.0' } };
  expect(tasksByOwner.writes(undefined, task)).toEqual([written]);
  expect(tasksByOwner.writes(task, { ...task })).toEqual([]);
  expect(tasksByOwner.writes(task, { ...task, size: 4 })).toMatchObject([{ put: { ...key, size: 4 } }]);
  expect(tasksByOwner.writes(task, { ...task, owner: 'bob' })).toMatchObject([
    { remove: key },
    { put: { pk: 'TASKS#bob', sk: key.sk } },
  ]);
  const { owner: _owner, ...unowned } = task;
  expect(tasksByOwner.writes(task, unowned)).toEqual([{ remove: key }]);
  expect(tasksByOwner.writes(undefined, unowned)).toEqual([]);
});

test('an index has exactly the pointer of the last version after any sequence of changes', () => {
  const versions = fc.record(
    { owner: fc.constantFrom('alice', 'bob'), dueAt: fc.constantFrom('1', '2'), size: fc.nat(2) },
    { requiredKeys: ['dueAt', 'size'] },
  );
  fc.assert(
    fc.property(fc.array(versions, { minLength: 1, maxLength: 12 }), (history) => {
      const items = createMemoryItems();
      let before: Task | undefined;
      for (const version of history) {
        const after = { id: '1', ...version };
        const writes = tasksByOwner.writes(before, after);
        if (writes.length > 0) items.commit(writes);
        before = after;
        for (const owner of ['alice', 'bob'])
          expect(items.page(tasksByOwner.partition(owner), {}).items.map(tasksByOwner.read)).toMatchObject(
            after.owner === owner ? [{ id: '1', size: after.size }] : [],
          );
      }
    }),
  );
});

async function list(
  options: Parameters<typeof tasksByOwner.list>[2],
  reportError: (error: unknown) => void = rethrow,
) {
  const items = createMemoryItems();
  for (const day of ['01', '02', '03', '04'])
    items.commit(tasksByOwner.writes(undefined, { ...task, id: day, dueAt: `2026-12-${day}` }));
  items.commit([{ put: { ...key, sk: '2026-12-05#05', version: 1 } }]);
  const pages: string[][] = [];
  for await (const page of tasksByOwner.list('alice', { table: memoryTable(items), reportError }, options))
    pages.push(page.map(({ id }) => id));
  return pages;
}

test('targets are listed page by page, up to a sort key', async () => {
  expect(await list({ limit: 2, until: '2026-12-03' })).toEqual([['01', '02'], ['03']]);
});

test('an unreadable pointer is reported, and omitted', async () => {
  const errors: unknown[] = [];
  const pages = await list({ limit: 4 }, (error) => errors.push(error));
  expect(pages).toEqual([['01', '02', '03', '04']]);
  expect(errors).toEqual([expect.any(MalformedItemError)]);
});
