import { type AllowlistEntry, everyService } from '../allowlist/entry.ts';
import type { Connection } from '../connection/connection.ts';
import { everyOne } from '../connection/connections.ts';
import { type Deciding, decideConnection, keysFor } from '../connection/decide-connections.ts';
import type { Looking } from '../connection/find-connection.ts';
import { orReport } from '../invocation.ts';
import type { ReadMode } from '../mode/mode.ts';
import { dreamOf } from '../plan/dream.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import { keyName } from '../table/item.ts';
import { untold } from './consequences.ts';

type Whose = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

interface Accepting extends Deciding {
  readonly connectionsIn: Looking['connectionsIn'];
  readonly mode: ReadMode;
}

interface Accept {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
}

/** What an entry lets in now, of what waits. */
export interface Accepts {
  /** The first of them. */
  readonly accepts: readonly Accept[];
  readonly warnings: readonly string[];
}

/** An answer has to fit into the table, to be given again. */
const acceptsAtMost = 100;

/** Says what the policy as it is now lets in of an account, which others will decide too. The change stands when this cannot be told. */
export async function acceptsOf(whose: Whose, deps: Accepting): Promise<Accepts> {
  const told = await orReport(deps.report, () => accepts(whose, deps));
  return told ?? { accepts: [], warnings: [untold] };
}

async function accepts({ serviceId, accountId }: Whose, deps: Accepting): Promise<Accepts> {
  const services = await registeredServices(deps);
  const names = new Map(services.map((service) => [service.serviceId, service.name]));
  const pages = await Promise.all(
    placesIn(services).map((place) =>
      everyOne(deps.connectionsIn(place), { ownerAccountId: accountId, state: 'pendingAcceptance' }),
    ),
  );
  const waiting = pages.flat().filter((each) => serviceId === everyService || each.serviceId === serviceId);
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
    warnings: [`linkgate's mode is observe, so nothing is accepted; in the mode act it would be: ${ids}`],
  };
}

/** Decides them by the very code that decides, the oldest first, since endpoints that count depend on one another; nothing of it is kept. */
async function acceptedOf(waiting: readonly Connection[], deps: Accepting): Promise<Connection[]> {
  const items = await deps.table.get(waiting.flatMap(keysFor));
  const table = dreamOf(deps.table, new Map(items.map((item) => [keyName(item), item])));
  const accepted: Connection[] = [];
  for (const connection of waiting.toSorted((a, b) => a.requestedAt.localeCompare(b.requestedAt))) {
    const { outcome } = await decideConnection(connection, {
      ...deps,
      table,
      bell: { ring: async () => {} },
    });
    if (outcome === 'accept') accepted.push(connection);
  }
  return accepted;
}
