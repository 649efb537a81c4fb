import { describe, expect, test } from '@jest/globals';
import { type AccountRegion, formatAccountRegion } from '../../lib/locations/account-region.ts';
import type { Connections } from '../../lib/privatelink/connections.ts';
import { findConnection } from '../../lib/reconcile/find-connection.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { aConnection, aService, endpointId, hub, serviceId } from '../builders.ts';
import { fakeConnections } from '../doubles/fake-connections.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const otherLocation: AccountRegion = { accountId: '222222222222', region: 'eu-west-1' };
const services = [
  aService(),
  aService({ serviceId: serviceId(2), name: 'payments', location: otherLocation }),
];

/** Two locations with services; only the second has the endpoint. Records the described locations. */
function createTwoLocations() {
  const { table } = createTestEnv({ services });
  const connection = aConnection({ location: otherLocation, serviceId: serviceId(2) });
  const describedLocations: string[] = [];
  const connectionsClient = (location: AccountRegion): Connections => {
    describedLocations.push(formatAccountRegion(location));
    return location.region === otherLocation.region ? fakeConnections(connection) : fakeConnections();
  };
  return { connection, describedLocations, deps: { table, reportError: rethrow, connectionsClient } };
}

describe('finding a connection', () => {
  test('searches every location if there is no record', async () => {
    const { connection, describedLocations, deps } = createTwoLocations();
    expect(await findConnection(endpointId(1), undefined, deps)).toEqual(connection);
    expect(describedLocations.sort()).toEqual(
      [formatAccountRegion(hub), formatAccountRegion(otherLocation)].sort(),
    );
  });

  test('searches only the recorded location', async () => {
    const { describedLocations, deps } = createTwoLocations();
    expect(
      await findConnection(endpointId(1), { location: hub, serviceId: serviceId(1) }, deps),
    ).toBeUndefined();
    expect(describedLocations).toEqual([formatAccountRegion(hub)]);
  });

  test('filters by the recorded service, so that EC2 reads less', async () => {
    const { table, ec2 } = createTestEnv({ services });
    const recorded = { location: hub, serviceId: serviceId(1) };
    await findConnection(endpointId(1), recorded, {
      table,
      reportError: rethrow,
      connectionsClient: () => ec2,
    });
    expect(ec2.describeCalls).toEqual([{ endpointIds: [endpointId(1)], serviceIds: [serviceId(1)] }]);
  });

  test('reads every page when EC2 rejects a filter by endpoint', async () => {
    const connections: Connections = {
      page: async (_filter, nextToken) =>
        nextToken === undefined ? { connections: [], nextToken: 'second' } : { connections: [aConnection()] },
    };
    const { table } = createTestEnv();
    const deps = { table, reportError: rethrow, connectionsClient: () => connections };
    expect(await findConnection(endpointId(1), { location: hub, serviceId: serviceId(1) }, deps)).toEqual(
      aConnection(),
    );
  });
});
