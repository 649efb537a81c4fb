import { expect, test } from '@jest/globals';
import { maxEndpointsReached } from '../../../rules/connection/max-endpoints-reached.ts';
import { anEntry, aPolicy, aRequest, consumer, endpointId, noon } from '../../builders.ts';

function evaluate(maxEndpoints: number | undefined, countedEndpointIds: string[]) {
  const entry = anEntry(maxEndpoints === undefined ? {} : { maxEndpoints });
  return maxEndpointsReached.evaluate(aRequest(), aPolicy({ entries: [entry], countedEndpointIds }), noon);
}

test('one endpoint more than the entry allows is asked about', () => {
  expect(evaluate(2, [endpointId(2), endpointId(3)])).toEqual({
    outcome: 'ask',
    reason: `account ${consumer} has 2 of the 2 endpoints that its entry allows`,
  });
});

test('the last endpoint that the entry allows is not', () => {
  expect(evaluate(2, [endpointId(2)])).toBeUndefined();
});

test('an endpoint that counts already is not counted against itself', () => {
  expect(evaluate(1, [endpointId(1)])).toBeUndefined();
});

test('an entry without a count sets no limit', () => {
  expect(evaluate(undefined, [endpointId(2), endpointId(3)])).toBeUndefined();
});

test('where an entry allows fewer from now on, those that came last are too many', () => {
  const all = [endpointId(3), endpointId(2), endpointId(1)];
  expect(evaluate(1, all)).toEqual({
    outcome: 'ask',
    reason: `account ${consumer} has 2 endpoints before it, and its entry allows 1`,
  });
  expect(evaluate(3, all)).toBeUndefined();
});
