import { describe, test } from '@jest/globals';
import { mustBeNoticed } from './must-be-noticed.ts';
import { sabotages } from './sabotage.ts';

describe('the simulation notices', () => {
  test.each(sabotages.filter(({ isLong }) => !isLong))('$name', mustBeNoticed, 240_000);
});
