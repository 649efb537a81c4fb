import { describe, expect, test } from '@jest/globals';
import { faultKinds } from './faults.ts';
import { type SimulationOptions, simulate } from './simulate.ts';
import { workloadSteps } from './workload.ts';

/** The machine may be slow. */
const timeoutMs = 240_000;
/** The maximum number of seeds until every step and fault has occurred. */
const maxSeeds = 100;

describe('the invariants of linkgate hold in histories with all kinds of faults', () => {
  const never = new Set<string>([...faultKinds, ...workloadSteps]);

  async function play(seed: number, variant: SimulationOptions, option: string): Promise<void> {
    const { broken, history, faults, steps } = await simulate(seed, variant);
    const replay = `npm run simulate -- --seed ${seed}${option}`;
    if (broken) throw new Error(`${history.join('\n')}\n${replay}`, { cause: broken });
    for (const name of [...faults.keys(), ...steps]) never.delete(name);
  }

  test.each([
    ['in mode `enforce`', {}, 30, ''],
    ['in mode `observe` beside a script, without changes in EC2', { isObserving: true }, 12, ' --observing'],
    ['over days, while permissions end and tables are restored', { isLong: true }, 15, ' --long'],
  ] as const)(
    '%s',
    async (_, variant, seeds, option) => {
      for (let seed = 1; seed <= seeds; seed++) await play(seed, variant, option);
    },
    timeoutMs,
  );

  // A long history can have every step; rare ones may need more seeds.
  test(
    'the histories contain every step and every fault',
    async () => {
      for (let seed = 16; seed <= maxSeeds && never.size > 0; seed++)
        await play(seed, { isLong: true }, ' --long');
      expect([...never]).toEqual([]);
    },
    timeoutMs,
  );
});

test('the same seed results in the same history', async () => {
  const [first, second] = [await simulate(7), await simulate(7)];
  expect(second.history).toEqual(first.history);
});
