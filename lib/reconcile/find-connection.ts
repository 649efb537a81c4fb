import type { AccountRegion } from '../locations/account-region.ts';
import type { Connection } from '../privatelink/connection.ts';
import { type Connections, listAllConnections } from '../privatelink/connections.ts';
import { readLocations } from '../services/registered-services.ts';
import type { ReadDeps } from '../storage/entity.ts';

export interface FindDeps extends ReadDeps {
  readonly connectionsClient: (location: AccountRegion) => Connections;
}

/** Describes a connection in EC2. If its location is unknown, searches all locations of registered services. */
export async function findConnection(
  endpointId: string,
  stored: Pick<Connection, 'location' | 'serviceId'> | undefined,
  { connectionsClient, ...deps }: FindDeps,
): Promise<Connection | undefined> {
  const filter = { endpointIds: [endpointId], ...(stored && { serviceIds: [stored.serviceId] }) };
  for (const location of stored ? [stored.location] : await readLocations(deps)) {
    const [connection] = await listAllConnections(connectionsClient(location), filter);
    if (connection) return connection;
  }
  return undefined;
}
