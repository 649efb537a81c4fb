import { expect, test } from '@jest/globals';
import { endpointIsNotNamed } from '../../../rules/connection/endpoint-is-not-named.ts';
import { anEntry, aPolicy, aRequest, consumer, endpointId, noon } from '../../builders.ts';

function evaluate(endpointIds?: string[]) {
  const entries = [anEntry(endpointIds ? { endpointIds } : {})];
  return endpointIsNotNamed.evaluate(aRequest({ endpointId: endpointId(1) }), aPolicy({ entries }), noon);
}

test('endpoint-is-not-named asks about an endpoint that the entry does not name', () => {
  expect(evaluate([endpointId(2)])).toEqual({
    outcome: 'ask',
    reason: `the entry of account ${consumer} does not allow the endpoint ${endpointId(1)}`,
  });
});

test('endpoint-is-not-named has no finding for a named endpoint, or for an entry without endpoints', () => {
  expect(evaluate([endpointId(2), endpointId(1)])).toBeUndefined();
  expect(evaluate()).toBeUndefined();
});
