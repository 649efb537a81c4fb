import { test } from '@jest/globals';
import { expectKilledBy } from './expect-killed.ts';
import { longMutants } from './mutants.ts';

test.each(longMutants)('the simulation detects over days $name', expectKilledBy, 600_000);
