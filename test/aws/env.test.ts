import { expect, test } from '@jest/globals';
import { ConfigError, env } from '../../lib/aws/env.ts';
import { formatAccountRegion, parseAccountRegion } from '../../lib/locations/account-region.ts';
import { hub } from '../builders.ts';

test('a setting is read from the environment that serverless.yml gives', () => {
  expect(env('LINKGATE_STAGE', { LINKGATE_STAGE: 'dev' })).toBe('dev');
});

test.each([{}, { LINKGATE_STAGE: '' }, { LINKGATE_STAGE: 'Dev stage' }])(
  'a function that is wired wrongly fails when it loads: %j',
  (environment) => {
    expect(() => env('LINKGATE_STAGE', environment)).toThrow(ConfigError);
  },
);

test('a place is read back from its name', () => {
  expect(formatAccountRegion(hub)).toBe('111111111111/us-east-1');
  expect(parseAccountRegion(formatAccountRegion(hub))).toEqual(hub);
  expect(() => parseAccountRegion('us-east-1')).toThrow();
});
