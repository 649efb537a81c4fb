import * as v from 'valibot';
import { effectiveEntry } from '../allowlist/effective-entry.ts';
import type { AllowlistEntry } from '../allowlist/entry.ts';
import {
  acceptMayBeInFlight,
  type ConnectionRecord,
  canStillConnect,
  maybeConnected,
  readRecordsById,
  recordKey,
} from '../connections/connection-record.ts';
import { AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import {
  AccountId,
  type Connection,
  type ConnectionState,
  EndpointId,
  isConnected,
  ServiceId,
} from '../privatelink/connection.ts';
import { type Connections, listAllConnections } from '../privatelink/connections.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, type ItemIndex, parseEach } from '../storage/entity.ts';
import type { Key, Table, Write } from '../storage/table.ts';
import type { Verdict } from '../verdicts/verdict.ts';
import { endpointsBefore, HeldBackRequest, isHeldBack, updateWaitingLine } from './held-back.ts';
import { readPolicyInputs } from './policy-inputs.ts';

/**
 * The endpoints of one account at one service that count towards an entry's `maxEndpoints`, and the requests that wait for quota.
 * Only an entry with a limit has a quota. linkgate recounts it from EC2 when the entry changes.
 */
export const EndpointQuota = v.object({
  location: AccountRegion,
  serviceId: ServiceId,
  ownerAccountId: AccountId,
  endpointIds: v.array(EndpointId),
  /** Requests that wait for another endpoint to end, earliest first. */
  heldBack: v.exactOptional(v.array(HeldBackRequest)),
  /** The version of the effective entry, on which the count depends. */
  entryVersion: v.number(),
  version: v.number(),
});
export type EndpointQuota = v.InferOutput<typeof EndpointQuota>;

const endpointQuotaEntity = entity(EndpointQuota.entries, endpointQuotaKey);
export const readEndpointQuota = endpointQuotaEntity.read;

type QuotaOwner = Pick<Connection, 'location' | 'serviceId' | 'ownerAccountId'>;

/** The common prefix of the partitions of all locations. */
export const quotaPartitionPrefix = 'ENDPOINT_QUOTA#';

export function quotaPartition(location: Connection['location']): string {
  return `${quotaPartitionPrefix}${formatAccountRegion(location)}`;
}

export function endpointQuotaKey({ location, serviceId, ownerAccountId }: QuotaOwner): Key {
  return { pk: quotaPartition(location), sk: `${serviceId}#${ownerAccountId}` };
}

/** Builds the conditional write of the quota. */
export function quotaWrite(before: EndpointQuota | undefined, after: Omit<EndpointQuota, 'version'>): Write {
  return endpointQuotaEntity.put({ ...after, version: (before?.version ?? 0) + 1 }, before);
}

/**
 * Lists the endpoints that count now: the stored ones, or those in EC2 if the stored quota is missing or belongs to another
 * version of the entry. Requests that can still connect count too.
 */
export async function countEndpoints(
  owner: QuotaOwner,
  entry: AllowlistEntry,
  storedQuota: EndpointQuota | undefined,
  deps: Pick<Runtime, 'now' | 'reportError'> & { readonly table: Table; readonly connections: Connections },
): Promise<string[]> {
  if (storedQuota?.entryVersion === entry.version) return storedQuota.endpointIds;
  const { serviceId, ownerAccountId } = owner;
  const accountConnections = await listAllConnections(deps.connections, {
    serviceIds: [serviceId],
    ownerAccountId,
  });
  const states = new Map(accountConnections.map(({ endpointId, state }) => [endpointId, state]));
  const connectedIds = accountConnections
    .filter(({ state }) => isConnected(state))
    .sort((a, b) => a.requestedAt.localeCompare(b.requestedAt))
    .map(({ endpointId }) => endpointId);
  // EC2 may not yet list a connection that linkgate just accepted. The stored quota contains it.
  const connectableIds = [...new Set([...states.keys(), ...(storedQuota?.endpointIds ?? [])])].filter((id) =>
    [undefined, 'pendingAcceptance'].includes(states.get(id)),
  );
  const items = await deps.table.get(connectableIds.map(recordKey));
  const records = readRecordsById(items, deps.reportError);
  const time = deps.now();
  const connectable = items.filter(({ sk }) =>
    countsTowardQuota(states.get(sk), records.get(sk) ?? 'unreadable', time),
  );
  return [...connectedIds, ...connectable.map(({ sk }) => sk)];
}

/**
 * Whether an endpoint counts toward its account's quota: EC2 shows it connected, or a call of Accept may still connect it. With an
 * unreadable record a pending request counts, and an endpoint that EC2 does not list does not: a deleted endpoint would count until
 * somebody repairs its record.
 * @param state the state that EC2 shows, undefined if EC2 does not list the endpoint.
 * @param record undefined if the endpoint has no record.
 */
export function countsTowardQuota(
  state: ConnectionState | undefined,
  record: ConnectionRecord | 'unreadable' | undefined,
  now: Date,
): boolean {
  if (state !== undefined && isConnected(state)) return true;
  if (record === undefined || (state !== undefined && state !== 'pendingAcceptance')) return false;
  if (record === 'unreadable') return state === 'pendingAcceptance';
  if (state === 'pendingAcceptance') return canStillConnect(record, now);
  // EC2 may not yet list a connection that linkgate just accepted.
  return maybeConnected(record, now) && acceptMayBeInFlight(record, now);
}

/** Whether a held back request now has quota. */
export function hasFreedQuota(
  request: Connection,
  verdict: Verdict | undefined,
  itemIndex: Pick<ItemIndex, 'find'>,
): boolean {
  if (verdict?.outcome !== 'ask' || !isHeldBack(verdict)) return false;
  const entry = effectiveEntry(readPolicyInputs(request, itemIndex));
  const item = itemIndex.find(endpointQuotaKey(request));
  if (entry?.maxEndpoints === undefined || !item) return false;
  // The decision reports an unreadable quota.
  const [storedQuota] = parseEach([item], readEndpointQuota, () => {});
  if (!storedQuota) return true;
  const { endpointIds, heldBack = [], entryVersion } = storedQuota;
  return (
    entryVersion === entry.version &&
    endpointsBefore(request, endpointIds, heldBack).length < entry.maxEndpoints
  );
}

interface EndpointQuotaDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly table: Table;
  /** Absent if the caller has no access to EC2. Then only the stored quota counts. */
  readonly connectionsClient?: (location: Connection['location']) => Connections;
}

