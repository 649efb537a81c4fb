import { expect, test } from '@jest/globals';
import { entryHasExpired } from '../../../rules/connection/entry-has-expired.ts';
import { anEntry, aPolicy, aRequest, consumer, noon, secondsAfterNoon } from '../../builders.ts';

const entries = [anEntry({ expiresAt: noon.toISOString() })];

test('asks from the time of the expiry', () => {
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries }), noon)).toEqual({
    outcome: 'ask',
    reason: `the entry of account ${consumer} expired at ${noon.toISOString()}`,
  });
});

test('has no finding before the expiry or without one', () => {
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries }), secondsAfterNoon(-1))).toBeUndefined();
  expect(entryHasExpired.evaluate(aRequest(), aPolicy({ entries: [anEntry()] }), noon)).toBeUndefined();
});
