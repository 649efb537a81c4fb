import { expect } from '@jest/globals';
import type { mutants } from './mutants.ts';
import { simulate } from './simulate.ts';

/** The maximum number of seeds. */
const maxSeeds = 200;

/** Plays one seed after the other until the promise that the mutant breaks is found broken. */
export async function expectKilledBy({
  mutant,
  breaks,
  from = 1,
  isObserving = false,
  isLong = false,
}: (typeof mutants)[number]): Promise<void> {
  let noticed = false;
  for (let seed = from; seed < from + maxSeeds && !noticed; seed++) {
    const { broken } = await simulate(seed, { isObserving, isLong, mutant: mutant() });
    noticed = broken?.invariant === breaks;
  }
  expect(noticed).toBe(true);
}
