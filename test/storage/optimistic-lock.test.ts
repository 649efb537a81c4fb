import { expect, test } from '@jest/globals';
import { conflict, OptimisticLockError, retryOnConflict } from '../../lib/storage/optimistic-lock.ts';

test('a conflict is retried until the write succeeds', async () => {
  const turns: boolean[] = [];
  const result = await retryOnConflict('orders', async (isFirst) => {
    turns.push(isFirst);
    return turns.length < 3 ? conflict : 'won';
  });
  expect(result).toBe('won');
  expect(turns).toEqual([true, false, false]);
});

test('a conflict on every attempt throws an error that names the item', async () => {
  const contended = retryOnConflict('orders', async () => conflict);
  await expect(contended).rejects.toThrow(OptimisticLockError);
  await expect(contended).rejects.toMatchObject({ what: 'orders' });
});
