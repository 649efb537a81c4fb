import { type Bus, publishConnections } from '../connections/connection-event.ts';
import { type ConnectionRecord, pickConnection } from '../connections/connection-record.ts';
import type { ReadMode } from '../mode/mode.ts';
import { cancelUnannouncedDisconnect, markOverQuota } from '../policy/connected/apply-reevaluation.ts';
import { isConnected } from '../privatelink/connection.ts';
import { type Connections, readConnectionPages } from '../privatelink/connections.ts';
import { orReported } from '../runtime/runtime.ts';
import type { TableDeps } from '../storage/table.ts';
import { readRestoreTime } from '../storage/table-identity.ts';
import { connectedForQuota, reserveQuota } from './disconnect-quota.ts';
import { writeTransitions } from './write-transitions.ts';

interface ReserveDisconnectsDeps extends TableDeps {
  readonly bus: Bus;
  readonly mode: ReadMode;
}

export type ToDisconnect = ConnectionRecord & Required<Pick<ConnectionRecord, 'revocation'>>;

export function isToDisconnect<Each extends ConnectionRecord>(record: Each): record is Each & ToDisconnect {
  return record.revocation !== undefined;
}

/**
 * Selects the scheduled disconnects that linkgate may perform. linkgate requests approval for those beyond the disconnect quota,
 * and decides again about a schedule from before the restore of the table. A failed check permits no disconnect.
 */
export async function reserveDisconnects(
  disconnects: readonly ToDisconnect[],
  serviceId: string,
  connections: Connections,
  deps: ReserveDisconnectsDeps,
): Promise<{ readonly granted: ReadonlySet<string>; readonly redecided: number }> {
  const since = await orReported(deps.reportError, 'read table identity', () => readRestoreTime(deps.table));
  // The next sweep records the identity of the table.
  if (since === undefined) return { granted: new Set(), redecided: 0 };
  const current = disconnects.filter(({ revocation }) => revocation.since >= since);
  const ordered = current.filter(({ revocation }) => revocation.cause !== 'policy');
  const scheduled = current.filter(({ revocation }) => revocation.cause === 'policy');
  const unannounced = await scheduledBeforeModeChange(scheduled, deps);
  await writeTransitions(unannounced, deps, (record) => cancelUnannouncedDisconnect(record, deps.now()));
  const byPolicy = scheduled.filter((record) => !unannounced.includes(record));
  const granted =
    byPolicy.length > 0 ? await reserveForService(byPolicy, serviceId, connections, deps) : new Set<string>();
  if (!granted) return { granted: toEndpointIds(ordered), redecided: 0 };
  const overQuota = byPolicy.filter(({ endpointId }) => !granted.has(endpointId));
  await writeTransitions(overQuota, deps, (record) => markOverQuota(record, deps.now()));
  const toDecide = [
    ...disconnects.filter((record) => !current.includes(record)),
    ...unannounced,
    ...overQuota,
  ];
  await publishConnections('Connection Request', toDecide.map(pickConnection), deps);
  const permitted = current.filter((record) => !unannounced.includes(record) && !overQuota.includes(record));
  return { granted: toEndpointIds(permitted), redecided: toDecide.length };
}

/**
 * Selects disconnects scheduled before somebody last changed the SSM parameter of the mode. Only the parameter shows such a
 * change, and linkgate did not notify customers while it was `observe`.
 */
async function scheduledBeforeModeChange(
  disconnects: readonly ToDisconnect[],
  { mode }: ReserveDisconnectsDeps,
): Promise<ToDisconnect[]> {
  const unannounced: ToDisconnect[] = [];
  for (const [since, sameSince] of Map.groupBy(disconnects, ({ revocation }) => revocation.since))
    if ((await mode(new Date(since))) === 'observe') unannounced.push(...sameSince);
  return unannounced;
}

/** @returns undefined if the quota is unreadable. */
async function reserveForService(
  disconnects: readonly ToDisconnect[],
  serviceId: string,
  connections: Connections,
  deps: ReserveDisconnectsDeps,
): Promise<ReadonlySet<string> | undefined> {
  const connectedCount = await countConnected(serviceId, connections);
  const reservations = disconnects.map(({ endpointId, revocation: { since } }) => ({ endpointId, since }));
  return orReported(deps.reportError, 'reserve disconnect quota', () =>
    reserveQuota(serviceId, reservations, connectedCount, deps),
  );
}

function toEndpointIds(records: readonly ConnectionRecord[]): ReadonlySet<string> {
  return new Set(records.map(({ endpointId }) => endpointId));
}

/** Counts the connected endpoints of a service, up to the number that matters for the quota. */
export async function countConnected(serviceId: string, connections: Connections): Promise<number> {
  let live = 0;
  for await (const page of readConnectionPages(connections, { serviceIds: [serviceId] })) {
    live += page.filter(({ state }) => isConnected(state)).length;
    if (live >= connectedForQuota) break;
  }
  return live;
}
