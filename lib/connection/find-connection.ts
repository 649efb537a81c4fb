import type { Place } from '../place.ts';
import { placesOf } from '../service/registered-services.ts';
import type { ReadDeps } from '../table/item.ts';
import type { Connection } from './connection.ts';
import { type Connections, everyOne } from './connections.ts';

/** What it takes to look a connection up. */
export interface Looking extends ReadDeps {
  readonly connectionsIn: (place: Place) => Connections;
}

/** As EC2 shows it now; where it is not known which place it is in, every place of a registered service is asked. */
export async function findConnection(
  endpointId: string,
  known: Pick<Connection, 'place' | 'serviceId'> | undefined,
  { connectionsIn, ...deps }: Looking,
): Promise<Connection | undefined> {
  const filter = { endpointIds: [endpointId], ...(known && { serviceIds: [known.serviceId] }) };
  for (const place of known ? [known.place] : await placesOf(deps)) {
    const [connection] = await everyOne(connectionsIn(place), filter);
    if (connection) return connection;
  }
  return undefined;
}
