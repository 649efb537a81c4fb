import { allServicesScope, type EntryTarget } from '../allowlist/entry.ts';
import type { ReadMode } from '../mode/mode.ts';
import { overlayTable } from '../policy-as-code/overlay-table.ts';
import type { Connection } from '../privatelink/connection.ts';
import { listAllConnections } from '../privatelink/connections.ts';
import { type DecideDeps, decideConnection, decisionKeys } from '../reconcile/decide-connections.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import { orReported } from '../runtime/runtime.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import { formatKey } from '../storage/entity.ts';
import { predictionFailedWarning } from './predict-disconnects.ts';

interface PredictAcceptsDeps extends DecideDeps {
  readonly connectionsClient: FindDeps['connectionsClient'];
  readonly mode: ReadMode;
}

interface PredictedAccept {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
}

/** The pending requests that linkgate accepts because of a new entry. */
export interface AcceptPrediction {
  /** At most `maxListedAccepts`. */
  readonly accepts: readonly PredictedAccept[];
  readonly warnings: readonly string[];
}

/** DynamoDB limits the size of an item, and the idempotency item stores the response for replay. */
const maxListedAccepts = 100;

/**
 * Evaluates the pending requests of an account by the new policy, as `decide-connections` will do. A failed prediction does not
 * undo the change.
 */
export async function predictAccepts(
  entryTarget: EntryTarget,
  deps: PredictAcceptsDeps,
): Promise<AcceptPrediction> {
  const prediction = await orReported(deps.reportError, 'predict accepts', () =>
    predictAcceptsForEntry(entryTarget, deps),
  );
  return prediction ?? { accepts: [], warnings: [predictionFailedWarning] };
}

async function predictAcceptsForEntry(
  { serviceId, accountId }: EntryTarget,
  deps: PredictAcceptsDeps,
): Promise<AcceptPrediction> {
  const services = await listRegisteredServices(deps);
  const names = new Map(services.map((service) => [service.serviceId, service.name]));
  const pages = await Promise.all(
    uniqueLocations(services).map((location) =>
      listAllConnections(deps.connectionsClient(location), {
        ownerAccountId: accountId,
        state: 'pendingAcceptance',
      }),
    ),
  );
  const pendingConnections = pages
    .flat()
    .filter((each) => serviceId === allServicesScope || each.serviceId === serviceId);
  const accepted = (await decideWithoutWriting(pendingConnections, deps)).map(
    ({ endpointId, serviceId: at }) => ({
      endpointId,
      serviceId: at,
      service: names.get(at) ?? at,
    }),
  );
  if (accepted.length === 0 || (await deps.mode()) !== 'observe')
    return { accepts: accepted.slice(0, maxListedAccepts), warnings: [] };
  const ids = accepted.map(({ endpointId }) => endpointId).join(', ');
  return {
    accepts: [],
    warnings: [
      `linkgate's mode is observe, so it accepts nothing; in the mode enforce it would accept: ${ids}`,
    ],
  };
}

/**
 * Calls `decideConnection` on an overlay of the table, which stores nothing. The oldest request comes first, because the endpoint
 * quota depends on the order.
 */
async function decideWithoutWriting(
  pendingConnections: readonly Connection[],
  deps: PredictAcceptsDeps,
): Promise<Connection[]> {
  const items = await deps.table.get(pendingConnections.flatMap(decisionKeys));
  const table = overlayTable(deps.table, new Map(items.map((item) => [formatKey(item), item])));
  const accepted: Connection[] = [];
  for (const connection of pendingConnections.toSorted((a, b) =>
    a.requestedAt.localeCompare(b.requestedAt),
  )) {
    const { outcome } = await decideConnection(connection, {
      ...deps,
      table,
      applyQueue: { enqueue: async () => {} },
    });
    if (outcome === 'accept') accepted.push(connection);
  }
  return accepted;
}
