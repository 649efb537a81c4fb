import { expect, test } from '@jest/globals';
import { effectiveEntry, findBlock, orderEntries } from '../../lib/allowlist/effective-entry.ts';
import { anEntry, secondsAfterNoon } from '../builders.ts';

const atService = anEntry({ expiresAt: secondsAfterNoon(-1).toISOString() });
const atEveryService = anEntry({ serviceId: '*' });

test('the entry at the service comes before the one at `*`, even if it has expired', () => {
  const entries = orderEntries([atEveryService, atService]);
  expect(entries).toEqual([atService, atEveryService]);
  expect(effectiveEntry({ entries })).toBe(atService);
});

test('a block at `*` counts beside an entry at the service that allows', () => {
  const block = anEntry({ serviceId: '*', effect: 'block' });
  expect(findBlock([atService, block])).toBe(block);
  expect(findBlock([atService, atEveryService])).toBeUndefined();
});
