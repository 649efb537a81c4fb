import { expect, test } from '@jest/globals';
import { explainInvalidExpiry, parseExpiry, resolveExpiry } from '../../lib/allowlist/parse-expiry.ts';
import { noon } from '../builders.ts';

test.each([
  ['30d', '2026-12-21T12:00:00.000Z'],
  ['12h', '2026-11-22T00:00:00.000Z'],
  ['2027-01-31', '2027-01-31T23:59:59.999Z'],
  ['2027-01-31T10:00:00+02:00', '2027-01-31T08:00:00.000Z'],
])('the expiry `%s` is %s', (text, instant) => {
  const expiry = parseExpiry(text);
  expect(expiry && resolveExpiry(expiry, noon).toISOString()).toBe(instant);
});

const form = 'write a date such as 2027-01-31';

test.each([
  ['soon', form],
  ['0d', form],
  ['30', form],
  ['2027-01-31T10:00', form],
  ['2027-01-31T10:00:00+02', form],
  ['2027-01-31T10:00:00+0200', form],
  ['2027-01-31 10:00:00Z', form],
  ['', form],
  ['2027-02-30', 'there is no day 2027-02-30'],
  ['2027-13-01', 'there is no day 2027-13-01'],
])('`%s` is not an expiry: %s', (text, why) => {
  expect(parseExpiry(text)).toBeUndefined();
  expect(explainInvalidExpiry(text)).toContain(why);
});
