import { expect, test } from '@jest/globals';
import { serviceIsDeregistering } from '../../../rules/connection/service-is-deregistering.ts';
import { alice, aPolicy, aRequest, aService, noon } from '../../builders.ts';

test('service-is-deregistering rejects each request at a service that is being deregistered, and names the actor', () => {
  const deregisteringAt = '2026-11-21T11:00:00.000Z';
  const service = aService({ deregisteringAt, deregisteringBy: alice });
  expect(serviceIsDeregistering.evaluate(aRequest(), aPolicy({ service }), noon)).toEqual({
    outcome: 'reject',
    reason: `orders is being deregistered since ${deregisteringAt} by ${alice}`,
  });
});

test('service-is-deregistering has no finding for any other service', () => {
  expect(serviceIsDeregistering.evaluate(aRequest(), aPolicy(), noon)).toBeUndefined();
});
