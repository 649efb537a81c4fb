import { expect, test } from '@jest/globals';
import { configurationDrift } from '../../lib/services/drift.ts';
import type { ServiceConfiguration } from '../../lib/services/endpoint-services.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { aConfiguration, aService, topicArn } from '../builders.ts';

async function listDriftChecks(configuration: ServiceConfiguration | undefined): Promise<string[]> {
  const drift = await configurationDrift(configuration, aService(), { reportError: rethrow });
  return drift.map(({ check }) => check);
}

const [notification] = aConfiguration().notifications;

test('a service with the configuration that linkgate needs has no drift', async () => {
  expect(await listDriftChecks(aConfiguration())).toEqual([]);
});

test.each([
  [
    'that does not require acceptance has the drift `acceptance-is-not-required`',
    { acceptanceRequired: false },
    'acceptance-is-not-required',
  ],
  [
    'that allows every principal has the drift `principal-is-everyone`',
    { principals: ['*'] },
    'principal-is-everyone',
  ],
  ['without its tag has the drift `tag-is-missing`', { isTagged: false }, 'tag-is-missing'],
  [
    'without a connection notification has the drift `notification-is-missing`',
    { notifications: [] },
    'notification-is-missing',
  ],
  [
    'whose connection notification goes to another topic has the drift `notification-is-missing`',
    { notifications: [{ ...notification, topicArn: `${topicArn}-other` }] },
    'notification-is-missing',
  ],
  [
    'with a disabled connection notification has the drift `notification-is-disabled`',
    { notifications: [{ ...notification, isEnabled: false }] },
    'notification-is-disabled',
  ],
  [
    'whose connection notification lacks events has the drift `notification-lacks-events`',
    { notifications: [{ ...notification, events: ['Connect', 'Accept'] }] },
    'notification-lacks-events',
  ],
])('a service %s', async (_what, change, check) => {
  expect(await listDriftChecks(aConfiguration(change as Partial<ServiceConfiguration>))).toEqual([check]);
});

test('a Gateway Load Balancer service without a connection notification has no drift', async () => {
  const configuration = aConfiguration({ isGatewayLoadBalancer: true, notifications: [] });
  expect(await listDriftChecks(configuration)).toEqual([]);
});

test('a service that EC2 does not list has only the drift `service-is-missing`', async () => {
  expect(await listDriftChecks(undefined)).toEqual(['service-is-missing']);
});

test('a service can have several kinds of drift', async () => {
  const configuration = aConfiguration({ principals: ['*'], isTagged: false, notifications: [] });
  expect(await listDriftChecks(configuration)).toEqual([
    'principal-is-everyone',
    'tag-is-missing',
    'notification-is-missing',
  ]);
});
