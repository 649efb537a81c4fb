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
import { consult } from '../policy/consult.ts';
import type { Verdict } from '../policy/decide.ts';
import { entryThatCounts } from '../policy/rule.ts';
import { type byKey, itemKind, readEach } from '../table/item.ts';
import type { Item, Key, Table, Write } from '../table/table.ts';
import type { AllowlistEntry } from './entry.ts';
import { endpointsBefore, HeldBack, isHeldBack, lineWith } from './held-back.ts';

/**
 * The endpoints of one account at one service that count against an entry's `maxEndpoints`, and who waits for one of them to
 * end: kept only while an entry counts, and counted afresh from EC2 when the entry changed.
 */
export const CountedEndpoints = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  endpointIds: v.array(EndpointId),
  /** Requests that wait for one of these to end, the first to ask first. */
  heldBack: v.exactOptional(v.array(HeldBack)),
  /** Of the entry that counts. */
  entryVersion: v.number(),
  version: v.number(),
});
export type CountedEndpoints = v.InferOutput<typeof CountedEndpoints>;

const kind = itemKind(CountedEndpoints.entries);

type Whose = Pick<Connection, 'place' | 'serviceId' | 'ownerAccountId'>;

/** How the partitions of all places begin. */
export const allCounted = 'COUNTED#';

export function countedIn(place: Connection['place']): string {
  return `${allCounted}${placeName(place)}`;
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
  return {
    put: kind.item(countedKey(whose), { ...after, version }),
    expected: before?.version ?? 0,
  };
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

/** Whether there is room by now for a request that was held back. */
export function isFreed(
  request: Connection,
  verdict: Verdict | undefined,
  found: Pick<ReturnType<typeof byKey>, 'find'>,
): boolean {
  if (verdict?.outcome !== 'ask' || !isHeldBack(verdict)) return false;
  const entry = entryThatCounts(consult(request, found));
  const item = found.find(countedKey(request));
  if (entry?.maxEndpoints === undefined || !item) return false;
  // Where the set cannot be read, the decision finds that out.
  const [kept] = readEach([item], readCounted, () => {});
  if (!kept) return true;
  const { endpointIds, heldBack = [], entryVersion } = kept;
  return (
    entryVersion === entry.version &&
    endpointsBefore(request, endpointIds, heldBack).length < entry.maxEndpoints
  );
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
  /** Those that come before this request, with those that are held back since before it. */
  readonly before: readonly string[];
  /** The change of their set. */
  writes(counts: boolean, waits: boolean): Write[];
}

/** What counts against the entry of a request's account, if its entry counts. */
export async function countFor(
  request: Connection,
  entries: readonly AllowlistEntry[],
  found: ReturnType<typeof byKey>,
  { table, connectionsIn, now, report }: Counting,
): Promise<Count> {
  const entry = entryThatCounts({ entries });
  if (entry?.maxEndpoints === undefined)
    return { keeps: false, endpointIds: [], before: [], writes: () => [] };

  const item = found.find(countedKey(request));
  const kept = item && readCounted(item);
  const { endpointIds: known = [], heldBack = [] } = kept ?? {};
  const before = (endpointIds: readonly string[]) => endpointsBefore(request, endpointIds, heldBack);
  // What is not up to date is counted anew with the next decision that can ask EC2, this request among it.
  if (!connectionsIn && kept?.entryVersion !== entry.version)
    return { keeps: true, endpointIds: known, before: before(known), writes: () => [] };
  const connections = connectionsIn?.(request.place);
  const endpointIds = connections
    ? await endpointsThatCount(request, entry, kept, { table, connections, now, report })
    : known;
  return {
    keeps: true,
    endpointIds,
    before: before(endpointIds),
    writes(counts: boolean, waits: boolean): Write[] {
      const { endpointId } = request;
      const others = endpointIds.filter((id) => id !== endpointId);
      // In the order in which they came: where an entry counts fewer from now on, the last to come are the first to go.
      const all = endpointIds.includes(endpointId) ? endpointIds : [...others, endpointId];
      const after = {
        ...kept,
        serviceId: request.serviceId,
        accountId: request.ownerAccountId,
        endpointIds: counts ? [...all] : others,
        heldBack: lineWith(heldBack, request, waits),
        entryVersion: entry.version,
        version: 0,
      };
      return [countedWrite(request, kept, after)];
    },
  };
}
