import * as v from 'valibot';
import { countedKey, isFreed } from '../allowlist/counted-endpoints.ts';
import { isHeldBack } from '../allowlist/held-back.ts';
import type { Invocation } from '../invocation.ts';
import { type Consultation, consult, policyKeys } from '../policy/consult.ts';
import { isStopped } from '../policy/decide.ts';
import type { Rule } from '../policy/rule.ts';
import { decideLive, isToReview } from '../revocation/decide-live.ts';
import { readService, serviceKey } from '../service/service.ts';
import { byKey, readEach } from '../table/item.ts';
import type { Table } from '../table/table.ts';
import { type Connection, isAnswered, isLive } from './connection.ts';
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
  /** Also read what verdicts rest on, and hand over requests whose verdict rests on something else than is there now, and what lives and would be decided otherwise. */
  readonly compare?: { readonly rules: readonly Rule[] } | undefined;
  /** Hand over what lives, whatever would become of it: its time has come. */
  readonly isDue?: boolean;
  /** Is shown what is remembered of each connection. */
  readonly onRecord?: (record: ConnectionRecord) => void;
}

/**
 * Compares what EC2 shows with what is remembered, and says on the bus what differs, one event a connection.
 */
export async function observe(
  connections: readonly Connection[],
  deps: Observing,
  { compare, isDue = false, onRecord = () => {} }: ObserveOptions = {},
): Promise<Observation> {
  const found = byKey(
    await deps.table.get([
      ...connections.map(({ endpointId }) => recordKey(endpointId)),
      ...connections.map(({ serviceId }) => serviceKey(serviceId)),
      ...(compare ? connections.flatMap(policyKeys) : []),
    ]),
  );
  const counted = await countedFor(connections, found, deps);
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
        (compare !== undefined &&
          (!record ||
            isUnasked(record) ||
            !isCurrent(record.verdict, consult(connection, found).consulted, now))) ||
        isFreed(connection, record?.verdict, counted);
      // Who was faster than linkgate may be wrong: what linkgate would have decided is held beside it.
      const isForeign =
        !record &&
        isAnswered(connection.state) &&
        connection.requestedAt >= readService(serviceItem).registeredAt;
      const isToDecide = isForeign || isForReview(connection, record, found, now, { compare, isDue });
      const request = { type: 'Connection Request', connection, observedAt: now.toISOString() } as const;
      const event = isForeign ? undefined : eventOf(connection, record, now, isOutdated);
      const news = [...(isToDecide ? [request] : []), ...(event ? [event] : [])];
      events.push(...news);
      for (const { type } of news) observation[type === 'Connection Request' ? 'decided' : 'changed']++;
      if (news.length > 0) continue;
      if (connection.state === 'pendingAcceptance' && !record?.effect) observation.waiting++;
    } catch (error) {
      // One item that this version cannot read keeps nobody else waiting.
      observation.unreadable++;
      deps.report(error);
    }
  }
  await deps.bus.publish(events);
  return observation;
}

/** What says whether there is room by now for requests that were held back; mostly there are none. */
async function countedFor(
  connections: readonly Connection[],
  found: ReturnType<typeof byKey>,
  { table }: Observing,
): Promise<ReturnType<typeof byKey>> {
  const heldBack = connections.filter(({ endpointId, state }) => {
    const item = state === 'pendingAcceptance' ? found.find(recordKey(endpointId)) : undefined;
    // One that cannot be read is reported as it is observed.
    const record = item && readEach([item], readRecord, () => {})[0];
    return isHeldBack(record?.verdict);
  });
  return byKey(await table.get(heldBack.flatMap((request) => [countedKey(request), ...policyKeys(request)])));
}

/** What lives and is known to live: whether something would become of it that its record does not say. */
function isForReview(
  connection: Connection,
  record: ConnectionRecord | undefined,
  found: ReturnType<typeof byKey>,
  now: Date,
  { compare, isDue }: { readonly compare: ObserveOptions['compare']; readonly isDue: boolean },
): boolean {
  if (!isLive(connection.state) || (record && !isLive(record.state))) return false;
  if (record && isDue) return true;
  if (!compare) return false;
  const { service, entries, unreadable, ...consultation }: Consultation = consult(connection, found);
  // What was never decided is left as it is until the items can be read.
  if (unreadable.length > 0) return record?.verdict !== undefined && !isStopped(record.verdict);
  if (!service) return false;
  // How many endpoints count is for the decision to find out.
  const policy = { service, entries, countedEndpointIds: [], rules: compare.rules };
  const circumstances = { ...consultation, now };
  // What was there first is only looked at, unless somebody commands that it is cut.
  if (!record) return decideLive(connection, undefined, policy, circumstances).revocation !== undefined;
  return isToReview(connection, record, policy, consultation.consulted, circumstances);
}
