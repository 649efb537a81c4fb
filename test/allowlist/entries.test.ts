import { describe, expect, test } from '@jest/globals';
import { putEntry, readEntries, removeEntry } from '../../lib/allowlist/entries.ts';
import { entryItem, readEntry } from '../../lib/allowlist/entry.ts';
import { MalformedItemError } from '../../lib/storage/entity.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import { alice, anEntry, consumer, noon, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const change = { serviceId: serviceId(1), accountId: consumer, effect: 'allow' } as const;

describe('an entry', () => {
  test.each(['2099-01-31T12:00:00+02', '2099-02-30T12:00:00Z', 'soon'])(
    'with the invalid expiry `%s` in the table is an error, and is not read as an entry without expiry',
    (expiresAt) => {
      const item = { ...entryItem(anEntry()), expiresAt };
      expect(() => readEntry(item)).toThrow(MalformedItemError);
    },
  );

  test('is stored with the author and the time of the change', async () => {
    const { deps } = createTestEnv();
    const entry = await putEntry(change, alice, deps);
    expect(entry).toEqual({
      ...change,
      changedAt: noon.toISOString(),
      changedBy: alice,
      version: noon.getTime(),
    });
    expect(await readEntries([serviceId(1)], deps)).toEqual([entry]);
  });

  test('replaces the existing entry of the account with all its limits', async () => {
    const { deps } = createTestEnv({ entries: [anEntry({ maxEndpoints: 3, note: 'for a while' })] });
    await putEntry({ ...change, effect: 'block' }, alice, deps);
    const [entry] = await readEntries([serviceId(1)], deps);
    expect(entry).toMatchObject({ effect: 'block' });
    expect(entry).not.toHaveProperty('maxEndpoints');
  });

  test('that changes twice in a millisecond gets two versions', async () => {
    const { deps } = createTestEnv();
    const [first, second] = [await putEntry(change, alice, deps), await putEntry(change, alice, deps)];
    expect(second.version).toBeGreaterThan(first.version);
  });

  test('that is removed and added again has a higher version', async () => {
    const env = createTestEnv();
    const { version } = await putEntry(change, alice, env.deps);
    await removeEntry(change, env.deps);
    env.advanceSeconds(1);
    expect((await putEntry(change, alice, env.deps)).version).toBeGreaterThan(version);
  });

  test('is returned by its removal, and a second removal returns nothing', async () => {
    const { deps } = createTestEnv({ entries: [anEntry()] });
    expect(await removeEntry(change, deps)).toEqual(anEntry());
    expect(await removeEntry(change, deps)).toBeUndefined();
    expect(await readEntries([serviceId(1)], deps)).toEqual([]);
  });

  test('that other writers keep changing is neither stored nor removed, and OptimisticLockError is thrown', async () => {
    const env = createTestEnv({ entries: [anEntry()] });
    const deps = { ...env.deps, table: { ...env.table, write: async () => false } };
    await expect(putEntry(change, alice, deps)).rejects.toThrow(OptimisticLockError);
    await expect(removeEntry(change, deps)).rejects.toThrow(OptimisticLockError);
  });
});

test('entries are read for the given services and for every service', async () => {
  const entries = [anEntry(), anEntry({ serviceId: '*' }), anEntry({ serviceId: serviceId(2) })];
  const { deps } = createTestEnv({ entries });
  expect(await readEntries([serviceId(1), '*'], deps)).toEqual(entries.slice(0, 2));
});
