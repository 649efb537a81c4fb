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
    'that expires at `%s` cannot be read, and so is not passed over',
    (expiresAt) => {
      const item = { ...entryItem(anEntry()), expiresAt };
      expect(() => readEntry(item)).toThrow(MalformedItemError);
    },
  );

  test('is remembered with who changed it and when', async () => {
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

  test('replaces the one that the account has there, limits and all', async () => {
    const { deps } = createTestEnv({ entries: [anEntry({ maxEndpoints: 3, note: 'for a while' })] });
    await putEntry({ ...change, effect: 'block' }, alice, deps);
    const [entry] = await readEntries([serviceId(1)], deps);
    expect(entry).toMatchObject({ effect: 'block' });
    expect(entry).not.toHaveProperty('maxEndpoints');
  });

  test('changed twice in a millisecond has two versions', async () => {
    const { deps } = createTestEnv();
    const [first, second] = [await putEntry(change, alice, deps), await putEntry(change, alice, deps)];
    expect(second.version).toBeGreaterThan(first.version);
  });

  test('taken away and made anew is never mistaken for the earlier one', async () => {
    const env = createTestEnv();
    const { version } = await putEntry(change, alice, env.deps);
    await removeEntry(change, env.deps);
    env.advanceSeconds(1);
    expect((await putEntry(change, alice, env.deps)).version).toBeGreaterThan(version);
  });

  test('that is taken away is handed back, once', async () => {
    const { deps } = createTestEnv({ entries: [anEntry()] });
    expect(await removeEntry(change, deps)).toEqual(anEntry());
    expect(await removeEntry(change, deps)).toBeUndefined();
    expect(await readEntries([serviceId(1)], deps)).toEqual([]);
  });

  test('that others keep changing is given back', async () => {
    const env = createTestEnv({ entries: [anEntry()] });
    const deps = { ...env.deps, table: { ...env.table, write: async () => false } };
    await expect(putEntry(change, alice, deps)).rejects.toThrow(OptimisticLockError);
    await expect(removeEntry(change, deps)).rejects.toThrow(OptimisticLockError);
  });
});

test('entries are those of the services asked for, and of every service where that is asked for', async () => {
  const entries = [anEntry(), anEntry({ serviceId: '*' }), anEntry({ serviceId: serviceId(2) })];
  const { deps } = createTestEnv({ entries });
  expect(await readEntries([serviceId(1), '*'], deps)).toEqual(entries.slice(0, 2));
});
