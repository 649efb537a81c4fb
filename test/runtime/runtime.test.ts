import { describe, expect, test } from '@jest/globals';
import { orReported, settleEach } from '../../lib/runtime/runtime.ts';

const broken = new Error('broken');

describe('a task', () => {
  test('returns its result', async () => {
    expect(
      await orReported(
        () => {},
        'read item',
        async () => 'done',
      ),
    ).toBe('done');
  });

  test.each([
    [
      'synchronously',
      () => {
        throw broken;
      },
    ],
    ['asynchronously', () => Promise.reject(broken)],
  ])('that fails %s is reported with its operation, and does not throw', async (_when, work) => {
    const reported: unknown[] = [];
    const reportError = (...each: unknown[]) => reported.push(each);
    expect(await orReported(reportError, 'read item', work)).toBeUndefined();
    expect(reported).toEqual([[broken, 'read item']]);
  });
});

test('each input is processed on its own, and a failed one is returned with its error', async () => {
  const work = async (number: number) => {
    if (number === 2) throw broken;
    return number * 10;
  };
  expect(await settleEach([1, 2, 3], work)).toEqual([
    { input: 1, output: 10 },
    { input: 2, error: broken },
    { input: 3, output: 30 },
  ]);
});