/** The use of an account's endpoint quota. */
export interface QuotaUse {
  readonly isLimited: boolean;
  readonly endpointIds: readonly string[];
  /** The endpoints and held back requests that arrived before this request. */
  readonly endpointIdsBefore: readonly string[];
  /** Builds the writes that add this request to the quota, or remove it. */
  quotaWrites(counts: boolean, waits: boolean): Write[];
}

/** Reads the endpoint quota of a request, if its entry has a limit. */
export async function readQuotaUse(
  request: Connection,
  entries: readonly AllowlistEntry[],
  itemIndex: ItemIndex,
  { table, connectionsClient, now, reportError }: EndpointQuotaDeps,
): Promise<QuotaUse> {
  const entry = effectiveEntry({ entries });
  if (entry?.maxEndpoints === undefined)
    return { isLimited: false, endpointIds: [], endpointIdsBefore: [], quotaWrites: () => [] };

  const item = itemIndex.find(endpointQuotaKey(request));
  const storedQuota = item && readEndpointQuota(item);
  const { endpointIds: storedIds = [], heldBack = [] } = storedQuota ?? {};
  const connections = connectionsClient?.(request.location);
  const isOutdated = !connections && storedQuota?.entryVersion !== entry.version;
  const endpointIds = connections
    ? await countEndpoints(request, entry, storedQuota, { table, connections, now, reportError })
    : storedIds;
  return {
    isLimited: true,
    endpointIds,
    endpointIdsBefore: endpointsBefore(request, endpointIds, heldBack),
    quotaWrites(counts: boolean, waits: boolean): Write[] {
      // The next decision with access to EC2 counts again, including this request.
      if (isOutdated) return [];
      const { endpointId, location, serviceId, ownerAccountId } = request;
      const otherIds = endpointIds.filter((id) => id !== endpointId);
      // The order is by arrival: after a lower limit linkgate disconnects the newest endpoints first.
      const all = endpointIds.includes(endpointId) ? endpointIds : [...otherIds, endpointId];
      const after = {
        ...storedQuota,
        location,
        serviceId,
        ownerAccountId,
        endpointIds: counts ? [...all] : otherIds,
        heldBack: updateWaitingLine(heldBack, request, waits),
        entryVersion: entry.version,
      };
      return [quotaWrite(storedQuota, after)];
    },
  };
}
