import { describe, expect, test } from '@jest/globals';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { ConnectionNotification } from '../../lib/reconcile/connection-notification.ts';
import { handleNotifications } from '../../lib/reconcile/handle-notifications.ts';
import { aConnection, aService, endpointId, hub, serviceId, topicArn } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

function aDoorbell(notification: Partial<ConnectionNotification> = {}): ConnectionNotification {
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

/** The filters of the describe calls for these notifications, and the published events. */
async function answered(...notifications: ConnectionNotification[]) {
  const env = createTestEnv({ services, connections });
  const { changeCounts } = await handleNotifications(notifications, env.deps);
  return {
    looks: env.ec2.describeCalls,
    said: env.published.map(({ connection }) => connection.endpointId),
    changeCounts,
  };
}

describe('a connection notification', () => {
  test('with an endpoint id leads to a describe call for that endpoint', async () => {
    const { looks, said } = await answered(
      aDoorbell({ endpointIds: [endpointId(3)], serviceIds: [serviceId(1)] }),
    );
    expect(looks).toEqual([{ endpointIds: [endpointId(3)], serviceIds: [serviceId(1)] }]);
    expect(said).toEqual([endpointId(3)]);
  });

  test('with an endpoint id and no service id leads to a describe call over all services', async () => {
    const { looks } = await answered(
      aDoorbell({ endpointIds: [endpointId(2)] }),
      aDoorbell({ endpointIds: [endpointId(3)], serviceIds: [serviceId(1)] }),
    );
    expect(looks).toEqual([{ endpointIds: [endpointId(2), endpointId(3)] }]);
  });

  test('with only a service id leads to a describe call for pending connections of that service', async () => {
    const { looks, said } = await answered(aDoorbell({ serviceIds: [serviceId(2)] }));
    expect(looks).toEqual([{ state: 'pendingAcceptance', serviceIds: [serviceId(2)] }]);
    expect(said).toEqual([endpointId(2)]);
  });

  test('without ids leads to a describe call for the services of its topic', async () => {
    const { looks } = await answered(aDoorbell());
    expect(looks).toEqual([{ state: 'pendingAcceptance', serviceIds: [serviceId(1)] }]);
  });

  test('without ids and of an unknown topic leads to a describe call for all pending connections', async () => {
    const { looks, said } = await answered(aDoorbell({ topicArn: `${topicArn}-unknown` }));
    expect(looks).toEqual([{ state: 'pendingAcceptance' }]);
    expect(said).toEqual([endpointId(1), endpointId(2)]);
  });

  test('of an endpoint that does not exist changes nothing', async () => {
    const { changeCounts } = await answered(aDoorbell({ endpointIds: [endpointId(9)] }));
    expect(changeCounts).toEqual({
      described: 0,
      decided: 0,
      changed: 0,
      waiting: 0,
      unregistered: 0,
      unreadable: 0,
    });
  });
});

describe('a batch of connection notifications', () => {
  test('for one endpoint leads to one describe call and one event', async () => {
    const notification = aDoorbell({ endpointIds: [endpointId(1)] });
    const { looks, said } = await answered(notification, notification, notification);
    expect(looks).toHaveLength(1);
    expect(said).toEqual([endpointId(1)]);
  });

  test('in one location leads to one describe call', async () => {
    const { looks } = await answered(...[1, 2, 3].map((n) => aDoorbell({ endpointIds: [endpointId(n)] })));
    expect(looks).toEqual([{ endpointIds: [1, 2, 3].map(endpointId) }]);
  });

  test('of which some name nothing publishes each connection once', async () => {
    const { said } = await answered(aDoorbell({ endpointIds: [endpointId(1)] }), aDoorbell());
    expect(said).toEqual([endpointId(1)]);
  });

  test('leads to describe calls with at most 200 ids in a filter', async () => {
    const endpointIds = Array.from({ length: 201 }, (_, index) => endpointId(index + 1));
    const { looks } = await answered(aDoorbell({ endpointIds }));
    expect(looks.map((look) => look.endpointIds?.length)).toEqual([200, 1]);
  });

  test('for two locations leads to a describe call in each', async () => {
    const elsewhere = { accountId: '222222222222', region: 'eu-west-1' };
    const { looks } = await answered(
      aDoorbell({ endpointIds: [endpointId(1)] }),
      aDoorbell({ endpointIds: [endpointId(2)], location: elsewhere }),
    );
    expect(looks).toHaveLength(2);
  });

  test.each([
    ['whose describe call fails', hub],
    ['whose role cannot be assumed', { accountId: '222222222222', region: 'eu-west-1' }],
  ])('with one for a location %s fails for that location alone', async (_what, location) => {
    const env = createTestEnv({ services, connections });
    const others = { accountId: '333333333333', region: 'eu-west-2' };
    const connectionsClient = (asked: AccountRegion) => {
      if (asked.region !== location.region) return env.ec2;
      if (location === hub) return { page: () => Promise.reject(new Error('away')) };
      throw new Error('no role to assume');
    };
    const notifications = [location, others].map((each) =>
      aDoorbell({ location: each, endpointIds: [endpointId(1)] }),
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
