import type { Invocation } from '../invocation.ts';
import type { Mode } from '../mode/mode.ts';
import { PlacePosition, positionIn, tokenAfter } from '../page-token.ts';
import type { Place } from '../place.ts';
import { readEach } from '../table/item.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { isOpen, readRecord, recordKey } from './connection-record.ts';
import { type ConnectionView, viewOf } from './explain.ts';
import type { Looking } from './find-connection.ts';

export interface Listing {
  readonly places: readonly Place[];
  /** Only connections to these services. */
  readonly serviceIds: readonly string[];
  readonly state?: ConnectionState | undefined;
  /** Only requests that a person may decide. */
  readonly waiting: boolean;
  /** Only where what EC2 shows is not what linkgate decided. */
  readonly differs: boolean;
}

interface Listed extends Looking, Pick<Invocation, 'report'> {
  readonly mode: () => Promise<Mode>;
}

/** One page of connections as EC2 has them now, beside linkgate's verdicts. */
export async function listConnections(
  listing: Listing,
  token: string | undefined,
  deps: Listed,
): Promise<{ connections: ConnectionView[]; nextToken?: string }> {
  const { places, serviceIds, state, waiting } = listing;
  const position = token === undefined ? { place: 0 } : positionIn(token, PlacePosition);
  const place = places[position.place];
  if (!place) return { connections: [] };
  const wanted = waiting ? 'pendingAcceptance' : state;
  const page = await deps
    .connectionsIn(place)
    .page({ ...(wanted !== undefined && { state: wanted }), ...filterFor(serviceIds) }, position.nextToken);
  const ours = page.connections.filter(({ serviceId }) => serviceIds.includes(serviceId));
  const connections = await besideVerdicts(ours, listing, deps);
  const nextToken = tokenAfter(position, page.nextToken, places.length);
  return { connections, ...(nextToken !== undefined && { nextToken }) };
}

/** EC2 takes at most 200 values in a filter; where there are more services, they are told apart here. */
function filterFor(serviceIds: readonly string[]) {
  return serviceIds.length <= 200 ? { serviceIds } : {};
}

async function besideVerdicts(
  connections: readonly Connection[],
  { waiting, differs }: Listing,
  { table, mode, report }: Listed,
) {
  const [items, modeNow] = await Promise.all([
    table.get(connections.map(({ endpointId }) => recordKey(endpointId))),
    mode(),
  ]);
  const records = new Map(readEach(items, readRecord, report).map((record) => [record.endpointId, record]));
  return connections.flatMap((connection) => {
    const record = records.get(connection.endpointId);
    if (waiting && !(record && isOpen(record))) return [];
    const view = viewOf(connection, record, modeNow);
    return differs && view.differs === null ? [] : [view];
  });
}
