import {
  type ConnectionRecord,
  isAwaitingApproval,
  readRecordsById,
  recordKey,
} from '../connections/connection-record.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import type { Mode } from '../mode/mode.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import { type Connection, type ConnectionState, isConnected } from '../privatelink/connection.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { decodeCursor, encodeCursor, LocationCursor, selectLocation } from '../storage/cursor.ts';
import { indexByKey } from '../storage/entity.ts';
import { buildConnectionView, type ConnectionView } from './explain.ts';

export interface ListConnectionsQuery {
  readonly locations: readonly AccountRegion[];
  /** Only connections to these services. */
  readonly serviceIds: readonly string[];
  readonly state?: ConnectionState | undefined;
  /** Only connections of this account. */
  readonly ownerAccountId?: string | undefined;
  /** Only requests and connected endpoints that await a decision of a person. */
  readonly waiting: boolean;
  /** Only connections whose state in EC2 differs from the verdict. */
  readonly differs: boolean;
}

interface ListConnectionsDeps extends FindDeps, Pick<Runtime, 'reportError'> {
  readonly mode: () => Promise<Mode>;
}

const connectionsListName = 'connections';

/** Lists one page of connections as EC2 shows them now, with linkgate's verdicts. */
export async function listConnections(
  listing: ListConnectionsQuery,
  token: string | undefined,
  deps: ListConnectionsDeps,
): Promise<{ connections: ConnectionView[]; nextToken?: string }> {
  const { locations, serviceIds, state, ownerAccountId } = listing;
  const position = decodeCursor(connectionsListName, token, LocationCursor, { location: 0 });
  const location = selectLocation(locations, position);
  if (!location) return { connections: [] };
  const filter = {
    ...(state !== undefined && { state }),
    ...(ownerAccountId !== undefined && { ownerAccountId }),
    ...buildServiceFilter(serviceIds),
  };
  const page = await deps.connectionsClient(location).page(filter, position.nextToken);
  const matchingConnections = page.connections.filter(({ serviceId }) => serviceIds.includes(serviceId));
  const connections = await withVerdicts(matchingConnections, listing, deps);
  const nextToken = encodeCursor(connectionsListName, position, page.nextToken, locations.length);
  return { connections, ...(nextToken !== undefined && { nextToken }) };
}

/** Builds the service filter. EC2 accepts at most 200 values, so for more services the caller filters the page. */
function buildServiceFilter(serviceIds: readonly string[]) {
  return serviceIds.length <= 200 ? { serviceIds } : {};
}

async function withVerdicts(
  connections: readonly Connection[],
  { waiting, differs }: ListConnectionsQuery,
  { table, mode, reportError }: ListConnectionsDeps,
) {
  const recordKeys = connections.map(({ endpointId }) => recordKey(endpointId));
  const [items, modeNow] = await Promise.all([
    table.get([...recordKeys, ...connections.flatMap(policyInputKeys)]),
    mode(),
  ]);
  const itemsByKey = indexByKey(items);
  const records = readRecordsById(itemsByKey.all(recordKeys), reportError);
  return connections.flatMap((connection) => {
    const record = records.get(connection.endpointId);
    if (waiting && !(record && isAwaitingApproval(record) && isPhaseUnchanged(connection, record))) return [];
    const { service, entries } = readPolicyInputs(connection, itemsByKey);
    const view = buildConnectionView(connection, record, { service, entries, mode: modeNow });
    return differs && view.differs === null ? [] : [view];
  });
}

/** Whether the connection is still pending or connected, as at the time of the approval request. */
function isPhaseUnchanged({ state }: Connection, record: ConnectionRecord): boolean {
  return isConnected(state) ? isConnected(record.state) : state === record.state;
}
