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
import { itemKind, readEach } from '../table/item.ts';
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
  const live = theirs.filter(({ state }) => isLive(state)).map(({ endpointId }) => endpointId);
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
