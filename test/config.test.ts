import { expect, test } from '@jest/globals';
import { ConfigError, setting } from '../lib/config.ts';
import { placeName, placeNamed } from '../lib/place.ts';
import { hub } from './builders.ts';

test('a setting is read from the environment that serverless.yml gives', () => {
  expect(setting('LINKGATE_STAGE', { LINKGATE_STAGE: 'dev' })).toBe('dev');
});

test.each([{}, { LINKGATE_STAGE: '' }, { LINKGATE_STAGE: 'Dev stage' }])(
  'a function that is wired wrongly fails when it loads: %j',
  (environment) => {
    expect(() => setting('LINKGATE_STAGE', environment)).toThrow(ConfigError);
  },
);

test('a place is read back from its name', () => {
  expect(placeName(hub)).toBe('111111111111/us-east-1');
  expect(placeNamed(placeName(hub))).toEqual(hub);
  expect(() => placeNamed('us-east-1')).toThrow();
});
