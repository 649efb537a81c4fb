import { expect, test } from '@jest/globals';
import { serviceIsPaused } from '../../../rules/connection/service-is-paused.ts';
import { alice, aPolicy, aRequest, aService, noon } from '../../builders.ts';

test('service-is-paused puts each request at a paused service on hold', () => {
  const service = aService({ pausedAt: '2026-11-21T11:00:00.000Z' });
  expect(serviceIsPaused.evaluate(aRequest(), aPolicy({ service }), noon)).toEqual({
    outcome: 'hold',
    reason: 'orders is paused since 2026-11-21T11:00:00.000Z',
  });
});

test('service-is-paused has no finding for a service that is not paused', () => {
  expect(serviceIsPaused.evaluate(aRequest(), aPolicy(), noon)).toBeUndefined();
});

test('service-is-paused names the actor and the reason of the pause', () => {
  const pausedAt = '2026-11-21T11:00:00.000Z';
  const service = aService({ pausedAt, pausedBy: alice, pauseReason: 'incident 7' });
  expect(serviceIsPaused.evaluate(aRequest(), aPolicy({ service }), noon)).toMatchObject({
    reason: `orders is paused since ${pausedAt} by ${alice}: incident 7`,
  });
});
