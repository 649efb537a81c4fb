import { expect, test } from '@jest/globals';
import { conflict, OptimisticLockError, retryOnConflict } from '../../lib/storage/optimistic-lock.ts';

test('what is lost is tried again until it is won', async () => {
  const turns: boolean[] = [];
  const result = await retryOnConflict('orders', async (isFirst) => {
    turns.push(isFirst);
    return turns.length < 3 ? conflict : 'won';
  });
  expect(result).toBe('won');
  expect(turns).toEqual([true, false, false]);
});

test('what is always lost is given back, and says what others kept changing', async () => {
  const contended = retryOnConflict('orders', async () => conflict);
  await expect(contended).rejects.toThrow(OptimisticLockError);
  await expect(contended).rejects.toMatchObject({ what: 'orders' });
});
