import { type AllowlistEntry, allServicesScope } from '../allowlist/entry.ts';
import type { ReadMode } from '../mode/mode.ts';
import { overlayTable } from '../policy-as-code/overlay-table.ts';
import type { Connection } from '../privatelink/connection.ts';
import { listAll } from '../privatelink/connections.ts';
import { type DecideDeps, decideConnection, decisionKeys } from '../reconcile/decide-connections.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import { orReported } from '../runtime/runtime.ts';
import { locationsOf, registeredServices } from '../services/registered-services.ts';
import { keyName } from '../storage/entity.ts';
import { notNotified } from './consequences.ts';

type Whose = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

interface ForeseeAcceptedDeps extends DecideDeps {
  readonly connectionsIn: FindDeps['connectionsIn'];
  readonly mode: ReadMode;
}

interface Accept {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
}

/** What an entry lets in now, of what waits. */
export interface ForeseenAccepted {
  /** The first of them. */
  readonly accepts: readonly Accept[];
  readonly warnings: readonly string[];
}

/** An answer has to fit into the table, to be given again. */
const acceptsAtMost = 100;

/** Says what the policy as it is now lets in of an account, which others will decide too. The change stands when this cannot be told. */
export async function foreseeAccepted(whose: Whose, deps: ForeseeAcceptedDeps): Promise<ForeseenAccepted> {
  const told = await orReported(deps.reportError, () => accepts(whose, deps));
  return told ?? { accepts: [], warnings: [notNotified] };
}

async function accepts(
  { serviceId, accountId }: Whose,
  deps: ForeseeAcceptedDeps,
): Promise<ForeseenAccepted> {
  const services = await registeredServices(deps);
  const names = new Map(services.map((service) => [service.serviceId, service.name]));
  const pages = await Promise.all(
    locationsOf(services).map((location) =>
      listAll(deps.connectionsIn(location), { ownerAccountId: accountId, state: 'pendingAcceptance' }),
    ),
  );
  const waiting = pages
    .flat()
    .filter((each) => serviceId === allServicesScope || each.serviceId === serviceId);
  const accepted = (await acceptedOf(waiting, deps)).map(({ endpointId, serviceId: at }) => ({
    endpointId,
    serviceId: at,
    service: names.get(at) ?? at,
  }));
  if (accepted.length === 0 || (await deps.mode()) !== 'observe')
    return { accepts: accepted.slice(0, acceptsAtMost), warnings: [] };
  const ids = accepted.map(({ endpointId }) => endpointId).join(', ');
  return {
    accepts: [],
    warnings: [`linkgate's mode is observe, so nothing is accepted; in the mode enforce it would be: ${ids}`],
  };
}

/** Decides them by the very code that decides, the oldest first, since endpoints that count depend on one another; nothing of it is kept. */
async function acceptedOf(waiting: readonly Connection[], deps: ForeseeAcceptedDeps): Promise<Connection[]> {
  const items = await deps.table.get(waiting.flatMap(decisionKeys));
  const table = overlayTable(deps.table, new Map(items.map((item) => [keyName(item), item])));
  const accepted: Connection[] = [];
  for (const connection of waiting.toSorted((a, b) => a.requestedAt.localeCompare(b.requestedAt))) {
    const { outcome } = await decideConnection(connection, {
      ...deps,
      table,
      bell: { enqueue: async () => {} },
    });
    if (outcome === 'accept') accepted.push(connection);
  }
  return accepted;
}
