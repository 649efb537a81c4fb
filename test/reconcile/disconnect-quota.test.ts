import { describe, expect, test } from '@jest/globals';
import { reserveQuota } from '../../lib/reconcile/disconnect-quota.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { trackIdentity } from '../../lib/storage/table-identity.ts';
import { endpointId, noon, serviceId } from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

const hour = 3_600_000;

function aBudget() {
  const items = createMemoryItems();
  const table = memoryTable(items);
  let time = noon.getTime();
  const cut = (number: number, since = noon) => ({
    endpointId: endpointId(number),
    since: since.toISOString(),
  });
  return {
    wait(milliseconds: number) {
      time += milliseconds;
    },
    /** Records the identity of the table, as a sweep does. */
    findTable: () => trackIdentity({ table, reportError: rethrow, now: () => new Date(time) }),
    restore: () => items.restore(items.backup()),
    /** The number of granted disconnects. */
    async claim(from: number, to: number, { service = 1, live = 10, since = noon } = {}): Promise<number> {
      const cuts = Array.from({ length: to - from }, (_, index) => cut(from + index, since));
      return (await reserveQuota(serviceId(service), cuts, live, { table, now: () => new Date(time) })).size;
    },
  };
}

describe('of what the policy cuts in 24 hours', () => {
  test('five of a small service may be cut', async () => {
    const budget = aBudget();
    expect(await budget.claim(0, 9)).toBe(5);
    expect(await budget.claim(10, 19)).toBe(0);
  });

  test('a tenth of a large service may be cut', async () => {
    expect(await aBudget().claim(0, 30, { live: 120 })).toBe(12);
  });

  test('twenty may be cut over all, whichever service they are of', async () => {
    const budget = aBudget();
    const granted: number[] = [];
    for (const service of [1, 2, 3, 4, 5])
      granted.push(await budget.claim(service * 10, service * 10 + 5, { service }));
    expect(granted).toEqual([5, 5, 5, 5, 0]);
  });

  test('what was claimed is not claimed twice when it is tried again', async () => {
    const budget = aBudget();
    await budget.claim(0, 5);
    expect(await budget.claim(0, 5)).toBe(5);
    expect(await budget.claim(0, 6)).toBe(5);
  });

  test('the same endpoint announced at another time is another cut', async () => {
    const budget = aBudget();
    await budget.claim(0, 5);
    expect(await budget.claim(0, 5, { since: new Date(noon.getTime() + hour) })).toBe(0);
  });

  test('what is tried again counts from then on', async () => {
    const budget = aBudget();
    await budget.claim(0, 5);
    budget.wait(23 * hour);
    await budget.claim(0, 5);
    budget.wait(2 * hour);
    expect(await budget.claim(10, 15)).toBe(0);
    budget.wait(23 * hour);
    expect(await budget.claim(10, 15)).toBe(5);
  });

  test('a day is a little longer, since EC2 may be late to do what it was asked for', async () => {
    const budget = aBudget();
    await budget.claim(0, 5);
    budget.wait(24 * hour);
    expect(await budget.claim(10, 15)).toBe(0);
    budget.wait(300_000);
    expect(await budget.claim(10, 15)).toBe(5);
  });

  test('nothing may be cut for a day in a restored table, which does not know what was cut since its backup', async () => {
    const budget = aBudget();
    await budget.findTable();
    expect(await budget.claim(0, 2)).toBe(2);
    budget.restore();
    await budget.findTable();
    expect(await budget.claim(10, 13)).toBe(0);
    budget.wait(24 * hour + 300_000);
    expect(await budget.claim(10, 19)).toBe(5);
  });

  test('two places that claim at once get no more together than one', async () => {
    const budget = aBudget();
    const granted = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((service) => budget.claim(service * 10, service * 10 + 5, { service })),
    );
    expect(granted.reduce((sum, each) => sum + each, 0)).toBe(20);
  });
});
