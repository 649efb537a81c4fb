import * as v from 'valibot';
import type { Invocation } from '../invocation.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import { readService, serviceKey } from '../service/service.ts';
import { byKey } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type Connection, isAnswered } from './connection.ts';
import { type Bus, type ConnectionEvent, eventOf } from './connection-event.ts';
import { type ConnectionRecord, isCurrent, isUnasked, readRecord, recordKey } from './connection-record.ts';

export interface Observing extends Invocation {
  readonly table: Table;
  readonly bus: Bus;
}

/** What was seen in EC2 and what was said of it, in numbers of connections. */
export const Observation = v.object({
  seen: v.number(),
  /** Requests without a current verdict, handed over to be decided. */
  decided: v.number(),
  /** Connections that EC2 shows otherwise than they are remembered. */
  changed: v.number(),
  /** Requests that wait: for a person, or for what stops their service. */
  waiting: v.number(),
  /** Connections to services that are not registered. */
  notOurs: v.number(),
  /** Connections whose record cannot be read, which is reported. */
  unreadable: v.number(),
});
export type Observation = v.InferOutput<typeof Observation>;

export function nothingObserved(): Observation {
  return { seen: 0, decided: 0, changed: 0, waiting: 0, notOurs: 0, unreadable: 0 };
}

/** Adds counts of the same names. */
export function sumOf<Counts extends Readonly<Record<string, number>>>(a: Counts, b: Counts): Counts {
  return Object.fromEntries(
    Object.entries(a).map(([name, count]) => [name, count + (b[name] ?? 0)]),
  ) as Counts;
}

interface ObserveOptions {
  /** Also read what verdicts of requests rest on, and hand over those that rest on something else than is there now. */
  readonly compareVersions?: boolean;
  /** Is shown what is remembered of each connection. */
  readonly onRecord?: (record: ConnectionRecord) => void;
}

/**
 * Compares what EC2 shows with what is remembered, and says on the bus what differs, one event a connection.
 */
export async function observe(
  connections: readonly Connection[],
  deps: Observing,
  { compareVersions = false, onRecord = () => {} }: ObserveOptions = {},
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
    const serviceItem = found.find(serviceKey(connection.serviceId));
    if (!serviceItem) {
      observation.notOurs++;
      continue;
    }
    try {
      const item = found.find(recordKey(connection.endpointId));
      const record = item && readRecord(item);
      if (record) onRecord(record);
      const isOutdated =
        compareVersions &&
        (!record ||
          isUnasked(record) ||
          !isCurrent(record.verdict, consult(connection, found).consulted, now));
      // Who was faster than linkgate may be wrong: what linkgate would have decided is held beside it.
      const isForeign =
        !record &&
        isAnswered(connection.state) &&
        connection.requestedAt >= readService(serviceItem).registeredAt;
      const event = isForeign
        ? ({ type: 'Connection Request', connection, observedAt: now.toISOString() } as const)
        : eventOf(connection, record, now, isOutdated);
      if (event) events.push(event);
      if (event?.type === 'Connection Request') observation.decided++;
      else if (event) observation.changed++;
      else if (connection.state === 'pendingAcceptance' && !record?.effect) observation.waiting++;
    } catch (error) {
      // One item that this version cannot read keeps nobody else waiting.
      observation.unreadable++;
      deps.report(error);
    }
  }
  await deps.bus.publish(events);
  return observation;
}
