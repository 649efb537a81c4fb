import type { Place } from '../place.ts';
import { placesOf } from '../service/registered-services.ts';
import type { Connection } from './connection.ts';
import { everyOne } from './connections.ts';
import type { Deciding } from './decide-connections.ts';

/** As EC2 shows it now; where it is not known which place it is in, every place of a registered service is asked. */
export async function findConnection(
  endpointId: string,
  known: Place | undefined,
  { table, connectionsIn }: Pick<Deciding, 'table' | 'connectionsIn'>,
): Promise<Connection | undefined> {
  for (const place of known ? [known] : await placesOf(table)) {
    const [connection] = await everyOne(connectionsIn(place), { endpointIds: [endpointId] });
    if (connection) return connection;
  }
  return undefined;
}
