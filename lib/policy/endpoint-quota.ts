import * as v from 'valibot';
import type { AllowlistEntry } from '../allowlist/entry.ts';
import {
  acceptMayBeInFlight,
  canStillConnect,
  maybeConnected,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { formatAccountRegion } from '../locations/account-region.ts';
import { AccountId, type Connection, EndpointId, isConnected, ServiceId } from '../privatelink/connection.ts';
import { type Connections, listAllConnections } from '../privatelink/connections.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, type indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, Key, Table, Write } from '../storage/table.ts';
import type { Verdict } from '../verdicts/verdict.ts';
import { endpointsBefore, HeldBackRequest, isHeldBack, updateWaitingLine } from './held-back.ts';
import { readPolicyInputs } from './policy-inputs.ts';
import { effectiveEntry } from './rule.ts';

/**
 * The endpoints of one account at one service that count against an entry's `maxEndpoints`, and who waits for one of them to
 * end: kept only while an entry counts, and counted afresh from EC2 when the entry changed.
 */
export const EndpointQuota = v.object({
  serviceId: ServiceId,
  accountId: AccountId,
  endpointIds: v.array(EndpointId),
  /** Requests that wait for one of these to end, the first to ask first. */
  heldBack: v.exactOptional(v.array(HeldBackRequest)),
  /** Of the entry that counts. */
  entryVersion: v.number(),
  version: v.number(),
});
export type EndpointQuota = v.InferOutput<typeof EndpointQuota>;

const endpointQuotaEntity = entity(EndpointQuota.entries);

type Whose = Pick<Connection, 'location' | 'serviceId' | 'ownerAccountId'>;

/** How the partitions of all places begin. */
export const quotaPartitionPrefix = 'ENDPOINT_QUOTA#';

export function quotaPartition(location: Connection['location']): string {
  return `${quotaPartitionPrefix}${formatAccountRegion(location)}`;
}

export function endpointQuotaKey({ location, serviceId, ownerAccountId }: Whose): Key {
  return { pk: quotaPartition(location), sk: `${serviceId}#${ownerAccountId}` };
}

export function readEndpointQuota(item: Item): EndpointQuota {
  return endpointQuotaEntity.read(item);
}

/** The change of the set, under the condition that nobody else changed it meanwhile. */
export function quotaWrite(whose: Whose, before: EndpointQuota | undefined, after: EndpointQuota): Write {
  const version = (before?.version ?? 0) + 1;
  return {
    put: endpointQuotaEntity.item(endpointQuotaKey(whose), { ...after, version }),
    expected: before?.version ?? 0,
  };
}

/**
 * The endpoints that count now: from the set, or, where it was kept for another version of the entry or not at all, from EC2.
 * Those that may become live count too.
 */
export async function countEndpoints(
  whose: Whose,
  entry: AllowlistEntry,
  kept: EndpointQuota | undefined,
  deps: Pick<Runtime, 'now' | 'reportError'> & { readonly table: Table; readonly connections: Connections },
): Promise<string[]> {
  if (kept?.entryVersion === entry.version) return kept.endpointIds;
  const { serviceId, ownerAccountId } = whose;
  const theirs = await listAllConnections(deps.connections, { serviceIds: [serviceId], ownerAccountId });
  const live = theirs
    .filter(({ state }) => isConnected(state))
    .sort((a, b) => a.requestedAt.localeCompare(b.requestedAt))
    .map(({ endpointId }) => endpointId);
  const waiting = theirs
    .filter(({ state }) => state === 'pendingAcceptance')
    .map(({ endpointId }) => endpointId);
  // EC2 may be late to list what it was just asked to accept; the set of before knows it.
  const unlisted = (kept?.endpointIds ?? []).filter((id) => !live.includes(id) && !waiting.includes(id));
  const items = await deps.table.get([...waiting, ...unlisted].map(recordKey));
  const records = new Map(
    parseEach(items, readRecord, deps.reportError).map((record) => [record.endpointId, record]),
  );
  const time = deps.now();
  const soon = items.filter(({ sk }) => {
    const record = records.get(sk);
    // What this version cannot read may live.
    if (!record) return true;
    return waiting.includes(sk)
      ? canStillConnect(record, time)
      : maybeConnected(record, time) && acceptMayBeInFlight(record, time);
  });
  return [...live, ...soon.map(({ sk }) => sk)];
}

/** Whether there is room by now for a request that was held back. */
export function hasFreedQuota(
  request: Connection,
  verdict: Verdict | undefined,
  found: Pick<ReturnType<typeof indexByKey>, 'find'>,
): boolean {
  if (verdict?.outcome !== 'ask' || !isHeldBack(verdict)) return false;
  const entry = effectiveEntry(readPolicyInputs(request, found));
  const item = found.find(endpointQuotaKey(request));
  if (entry?.maxEndpoints === undefined || !item) return false;
  // Where the set cannot be read, the decision finds that out.
  const [kept] = parseEach([item], readEndpointQuota, () => {});
  if (!kept) return true;
  const { endpointIds, heldBack = [], entryVersion } = kept;
  return (
    entryVersion === entry.version &&
    endpointsBefore(request, endpointIds, heldBack).length < entry.maxEndpoints
  );
}

interface EndpointQuotaDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  /** Absent where EC2 cannot be asked: then what is kept of it is all there is to count. */
  readonly connectionsClient?: (location: Connection['location']) => Connections;
}

