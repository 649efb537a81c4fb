import { describe, expect, test } from '@jest/globals';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { ConnectionNotification } from '../../lib/reconcile/connection-notification.ts';
import { noChanges } from '../../lib/reconcile/detect-changes.ts';
import { handleNotifications } from '../../lib/reconcile/handle-notifications.ts';
import { aConnection, aService, endpointId, hub, serviceId, topicArn } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

function aNotification(notification: Partial<ConnectionNotification> = {}): ConnectionNotification {
  return { location: hub, topicArn, endpointIds: [], serviceIds: [], ...notification };
}

const services = [
  aService(),
  aService({ serviceId: serviceId(2), name: 'other', topicArn: `${topicArn}-other` }),
];
const connections = [
  aConnection(),
  aConnection({ endpointId: endpointId(2), serviceId: serviceId(2) }),
  aConnection({ endpointId: endpointId(3), state: 'available' }),
];

/** Handles notifications. @returns the filters of the Describe calls, the published endpoint ids and the counts of changes */
async function handle(...notifications: ConnectionNotification[]) {
  const env = createTestEnv({ services, connections });
  const { changeCounts } = await handleNotifications(notifications, env.deps);
  return {
    filters: env.ec2.describeCalls,
    publishedIds: env.published.map(({ connection }) => connection.endpointId),
    changeCounts,
  };
}

describe('a connection notification', () => {
  test('with an endpoint id leads to a describe call for that endpoint', async () => {
    const { filters, publishedIds } = await handle(
      aNotification({ endpointIds: [endpointId(3)], serviceIds: [serviceId(1)] }),
    );
    expect(filters).toEqual([{ endpointIds: [endpointId(3)], serviceIds: [serviceId(1)] }]);
    expect(publishedIds).toEqual([endpointId(3)]);
  });

  test('with an endpoint id and no service id leads to a describe call over all services', async () => {
    const { filters } = await handle(
      aNotification({ endpointIds: [endpointId(2)] }),
      aNotification({ endpointIds: [endpointId(3)], serviceIds: [serviceId(1)] }),
    );
    expect(filters).toEqual([{ endpointIds: [endpointId(2), endpointId(3)] }]);
  });

  test('with only a service id leads to a describe call for pending connections of that service', async () => {
    const { filters, publishedIds } = await handle(aNotification({ serviceIds: [serviceId(2)] }));
    expect(filters).toEqual([{ state: 'pendingAcceptance', serviceIds: [serviceId(2)] }]);
    expect(publishedIds).toEqual([endpointId(2)]);
  });

  test('without ids leads to a describe call for the services of its topic', async () => {
    const { filters } = await handle(aNotification());
    expect(filters).toEqual([{ state: 'pendingAcceptance', serviceIds: [serviceId(1)] }]);
  });

  test('without ids and of an unknown topic leads to a describe call for all pending connections', async () => {
    const { filters, publishedIds } = await handle(aNotification({ topicArn: `${topicArn}-unknown` }));
    expect(filters).toEqual([{ state: 'pendingAcceptance' }]);
    expect(publishedIds).toEqual([endpointId(1), endpointId(2)]);
  });

  test('of an endpoint that does not exist changes nothing', async () => {
    const { changeCounts } = await handle(aNotification({ endpointIds: [endpointId(9)] }));
    expect(changeCounts).toEqual(noChanges());
  });
});

describe('a batch of connection notifications', () => {
  test('for one endpoint leads to one describe call and one event', async () => {
    const notification = aNotification({ endpointIds: [endpointId(1)] });
    const { filters, publishedIds } = await handle(notification, notification, notification);
    expect(filters).toHaveLength(1);
    expect(publishedIds).toEqual([endpointId(1)]);
  });

  test('with and without ids publishes each connection once', async () => {
    const { publishedIds } = await handle(aNotification({ endpointIds: [endpointId(1)] }), aNotification());
    expect(publishedIds).toEqual([endpointId(1)]);
  });

  test('leads to describe calls with at most 200 ids in a filter', async () => {
    const endpointIds = Array.from({ length: 201 }, (_, index) => endpointId(index + 1));
    const { filters } = await handle(aNotification({ endpointIds }));
    expect(filters.map((filter) => filter.endpointIds?.length)).toEqual([200, 1]);
  });

  test('for two locations leads to a describe call in each', async () => {
    const otherLocation = { accountId: '222222222222', region: 'eu-west-1' };
    const { filters } = await handle(
      aNotification({ endpointIds: [endpointId(1)] }),
      aNotification({ endpointIds: [endpointId(2)], location: otherLocation }),
    );
    expect(filters).toHaveLength(2);
  });

  test.each([
    ['its describe call fails', hub],
    ['its role cannot be assumed', { accountId: '222222222222', region: 'eu-west-1' }],
  ])('fails for one location alone if %s', async (_what, location) => {
    const env = createTestEnv({ services, connections });
    const readable = { accountId: '333333333333', region: 'eu-west-2' };
    const connectionsClient = (requested: AccountRegion) => {
      if (requested.region !== location.region) return env.ec2;
      if (location === hub) return { page: () => Promise.reject(new Error('away')) };
      throw new Error('no role to assume');
    };
    const notifications = [location, readable].map((each) =>
      aNotification({ location: each, endpointIds: [endpointId(1)] }),
    );
    const { changeCounts, failedLocations } = await handleNotifications(notifications, {
      ...env.deps,
      connectionsClient,
    });
    expect([...failedLocations]).toEqual([formatAccountRegion(location)]);
    expect(changeCounts).toMatchObject({ described: 1, decided: 1 });
    expect(env.errors).toHaveLength(1);
  });
});
