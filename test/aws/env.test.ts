import { expect, test } from '@jest/globals';
import { ConfigError, env } from '../../lib/aws/env.ts';
import { formatAccountRegion, parseAccountRegion } from '../../lib/locations/account-region.ts';
import { hub } from '../builders.ts';

test('a variable is read from the environment', () => {
  expect(env('LINKGATE_STAGE', { LINKGATE_STAGE: 'dev' })).toBe('dev');
});

test.each([{}, { LINKGATE_STAGE: '' }, { LINKGATE_STAGE: 'Dev stage' }])(
  'an invalid variable is an error when the function loads: %j',
  (environment) => {
    expect(() => env('LINKGATE_STAGE', environment)).toThrow(ConfigError);
  },
);

test('a location is parsed from its text form', () => {
  expect(formatAccountRegion(hub)).toBe('111111111111/us-east-1');
  expect(parseAccountRegion(formatAccountRegion(hub))).toEqual(hub);
  expect(() => parseAccountRegion('us-east-1')).toThrow();
});
