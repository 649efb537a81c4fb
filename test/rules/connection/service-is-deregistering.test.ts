import { expect, test } from '@jest/globals';
import { serviceIsDeregistering } from '../../../rules/connection/service-is-deregistering.ts';
import { alice, aPolicy, aRequest, aService, noon } from '../../builders.ts';

test('of a service that is being taken out everything is rejected, and who takes it out is told', () => {
  const deregisteringAt = '2026-11-21T11:00:00.000Z';
  const service = aService({ deregisteringAt, deregisteringBy: alice });
  expect(serviceIsDeregistering.evaluate(aRequest(), aPolicy({ service }), noon)).toEqual({
    outcome: 'reject',
    reason: `orders is being taken out since ${deregisteringAt} by ${alice}`,
  });
});

test('of a service that stays it says nothing', () => {
  expect(serviceIsDeregistering.evaluate(aRequest(), aPolicy(), noon)).toBeUndefined();
});
