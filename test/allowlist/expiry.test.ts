import { expect, test } from '@jest/globals';
import { expiryIn, instantOf } from '../../lib/allowlist/expiry.ts';
import { noon } from '../builders.ts';

test.each([
  ['30d', '2026-12-21T12:00:00.000Z'],
  ['12h', '2026-11-22T00:00:00.000Z'],
  ['2027-01-31', '2027-01-31T23:59:59.999Z'],
  ['2027-01-31T10:00+02:00', '2027-01-31T08:00:00.000Z'],
])('an entry that expires `%s` does so at %s', (text, instant) => {
  const expiry = expiryIn(text);
  expect(expiry && instantOf(expiry, noon).toISOString()).toBe(instant);
});

test.each(['soon', '0d', '30', '2027-02-30', '2027-13-01', '2027-01-31T10:00', ''])(
  '`%s` is no expiry',
  (text) => {
    expect(expiryIn(text)).toBeUndefined();
  },
);