/** The account's endpoints, where its entry counts them. */
export interface QuotaUse {
  readonly isLimited: boolean;
  readonly endpointIds: readonly string[];
  /** Those that come before this request, with those that are held back since before it. */
  readonly endpointIdsBefore: readonly string[];
  /** The change of their set. */
  quotaWrites(counts: boolean, waits: boolean): Write[];
}

/** What counts against the entry of a request's account, if its entry counts. */
export async function readQuotaUse(
  request: Connection,
  entries: readonly AllowlistEntry[],
  found: ReturnType<typeof indexByKey>,
  { table, connectionsClient, now, reportError }: EndpointQuotaDeps,
): Promise<QuotaUse> {
  const entry = effectiveEntry({ entries });
  if (entry?.maxEndpoints === undefined)
    return { isLimited: false, endpointIds: [], endpointIdsBefore: [], quotaWrites: () => [] };

  const item = found.find(endpointQuotaKey(request));
  const kept = item && readEndpointQuota(item);
  const { endpointIds: known = [], heldBack = [] } = kept ?? {};
  const before = (endpointIds: readonly string[]) => endpointsBefore(request, endpointIds, heldBack);
  // What is not up to date is counted anew with the next decision that can ask EC2, this request among it.
  if (!connectionsClient && kept?.entryVersion !== entry.version)
    return { isLimited: true, endpointIds: known, endpointIdsBefore: before(known), quotaWrites: () => [] };
  const connections = connectionsClient?.(request.location);
  const endpointIds = connections
    ? await countEndpoints(request, entry, kept, { table, connections, now, reportError })
    : known;
  return {
    isLimited: true,
    endpointIds,
    endpointIdsBefore: before(endpointIds),
    quotaWrites(counts: boolean, waits: boolean): Write[] {
      const { endpointId } = request;
      const others = endpointIds.filter((id) => id !== endpointId);
      // In the order in which they came: where an entry counts fewer from now on, the last to come are the first to go.
      const all = endpointIds.includes(endpointId) ? endpointIds : [...others, endpointId];
      const after = {
        ...kept,
        serviceId: request.serviceId,
        accountId: request.ownerAccountId,
        endpointIds: counts ? [...all] : others,
        heldBack: updateWaitingLine(heldBack, request, waits),
        entryVersion: entry.version,
        version: 0,
      };
      return [quotaWrite(request, kept, after)];
    },
  };
}
