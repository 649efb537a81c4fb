import { expect, test } from '@jest/globals';
import { consumerRegionIsNotNamed } from '../../../rules/connection/consumer-region-is-not-named.ts';
import { anEntry, aPolicy, aRequest, noon } from '../../builders.ts';

function evaluate(endpointRegion: string | undefined, consumerRegions?: string[]) {
  const request = aRequest(endpointRegion === undefined ? {} : { endpointRegion });
  const entries = [anEntry(consumerRegions ? { consumerRegions } : {})];
  return consumerRegionIsNotNamed.evaluate(request, aPolicy({ entries }), noon);
}

test('an endpoint in a Region that the entry does not name is asked about', () => {
  expect(evaluate('eu-west-1', ['us-east-1'])).toEqual({
    outcome: 'ask',
    reason: 'the entry names consumer Regions, and eu-west-1 is not among them',
  });
});

test('an endpoint of which EC2 does not say the Region is asked about, where the entry names some', () => {
  expect(evaluate(undefined, ['us-east-1'])).toEqual({
    outcome: 'ask',
    reason: 'the entry names consumer Regions, and an unknown Region is not among them',
  });
});

test('of an endpoint in a Region that is named, or where the entry names none, it says nothing', () => {
  expect(evaluate('us-east-1', ['eu-west-1', 'us-east-1'])).toBeUndefined();
  expect(evaluate('us-east-1')).toBeUndefined();
});
