import { expect, test } from '@jest/globals';
import { configurationDrift } from '../../lib/services/drift.ts';
import { connectionEvents, type ServiceConfiguration } from '../../lib/services/endpoint-services.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { aConfiguration, aService, topicArn } from '../builders.ts';

async function listDriftChecks(configuration: ServiceConfiguration | undefined): Promise<string[]> {
  const drift = await configurationDrift(configuration, aService(), { reportError: rethrow });
  return drift.map(({ check }) => check);
}

const notification = { notificationId: 'vpce-nfn-1', topicArn, events: connectionEvents, isEnabled: true };

test('a service with the configuration that linkgate needs has no drift', async () => {
  expect(await listDriftChecks(aConfiguration())).toEqual([]);
});

test.each<[string, Partial<ServiceConfiguration>]>([
  ['acceptance-is-not-required', { acceptanceRequired: false }],
  ['principal-is-everyone', { principals: ['*'] }],
  ['tag-is-missing', { isTagged: false }],
  ['notification-is-missing', { notifications: [] }],
  ['notification-is-missing', { notifications: [{ ...notification, topicArn: `${topicArn}-other` }] }],
  ['notification-is-disabled', { notifications: [{ ...notification, isEnabled: false }] }],
  ['notification-lacks-events', { notifications: [{ ...notification, events: ['Connect', 'Accept'] }] }],
])('the drift `%s` is found in a service with %j', async (check, change) => {
  expect(await listDriftChecks(aConfiguration(change))).toEqual([check]);
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
