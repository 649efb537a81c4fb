import { expect, test } from '@jest/globals';
import { configurationDrift } from '../../lib/services/drift.ts';
import type { ServiceConfiguration } from '../../lib/services/endpoint-services.ts';
import { aConfiguration, topicArn } from '../builders.ts';

function checksOf(configuration: ServiceConfiguration | undefined): string[] {
  return configurationDrift(configuration, topicArn).map(({ check }) => check);
}

const [notification] = aConfiguration().notifications;

test('a service that has all that linkgate needs has not drifted', () => {
  expect(checksOf(aConfiguration())).toEqual([]);
});

test.each([
  ['that accepts everyone by itself', { acceptanceRequired: false }, 'acceptance-is-not-required'],
  ['that lets everybody ask', { principals: ['*'] }, 'principal-is-everyone'],
  ['that lost its tag', { isTagged: false }, 'tag-is-missing'],
  ['that does not ring', { notifications: [] }, 'notification-is-missing'],
  [
    "that rings only somebody else's topic",
    { notifications: [{ ...notification, topicArn: `${topicArn}-other` }] },
    'notification-is-missing',
  ],
  [
    'whose connection notification AWS disabled',
    { notifications: [{ ...notification, isEnabled: false }] },
    'notification-is-disabled',
  ],
  [
    'that rings for some events only',
    { notifications: [{ ...notification, events: ['Connect', 'Accept'] }] },
    'notification-lacks-events',
  ],
])('of a service %s that is said', (_what, change, check) => {
  expect(checksOf(aConfiguration(change as Partial<ServiceConfiguration>))).toEqual([check]);
});

test('a Gateway Load Balancer service without a connection notification has not drifted', () => {
  expect(checksOf(aConfiguration({ isGatewayLoadBalancer: true, notifications: [] }))).toEqual([]);
  expect(
    checksOf(aConfiguration({ isGatewayLoadBalancer: true, notifications: [], isTagged: false })),
  ).toEqual(['tag-is-missing']);
});

test('of a service that is there no more nothing else is said', () => {
  expect(checksOf(undefined)).toEqual(['service-is-missing']);
});

test('what drifted is said all at once', () => {
  expect(checksOf(aConfiguration({ principals: ['*'], isTagged: false, notifications: [] }))).toEqual([
    'principal-is-everyone',
    'tag-is-missing',
    'notification-is-missing',
  ]);
});
