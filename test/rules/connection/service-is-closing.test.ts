import { expect, test } from '@jest/globals';
import { serviceIsClosing } from '../../../rules/connection/service-is-closing.ts';
import { alice, aPolicy, aRequest, aService, noon } from '../../builders.ts';

test('of a service that is being taken out everything is rejected, and who takes it out is told', () => {
  const closingAt = '2026-11-21T11:00:00.000Z';
  const service = aService({ closingAt, closingBy: alice });
  expect(serviceIsClosing.examine(aRequest(), aPolicy({ service }), noon)).toEqual({
    outcome: 'reject',
    reason: `orders is being taken out since ${closingAt} by ${alice}`,
  });
});

test('of a service that stays it says nothing', () => {
  expect(serviceIsClosing.examine(aRequest(), aPolicy(), noon)).toBeUndefined();
});
