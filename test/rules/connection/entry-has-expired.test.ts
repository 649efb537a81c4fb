import { expect, test } from '@jest/globals';
import { entryHasExpired } from '../../../rules/connection/entry-has-expired.ts';
import { anEntry, aPolicy, aRequest, consumer, noon, secondsAfterNoon } from '../../builders.ts';

const entries = [anEntry({ expiresAt: noon.toISOString() })];

test('from the moment of its expiry an entry is asked about', () => {
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries }), noon)).toEqual({
    outcome: 'ask',
    reason: `the entry of account ${consumer} expired at ${noon.toISOString()}`,
  });
});

test('before, and without an expiry, it says nothing', () => {
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries }), secondsAfterNoon(-1))).toBeUndefined();
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries: [anEntry()] }), noon)).toBeUndefined();
});
