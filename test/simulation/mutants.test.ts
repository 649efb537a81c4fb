import { describe, test } from '@jest/globals';
import { expectKilledBy } from './expect-killed.ts';
import { mutants } from './mutants.ts';

describe('the simulation detects', () => {
  test.each(mutants.filter(({ isLong }) => !isLong))('$name', expectKilledBy, 600_000);
});
