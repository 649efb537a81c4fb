import { describe, expect, test } from '@jest/globals';
import { markRequested, transitionWrites } from '../../lib/connections/transition.ts';
import { verifyTrail, verifyTrailPage } from '../../lib/inspection/verify-audit.ts';
import type { Table } from '../../lib/storage/table.ts';
import { aRecord, endpointId, noon, serviceId } from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

/** Connections with trails of two entries. */
function createTrails(count: number) {
  const items = createMemoryItems();
  for (let number = 1; number <= count; number++) {
    const { version: _version, ...record } = aRecord({ endpointId: endpointId(number) });
    const { auditEvents } = markRequested({ ...record, version: 0 }, 'accept', noon);
    const transition = { record: { ...record, version: 0 }, auditEvents: [...auditEvents, ...auditEvents] };
    items.commit(transitionWrites(undefined, transition, 'request-1'));
  }
  return { items, table: memoryTable(items) };
}

async function verifyAll(table: Table, service?: string) {
  let next: Parameters<typeof verifyTrailPage>[0] | undefined = { partition: 0 };
  const pages = [];
  while (next) {
    const page: Awaited<ReturnType<typeof verifyTrailPage>> = await verifyTrailPage(next, table, service);
    pages.push(page);
    next = page.next;
  }
  return {
    pages: pages.length,
    verified: pages.reduce((sum, { verified }) => sum + verified, 0),
    broken: pages.flatMap(({ broken }) => broken),
  };
}

const secondEntry = { pk: `AUDIT#${endpointId(7)}`, sk: '000000002' };

describe('the verification of all trails', () => {
  test('reads every connection once, page after page', async () => {
    const { table } = createTrails(120);
    const { pages, ...sum } = await verifyAll(table);
    expect(sum).toEqual({ verified: 120, broken: [] });
    expect(pages).toBeGreaterThan(2);
  });

  test('takes one request for a small table', async () => {
    expect(await verifyAll(createTrails(20).table)).toEqual({ pages: 1, verified: 20, broken: [] });
  });

  test('names the connection and the broken entry', async () => {
    const { items, table } = createTrails(20);
    items.commit([{ remove: secondEntry }]);
    expect(await verifyAll(table)).toMatchObject({
      verified: 19,
      broken: [{ endpointId: endpointId(7), sequence: 2 }],
    });
  });

  test('can be limited to one service', async () => {
    const { table } = createTrails(20);
    expect(await verifyAll(table, serviceId(2))).toMatchObject({ verified: 0, broken: [] });
    expect(await verifyAll(table, serviceId(1))).toMatchObject({ verified: 20, broken: [] });
  });

  test('reports a malformed record as broken', async () => {
    const { items, table } = createTrails(2);
    items.commit([{ put: { pk: 'CONNECTION#2', sk: endpointId(2), version: 9, auditCount: 'many' } }]);
    expect(await verifyAll(table)).toMatchObject({ verified: 1, broken: [{ endpointId: endpointId(2) }] });
  });
});

test('the verification of a single trail counts its entries and names the broken ones', async () => {
  const { items, table } = createTrails(8);
  expect(await verifyTrail(endpointId(7), table)).toEqual({ verified: 1, broken: [] });
  items.commit([{ remove: secondEntry }]);
  expect(await verifyTrail(endpointId(7), table)).toMatchObject({ verified: 0, broken: [{ sequence: 2 }] });
  expect(await verifyTrail(endpointId(99), table)).toBeUndefined();
});

test('an entry that is written during the verification is not reported as broken', async () => {
  const { table } = createTrails(1);
  const [item] = await table.get([{ pk: 'CONNECTION#1', sk: endpointId(1) }]);
  const before = aRecord({ ...item, endpointId: endpointId(1) } as never);
  let reads = 0;
  const busy: Table = {
    ...table,
    async *query(pk, options) {
      if (pk.startsWith('AUDIT#') && reads++ === 0)
        await table.write(transitionWrites(before, markRequested(before, 'accept', noon), 'request-2'));
      yield* table.query(pk, options);
    },
  };
  expect(await verifyTrail(endpointId(1), busy)).toEqual({ verified: 1, broken: [] });
});
