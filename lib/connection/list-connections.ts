import type { Invocation } from '../invocation.ts';
import type { Mode } from '../mode/mode.ts';
import { PlacePosition, placeAt, positionIn, tokenAfter } from '../page-token.ts';
import type { Place } from '../place.ts';
import { readEach } from '../table/item.ts';
import { type Connection, type ConnectionState, isLive } from './connection.ts';
import { type ConnectionRecord, isOpen, readRecord, recordKey } from './connection-record.ts';
import { type ConnectionView, viewOf } from './explain.ts';
import type { Looking } from './find-connection.ts';

export interface Listing {
  readonly places: readonly Place[];
  /** Only connections to these services. */
  readonly serviceIds: readonly string[];
  readonly state?: ConnectionState | undefined;
  /** Only this account's. */
  readonly ownerAccountId?: string | undefined;
  /** Only what a person may decide: requests, and connections that live and that people are asked about. */
  readonly waiting: boolean;
  /** Only where what EC2 shows is not what linkgate decided. */
  readonly differs: boolean;
}

interface Listed extends Looking, Pick<Invocation, 'report'> {
  readonly mode: () => Promise<Mode>;
}

const list = 'connections';

/** One page of connections as EC2 has them now, beside linkgate's verdicts. */
export async function listConnections(
  listing: Listing,
  token: string | undefined,
  deps: Listed,
): Promise<{ connections: ConnectionView[]; nextToken?: string }> {
  const { places, serviceIds, state, ownerAccountId } = listing;
  const position = token === undefined ? { place: 0 } : positionIn(list, token, PlacePosition);
  const place = placeAt(places, position);
  if (!place) return { connections: [] };
  const filter = {
    ...(state !== undefined && { state }),
    ...(ownerAccountId !== undefined && { ownerAccountId }),
    ...filterFor(serviceIds),
  };
  const page = await deps.connectionsIn(place).page(filter, position.nextToken);
  const ours = page.connections.filter(({ serviceId }) => serviceIds.includes(serviceId));
  const connections = await besideVerdicts(ours, listing, deps);
  const nextToken = tokenAfter(list, position, page.nextToken, places.length);
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
    if (waiting && !(record && isOpen(record) && isAsSeen(connection, record))) return [];
    const view = viewOf(connection, record, modeNow);
    return differs && view.differs === null ? [] : [view];
  });
}

/** Whether it waits in EC2 or lives there, as it did when people were asked. */
function isAsSeen({ state }: Connection, record: ConnectionRecord): boolean {
  return isLive(state) ? isLive(record.state) : state === record.state;
}
