import type { AccountRegion } from '../locations/account-region.ts';
import type { Connection } from '../privatelink/connection.ts';
import { type Connections, listAllConnections } from '../privatelink/connections.ts';
import { readLocations } from '../services/registered-services.ts';
import type { ReadDeps } from '../storage/entity.ts';

/** What it takes to look a connection up. */
export interface FindDeps extends ReadDeps {
  readonly connectionsClient: (location: AccountRegion) => Connections;
}

/** As EC2 shows it now; where it is not known which place it is in, every place of a registered service is asked. */
export async function findConnection(
  endpointId: string,
  known: Pick<Connection, 'location' | 'serviceId'> | undefined,
  { connectionsClient, ...deps }: FindDeps,
): Promise<Connection | undefined> {
  const filter = { endpointIds: [endpointId], ...(known && { serviceIds: [known.serviceId] }) };
  for (const location of known ? [known.location] : await readLocations(deps)) {
    const [connection] = await listAllConnections(connectionsClient(location), filter);
    if (connection) return connection;
  }
  return undefined;
}
