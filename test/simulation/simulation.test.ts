import { describe, expect, test } from '@jest/globals';
import { faultKinds } from './faults.ts';
import { sabotages } from './sabotage.ts';
import { simulate } from './simulate.ts';
import { storySteps } from './story.ts';

/** Others share the machine while this runs. */
const patience = 240_000;

describe('linkgate keeps its promises in histories full of faults of every kind', () => {
  const seen = new Set<string>();

  test.each([
    ['while it acts', {}, 30, ''],
    [
      'while it observes beside a script, and changes nothing in EC2',
      { isObserving: true },
      12,
      ' --observing',
    ],
    ['over days, while permissions end and tables are restored', { isLong: true }, 15, ' --long'],
  ] as const)(
    '%s',
    async (_, variant, seeds, option) => {
      for (let seed = 1; seed <= seeds; seed++) {
        const { broken, history, faults, steps } = await simulate(seed, variant);
        const replay = `npm run simulate -- --seed ${seed}${option}`;
        if (broken) throw new Error(`${history.join('\n')}\n${replay}`, { cause: broken });
        for (const name of [...faults.keys(), ...steps]) seen.add(name);
      }
    },
    patience,
  );

  test('and in them everything happens that can', () => {
    expect([...seen].sort()).toEqual([...faultKinds, ...storySteps].sort());
  });
});

test('the same seed plays the same history', async () => {
  const [once, again] = [await simulate(7), await simulate(7)];
  expect(again.history).toEqual(once.history);
});

describe('the simulation notices', () => {
  test.each(sabotages)(
    '$name',
    async ({ sabotage, breaks, isObserving = false, isLong = false }) => {
      let noticed = false;
      for (let seed = 1; seed <= 400 && !noticed; seed++) {
        const { broken } = await simulate(seed, { isObserving, isLong, sabotage: sabotage() });
        noticed = broken?.promise === breaks;
      }
      expect(noticed).toBe(true);
    },
    patience,
  );
});
