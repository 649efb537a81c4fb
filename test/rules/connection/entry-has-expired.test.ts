import { expect, test } from '@jest/globals';
import { entryHasExpired } from '../../../rules/connection/entry-has-expired.ts';
import { anEntry, aPolicy, aRequest, consumer, noon, secondsAfterNoon } from '../../builders.ts';

const entries = [anEntry({ expiresAt: noon.toISOString() })];

test('entry-has-expired asks from the time at which the entry expires', () => {
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries }), noon)).toEqual({
    outcome: 'ask',
    reason: `the entry of account ${consumer} expired at ${noon.toISOString()}`,
  });
});

test('entry-has-expired has no finding before that time, or for an entry that does not expire', () => {
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries }), secondsAfterNoon(-1))).toBeUndefined();
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries: [anEntry()] }), noon)).toBeUndefined();
});
