import type { Bus } from '../connections/connection-event.ts';
import { type ConnectionRecord, pickConnection } from '../connections/connection-record.ts';
import type { ReadMode } from '../mode/mode.ts';
import { cancelUnannouncedDisconnect, markOverQuota } from '../policy/connected/apply-reevaluation.ts';
import { isConnected } from '../privatelink/connection.ts';
import { type Connections, readConnectionPages } from '../privatelink/connections.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import type { Table } from '../storage/table.ts';
import { restoredAt } from '../storage/table-identity.ts';
import { connectedForQuota, reserveQuota } from './disconnect-quota.ts';
import { writeTransitions } from './write-transitions.ts';

interface ReserveDisconnectsDeps extends Runtime {
  readonly table: Table;
  readonly bus: Bus;
  readonly mode: ReadMode;
}

export type ToDisconnect = ConnectionRecord & Required<Pick<ConnectionRecord, 'revocation'>>;

export function isToDisconnect<Each extends ConnectionRecord>(record: Each): record is Each & ToDisconnect {
  return record.revocation !== undefined;
}

/**
 * Selects the scheduled disconnects that linkgate may carry out. People are asked about those beyond the disconnect quota. A schedule
 * from before the restore of the table is decided again. A failed check disconnects nothing.
 */
export async function reserveDisconnects(
  cuts: readonly ToDisconnect[],
  serviceId: string,
  connections: Connections,
  deps: ReserveDisconnectsDeps,
): Promise<{ readonly granted: ReadonlySet<string>; readonly redecided: number }> {
  const since = await orReported(deps.reportError, () => restoredAt(deps.table));
  // The next sweep records the identity of the table.
  if (since === undefined) return { granted: new Set(), redecided: 0 };
  const current = cuts.filter(({ revocation }) => revocation.since >= since);
  const commanded = current.filter(({ revocation }) => revocation.cause !== 'policy');
  const announced = current.filter(({ revocation }) => revocation.cause === 'policy');
  const unseen = await scheduledBeforeModeChange(announced, deps);
  await writeTransitions(unseen, deps, (record) => cancelUnannouncedDisconnect(record, deps.now()));
  const byPolicy = announced.filter((cut) => !unseen.includes(cut));
  const granted =
    byPolicy.length > 0 ? await reserveForService(byPolicy, serviceId, connections, deps) : new Set<string>();
  if (!granted) return { granted: toEndpointIds(commanded), redecided: 0 };
  const beyond = byPolicy.filter(({ endpointId }) => !granted.has(endpointId));
  await writeTransitions(beyond, deps, (record) => markOverQuota(record, deps.now()));
  const toDecide = [...cuts.filter((cut) => !current.includes(cut)), ...unseen, ...beyond];
  const observedAt = deps.now().toISOString();
  await deps.bus.publish(
    toDecide.map((cut) => ({ type: 'Connection Request', connection: pickConnection(cut), observedAt })),
  );
  const may = current.filter((cut) => !unseen.includes(cut) && !beyond.includes(cut));
  return { granted: toEndpointIds(may), redecided: toDecide.length };
}

/**
 * Selects disconnects that were scheduled before the mode was last switched by hand. Only the SSM parameter shows such a switch, and
 * customers were not notified while it said `observe`.
 */
async function scheduledBeforeModeChange(
  cuts: readonly ToDisconnect[],
  { mode }: ReserveDisconnectsDeps,
): Promise<ToDisconnect[]> {
  const switched: ToDisconnect[] = [];
  for (const [since, theirs] of Map.groupBy(cuts, ({ revocation }) => revocation.since))
    if ((await mode(new Date(since))) === 'observe') switched.push(...theirs);
  return switched;
}

/** @returns undefined if the quota cannot be read. */
async function reserveForService(
  cuts: readonly ToDisconnect[],
  serviceId: string,
  connections: Connections,
  deps: ReserveDisconnectsDeps,
): Promise<ReadonlySet<string> | undefined> {
  const live = await countConnected(serviceId, connections);
  const wanted = cuts.map(({ endpointId, revocation: { since } }) => ({ endpointId, since }));
  return orReported(deps.reportError, () => reserveQuota(serviceId, wanted, live, deps));
}

function toEndpointIds(records: readonly ConnectionRecord[]): ReadonlySet<string> {
  return new Set(records.map(({ endpointId }) => endpointId));
}

/** The number of connected endpoints of a service, up to the number that matters for the quota. */
export async function countConnected(serviceId: string, connections: Connections): Promise<number> {
  let live = 0;
  for await (const page of readConnectionPages(connections, { serviceIds: [serviceId] })) {
    live += page.filter(({ state }) => isConnected(state)).length;
    if (live >= connectedForQuota) break;
  }
  return live;
}
