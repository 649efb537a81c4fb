import { entriesOf, everyService, readEntry } from '../allowlist/entry.ts';
import type { Change } from '../announcement/announce.ts';
import { approverGroups } from '../approval/approver-group.ts';
import type { Answering } from '../connection/answer-doorbells.ts';
import { connectionOf, readRecord, recordKey } from '../connection/connection-record.ts';
import { allPages } from '../connection/connections.ts';
import { nothingObserved, type Observation, observe, sumOf } from '../connection/observe.ts';
import { waitingRequests } from '../connection/waiting.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import { allServices, readService } from '../service/service.ts';
import { readEach } from '../table/item.ts';
import type { Item } from '../table/table.ts';

/** Whose requests a change of policy may concern: of one account, at one service, or both; every other is `*`. */
export interface Scope {
  readonly serviceId: string;
  readonly ownerAccountId?: string;
  /** A service that was registered just now: all of its connections are looked at, those that live too. */
  readonly isNew?: boolean;
  /** A service that was taken out just now: people are asked about its requests no longer. */
  readonly isGone?: boolean;
}

/** The changes on which decisions rest, each with its scope. What only a newer version can read keeps no other waiting. */
export async function scopesIn<Each extends Change>(
  changes: readonly Each[],
  report: Invocation['report'],
): Promise<(Each & { readonly scope: Scope })[]> {
  const scoped = await Promise.all(
    changes.map(async (change) => {
      const scope = await orReport(report, () => scopeOf(change.before, change.after));
      return scope && { ...change, scope };
    }),
  );
  return scoped.filter((change) => change !== undefined);
}

/** @returns undefined for changes on which no decision rests. */
export function scopeOf(before: Item | undefined, after: Item | undefined): Scope | undefined {
  const item = after ?? before;
  if (!item) return undefined;
  if (item.pk === allServices) {
    if (!after) return { serviceId: readService(item).serviceId, isGone: true };
    const service = readService(after);
    if (!before) return { serviceId: service.serviceId, isNew: true };
    const isChanged = readService(before).revision !== service.revision;
    return isChanged ? { serviceId: service.serviceId } : undefined;
  }
  if (!item.pk.startsWith(entriesOf(''))) return undefined;
  const { serviceId, accountId } = readEntry(item);
  return { serviceId, ownerAccountId: accountId };
}

/** Hands over the requests in a scope whose verdicts rest on something else than is there now. */
export async function reviewRequests(
  { serviceId, ownerAccountId, isNew = false, isGone = false }: Scope,
  deps: Answering,
): Promise<Observation> {
  if (isGone) return { ...nothingObserved(), decided: await handOverWaiting(serviceId, deps) };
  const services = (await registeredServices(deps.table)).filter(
    (service) => serviceId === everyService || service.serviceId === serviceId,
  );
  let observation = nothingObserved();
  for (const place of placesIn(services)) {
    const pages = allPages(deps.connectionsIn(place), {
      ...(!isNew && { state: 'pendingAcceptance' }),
      ...(serviceId !== everyService && { serviceIds: [serviceId] }),
      ...(ownerAccountId !== undefined && { ownerAccountId }),
    });
    for await (const page of pages)
      observation = sumOf(observation, await observe(page, deps, { compareVersions: true }));
  }
  return observation;
}

/** What people were asked about at a service, whatever EC2 shows: EC2 is not looked at for a service that is not registered. */
async function handOverWaiting(serviceId: string, { table, bus, now, report }: Answering): Promise<number> {
  let count = 0;
  for (const { name } of await approverGroups(table))
    for await (const endpointIds of waitingRequests(name, table)) {
      const records = readEach(await table.get(endpointIds.map(recordKey)), readRecord, report);
      const theirs = records.filter((record) => record.serviceId === serviceId).map(connectionOf);
      const observedAt = now().toISOString();
      await bus.publish(theirs.map((connection) => ({ type: 'Connection Request', connection, observedAt })));
      count += theirs.length;
    }
  return count;
}
