import { expect } from '@jest/globals';
import type { mutants } from './mutants.ts';
import { simulate } from './simulate.ts';

/** The maximum number of seeds. */
const maxSeeds = 200;

/** Runs one seed after the other until one breaks the mutant's invariant. */
export async function expectKilledBy({ from, breaks, options }: (typeof mutants)[number]): Promise<void> {
  let isKilled = false;
  for (let seed = from; seed < from + maxSeeds && !isKilled; seed++) {
    const { broken } = await simulate(seed, options);
    isKilled = broken?.invariant === breaks;
  }
  expect(isKilled).toBe(true);
}
