import { describe, expect, test } from '@jest/globals';
import type { Connections } from '../../lib/connection/connections.ts';
import { findConnection } from '../../lib/connection/find-connection.ts';
import { type Place, placeName } from '../../lib/place.ts';
import { raise } from '../../lib/table/item.ts';
import { aConnection, aService, endpointId, hub, serviceId } from '../builders.ts';
import { shownConnections } from '../doubles/shown-connections.ts';
import { aWorld } from '../doubles/world.ts';

const elsewhere: Place = { accountId: '222222222222', region: 'eu-west-1' };
const services = [aService(), aService({ serviceId: serviceId(2), name: 'payments', place: elsewhere })];

/** Two places with services, of which only the second has the endpoint; and the places that were asked. */
function twoPlaces() {
  const { table } = aWorld({ services });
  const connection = aConnection({ place: elsewhere, serviceId: serviceId(2) });
  const asked: string[] = [];
  const connectionsIn = (place: Place): Connections => {
    asked.push(placeName(place));
    return place.region === elsewhere.region ? shownConnections(connection) : shownConnections();
  };
  return { connection, asked, deps: { table, report: raise, connectionsIn } };
}

describe('an endpoint is looked for', () => {
  test('in every place with a service while nobody knows where it is', async () => {
    const { connection, asked, deps } = twoPlaces();
    expect(await findConnection(endpointId(1), undefined, deps)).toEqual(connection);
    expect(asked.sort()).toEqual([placeName(hub), placeName(elsewhere)].sort());
  });

  test('in its place alone once that is known', async () => {
    const { asked, deps } = twoPlaces();
    expect(
      await findConnection(endpointId(1), { place: hub, serviceId: serviceId(1) }, deps),
    ).toBeUndefined();
    expect(asked).toEqual([placeName(hub)]);
  });

  test('at its service alone once that is known, so that EC2 reads as little as it can', async () => {
    const { table, ec2 } = aWorld({ services });
    const known = { place: hub, serviceId: serviceId(1) };
    await findConnection(endpointId(1), known, { table, report: raise, connectionsIn: () => ec2 });
    expect(ec2.looks).toEqual([{ endpointIds: [endpointId(1)], serviceIds: [serviceId(1)] }]);
  });

  test('in every page, where EC2 refuses to filter by endpoint and a page may have none of them', async () => {
    const connections: Connections = {
      page: async (_filter, nextToken) =>
        nextToken === undefined ? { connections: [], nextToken: 'second' } : { connections: [aConnection()] },
    };
    const { table } = aWorld();
    const deps = { table, report: raise, connectionsIn: () => connections };
    expect(await findConnection(endpointId(1), { place: hub, serviceId: serviceId(1) }, deps)).toEqual(
      aConnection(),
    );
  });
});
