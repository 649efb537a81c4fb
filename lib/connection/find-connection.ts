import type { Place } from '../place.ts';
import { placesOf } from '../service/registered-services.ts';
import type { Table } from '../table/table.ts';
import type { Connection } from './connection.ts';
import { type Connections, everyOne } from './connections.ts';

/** What it takes to look a connection up. */
export interface Looking {
  readonly table: Table;
  readonly connectionsIn: (place: Place) => Connections;
}

/** As EC2 shows it now; where it is not known which place it is in, every place of a registered service is asked. */
export async function findConnection(
  endpointId: string,
  known: Pick<Connection, 'place' | 'serviceId'> | undefined,
  { table, connectionsIn }: Looking,
): Promise<Connection | undefined> {
  const filter = { endpointIds: [endpointId], ...(known && { serviceIds: [known.serviceId] }) };
  for (const place of known ? [known.place] : await placesOf(table)) {
    const [connection] = await everyOne(connectionsIn(place), filter);
    if (connection) return connection;
  }
  return undefined;
}
