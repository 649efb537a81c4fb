import { expect, test } from '@jest/globals';
import { maxEndpointsReached } from '../../../rules/connection/max-endpoints-reached.ts';
import { anEntry, aPolicy, aRequest, consumer, endpointId, noon } from '../../builders.ts';

function evaluate(maxEndpoints: number | undefined, countedEndpointIds: string[]) {
  const entry = anEntry(maxEndpoints === undefined ? {} : { maxEndpoints });
  return maxEndpointsReached.evaluate(aRequest(), aPolicy({ entries: [entry], countedEndpointIds }), noon);
}

test('max-endpoints-reached asks about an endpoint over the limit of the entry', () => {
  expect(evaluate(2, [endpointId(2), endpointId(3)])).toEqual({
    outcome: 'ask',
    reason: `account ${consumer} has 2 of the 2 endpoints that its entry allows`,
  });
});

test('max-endpoints-reached has no finding for the last endpoint within the limit', () => {
  expect(evaluate(2, [endpointId(2)])).toBeUndefined();
});

test('max-endpoints-reached does not count the endpoint that it evaluates', () => {
  expect(evaluate(1, [endpointId(1)])).toBeUndefined();
});

test('max-endpoints-reached has no finding for an entry without a limit', () => {
  expect(evaluate(undefined, [endpointId(2), endpointId(3)])).toBeUndefined();
});

test('max-endpoints-reached asks about the newest endpoints after the limit was lowered', () => {
  const all = [endpointId(3), endpointId(2), endpointId(1)];
  expect(evaluate(1, all)).toEqual({
    outcome: 'ask',
    reason: `account ${consumer} has 2 earlier endpoints, and its entry allows 1`,
  });
  expect(evaluate(3, all)).toBeUndefined();
});
