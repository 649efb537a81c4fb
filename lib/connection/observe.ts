import type { Invocation } from '../invocation.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import { serviceKey } from '../service/service.ts';
import { byKey } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import type { Connection } from './connection.ts';
import { type Bus, type ConnectionEvent, eventOf } from './connection-event.ts';
import { isCurrent, readRecord, recordKey } from './connection-record.ts';

export interface Observing extends Invocation {
  readonly table: Table;
  readonly bus: Bus;
}

/** What was seen in EC2 and what was said of it. */
export interface Observation {
  seen: number;
  /** Requests without a current verdict, handed over to be decided. */
  decided: number;
  /** Connections that EC2 shows otherwise than they are remembered. */
  changed: number;
  /** Requests that wait: for a person, or for what stops their service. */
  waiting: number;
  /** Connections to services that are not registered. */
  notOurs: number;
}

export function nothingObserved(): Observation {
  return { seen: 0, decided: 0, changed: 0, waiting: 0, notOurs: 0 };
}

export function sumOf(a: Observation, b: Observation): Observation {
  return {
    seen: a.seen + b.seen,
    decided: a.decided + b.decided,
    changed: a.changed + b.changed,
    waiting: a.waiting + b.waiting,
    notOurs: a.notOurs + b.notOurs,
  };
}

/**
 * Compares what EC2 shows with what is remembered, and says on the bus what differs, one event a connection.
 * @param compareVersions also read what verdicts of requests rest on, and hand over those that rest on something else than is there now.
 */
export async function observe(
  connections: readonly Connection[],
  deps: Observing,
  { compareVersions = false }: { compareVersions?: boolean } = {},
): Promise<Observation> {
  const requests = connections.filter(({ state }) => state === 'pendingAcceptance');
  const found = byKey(
    await deps.table.get([
      ...connections.map(({ endpointId }) => recordKey(endpointId)),
      ...connections.map(({ serviceId }) => serviceKey(serviceId)),
      ...(compareVersions ? requests.flatMap(policyKeys) : []),
    ]),
  );
  const observation = { ...nothingObserved(), seen: connections.length };
  const events: ConnectionEvent[] = [];
  const now = deps.now();
  for (const connection of connections) {
    if (!found.find(serviceKey(connection.serviceId))) {
      observation.notOurs++;
      continue;
    }
    const item = found.find(recordKey(connection.endpointId));
    const record = item && readRecord(item);
    const policyChanged =
      compareVersions && !isCurrent(record?.verdict, consult(connection, found).consulted, now);
    const event = eventOf(connection, record, now, policyChanged);
    if (event) events.push(event);
    if (event?.type === 'Connection Request') observation.decided++;
    else if (event) observation.changed++;
    else if (connection.state === 'pendingAcceptance' && !record?.effect) observation.waiting++;
  }
  await deps.bus.publish(events);
  return observation;
}
