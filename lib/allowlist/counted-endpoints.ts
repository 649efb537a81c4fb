import * as v from 'valibot';
import { AccountId, type Connection, EndpointId, isLive, ServiceId } from '../connection/connection.ts';
import {
  isOrMayBeLive,
  mayBeAcceptedLate,
  mayBecomeLive,
  readRecord,
  recordKey,
} from '../connection/connection-record.ts';
import { type Connections, everyOne } from '../connection/connections.ts';
import type { Invocation } from '../invocation.ts';
import { placeName } from '../place.ts';
import { entryThatCounts } from '../policy/rule.ts';
import { type byKey, itemKind, readEach } from '../table/item.ts';
import type { Item, Key, Table, Write } from '../table/table.ts';
import type { AllowlistEntry } from './entry.ts';

/**
 * The endpoints of one account at one service that count against an entry's `maxEndpoints`: kept only while an
 * entry counts, and counted afresh from EC2 when the entry changed.
 */
export const CountedEndpoints = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  endpointIds: v.array(EndpointId),
  /** Of the entry that counts. */
  entryVersion: v.number(),
  version: v.number(),
});
export type CountedEndpoints = v.InferOutput<typeof CountedEndpoints>;

const kind = itemKind(CountedEndpoints.entries);

type Whose = Pick<Connection, 'place' | 'serviceId' | 'ownerAccountId'>;

export function countedIn(place: Connection['place']): string {
  return `COUNTED#${placeName(place)}`;
}

export function countedKey({ place, serviceId, ownerAccountId }: Whose): Key {
  return { pk: countedIn(place), sk: `${serviceId}#${ownerAccountId}` };
}

export function readCounted(item: Item): CountedEndpoints {
  return kind.read(item);
}

/** The change of the set, under the condition that nobody else changed it meanwhile. */
export function countedWrite(
  whose: Whose,
  before: CountedEndpoints | undefined,
  after: CountedEndpoints,
): Write {
  const version = (before?.version ?? 0) + 1;
  return { put: kind.item(countedKey(whose), { ...after, version }), expected: before?.version ?? 0 };
}

/**
 * The endpoints that count now: from the set, or, where it was kept for another version of the entry or not at all, from EC2.
 * Those that may become live count too.
 */
export async function endpointsThatCount(
  whose: Whose,
  entry: AllowlistEntry,
  kept: CountedEndpoints | undefined,
  deps: Pick<Invocation, 'now' | 'report'> & { readonly table: Table; readonly connections: Connections },
): Promise<string[]> {
  if (kept?.entryVersion === entry.version) return kept.endpointIds;
  const { serviceId, ownerAccountId } = whose;
  const theirs = await everyOne(deps.connections, { serviceIds: [serviceId], ownerAccountId });
  const live = theirs
    .filter(({ state }) => isLive(state))
    .sort((a, b) => a.requestedAt.localeCompare(b.requestedAt))
    .map(({ endpointId }) => endpointId);
  const waiting = theirs
    .filter(({ state }) => state === 'pendingAcceptance')
    .map(({ endpointId }) => endpointId);
  // EC2 may be late to list what it was just asked to accept; the set of before knows it.
  const unlisted = (kept?.endpointIds ?? []).filter((id) => !live.includes(id) && !waiting.includes(id));
  const items = await deps.table.get([...waiting, ...unlisted].map(recordKey));
  const records = new Map(
    readEach(items, readRecord, deps.report).map((record) => [record.endpointId, record]),
  );
  const time = deps.now();
  const soon = items.filter(({ sk }) => {
    const record = records.get(sk);
    // What this version cannot read may live.
    if (!record) return true;
    return waiting.includes(sk)
      ? mayBecomeLive(record, time)
      : isOrMayBeLive(record, time) && mayBeAcceptedLate(record, time);
  });
  return [...live, ...soon.map(({ sk }) => sk)];
}

interface Counting extends Pick<Invocation, 'now' | 'report'> {
  readonly table: Table;
  /** Absent where EC2 cannot be asked: then what is kept of it is all there is to count. */
  readonly connectionsIn?: (place: Connection['place']) => Connections;
}

/** The account's endpoints, where its entry counts them. */
export interface Count {
  readonly keeps: boolean;
  readonly endpointIds: readonly string[];
  /** The change of their set. */
  writes(counts: boolean): Write[];
}

/** What counts against the entry of a request's account, if its entry counts. */
export async function countFor(
  request: Connection,
  entries: readonly AllowlistEntry[],
  known: ReturnType<typeof byKey>,
  { table, connectionsIn, now, report }: Counting,
): Promise<Count> {
  const entry = entryThatCounts({ entries });
  if (entry?.maxEndpoints === undefined) return { keeps: false, endpointIds: [], writes: () => [] };

  const item = known.find(countedKey(request));
  const kept = item && readCounted(item);
  // What is not up to date is counted anew with the next decision that can ask EC2, this request among it.
  if (!connectionsIn && kept?.entryVersion !== entry.version)
    return { keeps: true, endpointIds: kept?.endpointIds ?? [], writes: () => [] };
  const connections = connectionsIn?.(request.place);
  const endpointIds = connections
    ? await endpointsThatCount(request, entry, kept, { table, connections, now, report })
    : (kept?.endpointIds ?? []);
  return {
    keeps: true,
    endpointIds,
    writes(counts: boolean): Write[] {
      const { endpointId } = request;
      const others = endpointIds.filter((id) => id !== endpointId);
      // In the order in which they came: where an entry counts fewer from now on, the last to come are the first to go.
      const all = endpointIds.includes(endpointId) ? endpointIds : [...others, endpointId];
      const after = {
        ...kept,
        serviceId: request.serviceId,
        accountId: request.ownerAccountId,
        endpointIds: counts ? [...all] : others,
        entryVersion: entry.version,
        version: 0,
      };
      return [countedWrite(request, kept, after)];
    },
  };
}
