import { expect, test } from '@jest/globals';
import { consumerRegionIsNotNamed } from '../../../rules/connection/consumer-region-is-not-named.ts';
import { anEntry, aPolicy, aRequest, consumer, noon } from '../../builders.ts';

function evaluate(endpointRegion: string | undefined, consumerRegions?: string[]) {
  const request = aRequest(endpointRegion === undefined ? {} : { endpointRegion });
  const entries = [anEntry(consumerRegions ? { consumerRegions } : {})];
  return consumerRegionIsNotNamed.evaluate(request, aPolicy({ entries }), noon);
}

test('consumer-region-is-not-named asks about an endpoint in a Region that the entry does not name', () => {
  expect(evaluate('eu-west-1', ['us-east-1'])).toEqual({
    outcome: 'ask',
    reason: `the entry of account ${consumer} does not allow the consumer Region eu-west-1`,
  });
});

test('consumer-region-is-not-named asks about an endpoint whose Region EC2 does not return, if the entry names Regions', () => {
  expect(evaluate(undefined, ['us-east-1'])).toEqual({
    outcome: 'ask',
    reason: `the entry of account ${consumer} does not allow an unknown consumer Region`,
  });
});

test('consumer-region-is-not-named has no finding for a named Region, or for an entry without Regions', () => {
  expect(evaluate('us-east-1', ['eu-west-1', 'us-east-1'])).toBeUndefined();
  expect(evaluate('us-east-1')).toBeUndefined();
});
