import type { Place } from '../place.ts';
import type { Table } from '../table/table.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { isOpen, readRecord, recordKey } from './connection-record.ts';
import type { Connections } from './connections.ts';
import { type ConnectionView, viewOf } from './explain.ts';

export interface Listing {
  readonly places: readonly Place[];
  /** Only connections to these services. */
  readonly serviceIds: readonly string[];
  readonly state?: ConnectionState | undefined;
  /** Only requests that a person may decide. */
  readonly waiting: boolean;
}

/** Where a listing goes on: which of its places, and EC2's own token there. */
interface Position {
  readonly place: number;
  readonly nextToken?: string;
}

/** The caller's token is none that this listing gave out. */
export class MalformedTokenError extends Error {
  override readonly name = 'MalformedTokenError';
}

/** One page of connections as EC2 has them now, beside linkgate's verdicts. */
export async function listConnections(
  { places, serviceIds, state, waiting }: Listing,
  token: string | undefined,
  { table, connectionsIn }: { readonly table: Table; readonly connectionsIn: (place: Place) => Connections },
): Promise<{ connections: ConnectionView[]; nextToken?: string }> {
  const position = token === undefined ? { place: 0 } : positionFrom(token);
  const place = places[position.place];
  if (!place) return { connections: [] };
  const wanted = waiting ? 'pendingAcceptance' : state;
  const page = await connectionsIn(place).page(
    { ...(wanted !== undefined && { state: wanted }), ...filterFor(serviceIds) },
    position.nextToken,
  );
  const ours = page.connections.filter(({ serviceId }) => serviceIds.includes(serviceId));
  const connections = await besideVerdicts(ours, waiting, table);
  const next: Position = page.nextToken
    ? { place: position.place, nextToken: page.nextToken }
    : { place: position.place + 1 };
  return { connections, ...(next.place < places.length && { nextToken: tokenFrom(next) }) };
}

/** EC2 takes at most 200 values in a filter; where there are more services, they are told apart here. */
function filterFor(serviceIds: readonly string[]) {
  return serviceIds.length <= 200 ? { serviceIds } : {};
}

async function besideVerdicts(connections: readonly Connection[], waiting: boolean, table: Table) {
  const items = await table.get(connections.map(({ endpointId }) => recordKey(endpointId)));
  const records = new Map(items.map(readRecord).map((record) => [record.endpointId, record]));
  return connections.flatMap((connection) => {
    const record = records.get(connection.endpointId);
    return waiting && !(record && isOpen(record)) ? [] : [viewOf(connection, record)];
  });
}

function tokenFrom(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function positionFrom(token: string): Position {
  try {
    const { place, nextToken } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Position;
    if (Number.isInteger(place) && place >= 0)
      return { place, ...(nextToken !== undefined && { nextToken }) };
  } catch {
    // Said below, as for any other token that is not ours.
  }
  throw new MalformedTokenError('the nextToken is not one that this list gave out; ask again without it');
}
