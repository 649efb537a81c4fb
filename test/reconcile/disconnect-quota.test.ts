import { describe, expect, test } from '@jest/globals';
import { reserveQuota } from '../../lib/reconcile/disconnect-quota.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { trackIdentity } from '../../lib/storage/table-identity.ts';
import { endpointId, noon, serviceId } from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

const hour = 3_600_000;

function createQuota() {
  const items = createMemoryItems();
  const table = memoryTable(items);
  let time = noon.getTime();
  const createDisconnect = (number: number, since = noon) => ({
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
    async reserve(
      from: number,
      to: number,
      { service = 1, connectedCount = 10, since = noon } = {},
    ): Promise<number> {
      const disconnects = Array.from({ length: to - from }, (_, index) =>
        createDisconnect(from + index, since),
      );
      return (
        await reserveQuota(serviceId(service), disconnects, connectedCount, {
          table,
          now: () => new Date(time),
        })
      ).size;
    },
  };
}

describe('the disconnect quota', () => {
  test('allows five disconnects of a small service in 24 hours', async () => {
    const quota = createQuota();
    expect(await quota.reserve(0, 9)).toBe(5);
    expect(await quota.reserve(10, 19)).toBe(0);
  });

  test('allows disconnects of a tenth of the connections of a large service', async () => {
    expect(await createQuota().reserve(0, 30, { connectedCount: 120 })).toBe(12);
  });

  test('allows twenty disconnects of all services together', async () => {
    const quota = createQuota();
    const granted: number[] = [];
    for (const service of [1, 2, 3, 4, 5])
      granted.push(await quota.reserve(service * 10, service * 10 + 5, { service }));
    expect(granted).toEqual([5, 5, 5, 5, 0]);
  });

  test('counts a disconnect once, even if it is retried', async () => {
    const quota = createQuota();
    await quota.reserve(0, 5);
    expect(await quota.reserve(0, 5)).toBe(5);
    expect(await quota.reserve(0, 6)).toBe(5);
  });

  test('counts a second disconnect of the same endpoint', async () => {
    const quota = createQuota();
    await quota.reserve(0, 5);
    expect(await quota.reserve(0, 5, { since: new Date(noon.getTime() + hour) })).toBe(0);
  });

  test('counts a retried disconnect until 24 hours after the retry', async () => {
    const quota = createQuota();
    await quota.reserve(0, 5);
    quota.wait(23 * hour);
    await quota.reserve(0, 5);
    quota.wait(2 * hour);
    expect(await quota.reserve(10, 15)).toBe(0);
    quota.wait(23 * hour);
    expect(await quota.reserve(10, 15)).toBe(5);
  });

  test('counts a disconnect five minutes longer than a day, since EC2 may act late', async () => {
    const quota = createQuota();
    await quota.reserve(0, 5);
    quota.wait(24 * hour);
    expect(await quota.reserve(10, 15)).toBe(0);
    quota.wait(300_000);
    expect(await quota.reserve(10, 15)).toBe(5);
  });

  test('allows no disconnect for a day after the table was restored, because a backup lacks the latest disconnects', async () => {
    const quota = createQuota();
    await quota.findTable();
    expect(await quota.reserve(0, 2)).toBe(2);
    quota.restore();
    await quota.findTable();
    expect(await quota.reserve(10, 13)).toBe(0);
    quota.wait(24 * hour + 300_000);
    expect(await quota.reserve(10, 19)).toBe(5);
  });

  test('is not exceeded by concurrent runs', async () => {
    const quota = createQuota();
    const granted = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((service) => quota.reserve(service * 10, service * 10 + 5, { service })),
    );
    expect(granted.reduce((sum, each) => sum + each, 0)).toBe(20);
  });
});
