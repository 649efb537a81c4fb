import { test } from '@jest/globals';
import { expectKilledBy } from './expect-killed.ts';
import { mutants } from './mutants.ts';

test.each(mutants)('the simulation detects $name', expectKilledBy, 600_000);
