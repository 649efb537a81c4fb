import { expect } from '@jest/globals';
import type { mutants } from './mutants.ts';
import { simulate } from './simulate.ts';

/** How many seeds are tried. */
const most = 200;

/** Plays one seed after the other until the promise that the sabotage breaks is found broken. */
export async function expectKilledBy({
  sabotage,
  breaks,
  from = 1,
  isObserving = false,
  isLong = false,
}: (typeof mutants)[number]): Promise<void> {
  let noticed = false;
  for (let seed = from; seed < from + most && !noticed; seed++) {
    const { broken } = await simulate(seed, { isObserving, isLong, sabotage: sabotage() });
    noticed = broken?.promise === breaks;
  }
  expect(noticed).toBe(true);
}
