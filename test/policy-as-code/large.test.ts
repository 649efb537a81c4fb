import { expect, test } from '@jest/globals';
import type { Write } from '../../lib/storage/table.ts';
import { aService } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { aDocument, allowEntry, applyToEnd, planDocument } from './fixtures.ts';

test('a plan of 10,000 entries has fewer than 20 parts, and its apply needs fewer than 115 transactions', async () => {
  const env = createTestEnv({ services: [aService()] });
  const accounts = Array.from({ length: 10_000 }, (_, index) => String(200_000_000_000 + index));
  const document = aDocument({ entries: accounts.map((account) => allowEntry(account)) });
  const { plan } = await planDocument(env, document);
  expect(plan.changeParts).toBeLessThan(20);

  const transactions: (readonly Write[])[] = [];
  let reads = 0;
  const table = {
    ...env.table,
    async get(keys: Parameters<typeof env.table.get>[0]) {
      reads++;
      return env.table.get(keys);
    },
    async write(writes: readonly Write[]) {
      transactions.push(writes);
      return env.table.write(writes);
    },
  };
  expect(await applyToEnd(plan, { ...env.deps, table })).toMatchObject({ done: 10_000, of: 10_000 });
  expect(transactions.length).toBeLessThan(115);
  expect(reads).toBeLessThan(10);
  expect((await planDocument(env, document)).plan.summary).toMatchObject({ add: 0, change: 0, remove: 0 });
});
