import { expect, test } from '@jest/globals';
import { ContendedError, lost, untilWon } from '../../lib/table/contention.ts';

test('what is lost is tried again until it is won', async () => {
  const turns: boolean[] = [];
  const result = await untilWon('orders', async (isFirst) => {
    turns.push(isFirst);
    return turns.length < 3 ? lost : 'won';
  });
  expect(result).toBe('won');
  expect(turns).toEqual([true, false, false]);
});

test('what is always lost is given back, and says what others kept changing', async () => {
  const contended = untilWon('orders', async () => lost);
  await expect(contended).rejects.toThrow(ContendedError);
  await expect(contended).rejects.toMatchObject({ what: 'orders' });
});
