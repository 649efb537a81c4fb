import type { Connection } from '../connection/connection.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connection/connection-record.ts';
import { type Deciding, decideConnection } from '../connection/decide-connections.ts';
import { type Place, placeName } from '../place.ts';
import { registeredServices } from '../service/register-service.ts';
import type { Approval } from './approval.ts';

export interface Word {
  readonly decision: Approval['decision'];
  /** The authenticated caller. */
  readonly by: string;
  readonly reason?: string;
}

export type PersonsDecision =
  | { readonly status: 'decided'; readonly approval: Approval; readonly record: ConnectionRecord }
  /** Somebody or something was faster, or EC2 no longer waits for an answer. */
  | { readonly status: 'not-open'; readonly record?: ConnectionRecord; readonly connection?: Connection }
  | { readonly status: 'unknown' };

/**
 * A person approves or denies an open request. Whether it is open is checked in EC2 and in the record at this moment;
 * of two people at once one wins, by the record's version.
 */
export async function decideByPerson(
  endpointId: string,
  word: Word,
  deps: Deciding,
): Promise<PersonsDecision> {
  const [item] = await deps.table.get([recordKey(endpointId)]);
  const record = item && readRecord(item);
  const connection = await findConnection(endpointId, record?.place, deps);
  if (!connection) return record ? { status: 'not-open', record } : { status: 'unknown' };
  if (connection.state !== 'pendingAcceptance')
    return { status: 'not-open', connection, ...(record && { record }) };

  const approval: Approval = { ...word, at: deps.now().toISOString() };
  const decision = await decideConnection(connection, deps, { approval });
  if (decision.outcome === 'unregistered') return { status: 'unknown' };
  if (decision.outcome === 'passed') return { status: 'not-open', connection };
  if (decision.outcome === 'not-open') return { status: 'not-open', connection, record: decision.record };
  if (decision.record.effect) await deps.doorbell.ring(connection.place);
  return { status: 'decided', approval, record: decision.record };
}

/** As EC2 shows it now; where it is not known which place it is in, every place of a registered service is asked. */
export async function findConnection(
  endpointId: string,
  known: Place | undefined,
  { table, connectionsIn }: Pick<Deciding, 'table' | 'connectionsIn'>,
): Promise<Connection | undefined> {
  for (const place of known ? [known] : await placesOf(table)) {
    const { connections } = await connectionsIn(place).page({ endpointIds: [endpointId] });
    if (connections[0]) return connections[0];
  }
  return undefined;
}

/** The places in which services are registered. */
export async function placesOf(table: Deciding['table']): Promise<Place[]> {
  const services = await registeredServices(table);
  return [...new Map(services.map(({ place }) => [placeName(place), place])).values()];
}
