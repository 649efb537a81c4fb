import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { Instant } from '../../lib/values/instant.ts';

test.each([
  ['2099-01-31T12:00:00Z', '2099-01-31T12:00:00.000Z'],
  ['2099-01-31T12:00:00.5Z', '2099-01-31T12:00:00.500Z'],
  ['2099-01-31T12:00:00.123456789Z', '2099-01-31T12:00:00.123Z'],
  ['2099-01-31T12:00:00+02:00', '2099-01-31T10:00:00.000Z'],
  ['2099-12-31T23:00:00-05:30', '2100-01-01T04:30:00.000Z'],
  ['2096-02-29T00:00:00Z', '2096-02-29T00:00:00.000Z'],
])('the time `%s` is normalized to %s', (text, normalized) => {
  expect(v.parse(Instant, text)).toBe(normalized);
  expect(v.parse(Instant, normalized)).toBe(normalized);
});

test.each([
  '2099-01-31T12:00:00+02',
  '2099-01-31T12:00:00+0200',
  '2099-01-31 12:00:00Z',
  '2099-01-31T12:00Z',
  '2099-01-31T24:00:00Z',
  '2099-01-31T12:00:60Z',
  '2099-01-31T12:00:00+24:00',
  '2099-01-31T12:00:00',
  '2099-01-31t12:00:00z',
  '9999-12-31T23:59:59-01:00',
  '2099-01-31',
  ' 2099-01-31T12:00:00Z',
  '',
])('`%s` is refused as a time, and the message shows the format', (text) => {
  const { issues } = v.safeParse(Instant, text);
  expect(issues?.[0].message).toBe(
    'write a date-time such as 2027-01-31T12:00:00Z or 2027-01-31T12:00:00+02:00',
  );
});

test.each([
  ['2099-02-30T12:00:00Z', '2099-02-30'],
  ['2099-02-29T12:00:00Z', '2099-02-29'],
  ['2099-13-01T12:00:00+02:00', '2099-13-01'],
  ['2099-04-31T00:00:00+0200', '2099-04-31'],
])('`%s` is refused because its day does not exist, and the message says so', (text, day) => {
  expect(v.safeParse(Instant, text).issues?.[0].message).toBe(`there is no day ${day}`);
});
