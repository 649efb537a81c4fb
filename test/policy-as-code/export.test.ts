import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { exportPolicy } from '../../lib/policy-as-code/export.ts';
import { serviceKey } from '../../lib/services/service.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { anEntry, aService, serviceId } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, planAndApply, planDocument } from './fixtures.ts';
import {
  createInventoryEnv,
  randomDocuments,
  randomInventories,
  withKnownServices,
} from './random-inventory.ts';

/** Exports all pages, without managers. */
async function exportAll(env: TestEnv): Promise<PolicyDocument> {
  let document = aDocument();
  let token: string | undefined;
  do {
    const page = await exportPolicy(token, env.deps);
    const part = <T extends { readonly managedBy: string }>(all: readonly T[]) =>
      all.map(({ managedBy: _managedBy, ...each }) => each);
    document = {
      groups: [...document.groups, ...part(page.document.groups)],
      services: [...document.services, ...part(page.document.services)],
      customers: [...document.customers, ...part(page.document.customers)],
      entries: [...document.entries, ...part(page.document.entries)] as PolicyDocument['entries'],
    };
    token = page.nextToken;
  } while (token !== undefined);
  return document;
}

test('a plan of an exported policy has no changes, whatever the table contains', async () => {
  await fc.assert(
    fc.asyncProperty(randomInventories, randomDocuments, async (inventory, document) => {
      const env = await createInventoryEnv(inventory);
      await planAndApply(env, withKnownServices(document, inventory));
      const { plan, changes } = await planDocument(env, await exportAll(env));
      expect(changes.filter(({ action }) => action !== 'unmanaged')).toEqual([]);
      expect(plan.summary).toMatchObject({ add: 0, change: 0, remove: 0, conflicts: 0 });
    }),
    { numRuns: 100, seed: 6 },
  );
}, 60_000);

test('the page token of an export expires if a service is removed before the next page', async () => {
  const accounts = Array.from({ length: 1_001 }, (_, index) => String(200_000_000_000 + index));
  const env = createTestEnv({
    services: [aService()],
    entries: accounts.map((accountId) => anEntry({ accountId })),
  });
  const { nextToken } = await exportPolicy(undefined, env.deps);
  await env.table.write([{ remove: serviceKey(serviceId(1)) }]);
  await expect(exportPolicy(nextToken, env.deps)).rejects.toThrow(ExpiredTokenError);
});

test('an export returns all entries over several pages: those for a service and those for every service', async () => {
  const accounts = Array.from({ length: 1_500 }, (_, index) => String(200_000_000_000 + index));
  const env = createTestEnv({
    services: [aService(), aService({ serviceId: serviceId(2), name: 'empty' })],
    entries: accounts.flatMap((accountId) => [
      anEntry({ accountId }),
      anEntry({ accountId, serviceId: '*' }),
    ]),
  });
  const { entries } = await exportAll(env);
  expect(entries).toHaveLength(3_000);
  expect(new Set(entries.map(({ service }) => service))).toEqual(new Set(['*', 'orders']));
});
