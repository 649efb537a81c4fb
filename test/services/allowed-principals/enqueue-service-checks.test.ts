import { expect, test } from '@jest/globals';
import { entryItem } from '../../../lib/allowlist/entry.ts';
import { enqueueServiceChecks } from '../../../lib/services/allowed-principals/enqueue-service-checks.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import type { Item } from '../../../lib/storage/table.ts';
import { anEntry, aService, serviceId } from '../../builders.ts';
import { createTestEnv } from '../../doubles/test-env.ts';

const services = [aService(), aService({ serviceId: serviceId(2), name: 'other' })];
const service = serviceItem(aService());
const entry = entryItem(anEntry());

async function listEnqueuedIds(...changes: readonly { before?: Item; after?: Item }[]): Promise<string[]> {
  const env = createTestEnv({ services });
  const enqueuedIds: string[] = [];
  const serviceCheckQueue = { enqueue: async (ids: readonly string[]) => void enqueuedIds.push(...ids) };
  await enqueueServiceChecks(
    changes.map(({ before, after }) => ({ before, after })),
    { ...env.deps, serviceCheckQueue },
  );
  return enqueuedIds;
}

test('several changed entries of a service enqueue one check', async () => {
  expect(await listEnqueuedIds({ after: entry }, { before: entry }, { before: entry, after: entry })).toEqual(
    [serviceId(1)],
  );
});

test('many entries that change together enqueue one delayed check', async () => {
  const after: (number | undefined)[] = [];
  const serviceCheckQueue = {
    enqueue: async (_ids: readonly string[], options?: { readonly afterSeconds: number }) =>
      void after.push(options?.afterSeconds),
  };
  for (const count of [1, 100])
    await enqueueServiceChecks(
      Array.from({ length: count }, () => ({ before: undefined, after: entry })),
      { ...createTestEnv({ services }).deps, serviceCheckQueue },
    );
  expect(after).toEqual([0, 20]);
});

test('an entry for every service enqueues a check of each service', async () => {
  expect(await listEnqueuedIds({ after: entryItem(anEntry({ serviceId: '*' })) })).toEqual(
    [1, 2].map(serviceId),
  );
});

test('an entry of a newer schema version enqueues a check too', async () => {
  expect(await listEnqueuedIds({ after: { ...entry, schemaVersion: '2.0' } })).toEqual([serviceId(1)]);
});

test.each([
  ['is registered', {}, undefined],
  ['becomes managed', { principals: 'managed' }, service],
  ['gets other principals', { otherPrincipals: ['*'] }, service],
  ['gets another grace period', { graceSeconds: 7200 }, service],
] as const)('a service that %s is checked', async (_what, change, before) => {
  const after = serviceItem(aService(change as Parameters<typeof aService>[0]));
  expect(await listEnqueuedIds({ ...(before && { before }), after })).toEqual([serviceId(1)]);
});

test('a check enqueues no further check', async () => {
  const drift = [{ check: 'principals-are-missing', detail: 'x' }];
  const after = serviceItem(aService({ drift, checkedAt: '2026-11-22T00:00:00.000Z', version: 2 }));
  expect(await listEnqueuedIds({ before: service, after })).toEqual([]);
});

test('a removed service is not checked', async () => {
  expect(await listEnqueuedIds({ before: service })).toEqual([]);
});
