import { expect, test } from '@jest/globals';
import { conflict, OptimisticLockError, retryOnConflict } from '../../lib/storage/optimistic-lock.ts';

test('a write is retried until it has no conflict', async () => {
  const turns: boolean[] = [];
  const result = await retryOnConflict('orders', async (isFirst) => {
    turns.push(isFirst);
    return turns.length < 3 ? conflict : 'won';
  });
  expect(result).toBe('won');
  expect(turns).toEqual([true, false, false]);
});

test('a write that has a conflict on every retry ends with an error that names the item', async () => {
  const conflicting = retryOnConflict('orders', async () => conflict);
  await expect(conflicting).rejects.toThrow(OptimisticLockError);
  await expect(conflicting).rejects.toMatchObject({ itemName: 'orders' });
});
