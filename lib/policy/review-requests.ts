import * as v from 'valibot';
import { allCounted, type CountedEndpoints, readCounted } from '../allowlist/counted-endpoints.ts';
import { entriesOf, everyService } from '../allowlist/entry.ts';
import type { Change } from '../announcement/announce.ts';
import { approverGroups } from '../approval/approver-group.ts';
import type { Answering } from '../connection/answer-doorbells.ts';
import { AccountId } from '../connection/connection.ts';
import { connectionOf, readRecord, recordKey } from '../connection/connection-record.ts';
import { allPages, type ConnectionFilter } from '../connection/connections.ts';
import { nothingObserved, type Observation, observe, sumOf } from '../connection/observe.ts';
import { waitingRequests } from '../connection/waiting.ts';
import { eachOnItsOwn } from '../invocation.ts';
import type { Place } from '../place.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import { allServices } from '../service/service.ts';
import { readEach } from '../table/item.ts';
import type { Item } from '../table/table.ts';
import type { Rule } from './rule.ts';

/** Whose requests a change of policy may concern: of one account, at one service, or both; every other is `*`. */
export interface Scope {
  readonly serviceId: string;
  readonly ownerAccountId?: string;
  /** A service that was taken out just now: people are asked about its requests no longer. */
  readonly isGone?: boolean;
}

/** The changes on which decisions rest, each with its scope. */
export function scopesIn<Each extends Change>(
  changes: readonly Each[],
): (Each & { readonly scope: Scope })[] {
  return changes.flatMap((change) => {
    const scope = scopeOf(change.before, change.after);
    return scope ? [{ ...change, scope }] : [];
  });
}

/** Of how many accounts of one service the connections are looked for account by account. */
const fewAccounts = 3;

/** A look at connections, and the first of the changes that it is for. */
interface Look<Each> {
  readonly scope: Scope;
  readonly first: Each;
}

/**
 * One look where many changes want one, so that a policy of thousands of entries is not as many looks at EC2: at a service for many of
 * its accounts, and at everything for many accounts of every service. In the order of their first changes.
 */
export function looksFor<Each extends { readonly scope: Scope }>(changes: readonly Each[]): Look<Each>[] {
  const isForEverything = isForAll(changes.filter(({ scope }) => scope.serviceId === everyService));
  const byService = Map.groupBy(changes, ({ scope }) => {
    if (scope.isGone) return `gone ${scope.serviceId}`;
    return isForEverything ? everyService : scope.serviceId;
  });
  const places = new Map(changes.map((change, index) => [change, index]));
  return [...byService]
    .flatMap(([at, ofOne]) => looksAt(at, ofOne))
    .sort((a, b) => (places.get(a.first) ?? 0) - (places.get(b.first) ?? 0));
}

function looksAt<Each extends { readonly scope: Scope }>(
  serviceId: string,
  changes: readonly Each[],
): Look<Each>[] {
  const isOne = changes.some(({ scope }) => scope.isGone) || !isForAll(changes);
  if (!isOne) return changes.slice(0, 1).map((first) => ({ scope: { serviceId }, first }));
  const byAccount = Map.groupBy(changes, ({ scope }) => scope.ownerAccountId);
  return [...byAccount.values()].flatMap(([first]) => (first ? [{ scope: first.scope, first }] : []));
}

function isForAll(changes: readonly { readonly scope: Scope }[]): boolean {
  const accounts = new Set(changes.map(({ scope }) => scope.ownerAccountId));
  return accounts.has(undefined) || accounts.size > fewAccounts;
}

/** By the key of what changed, which tells it also where the item cannot be read. @returns undefined for changes on which no decision rests. */
export function scopeOf(before: Item | undefined, after: Item | undefined): Scope | undefined {
  const item = after ?? before;
  if (!item) return undefined;
  if (item.pk === allServices) {
    if (!after) return { serviceId: item.sk, isGone: true };
    return before?.revision === after.revision ? undefined : { serviceId: item.sk };
  }
  if (item.pk.startsWith(allCounted)) return freedBy(before, after);
  if (!item.pk.startsWith(entriesOf('')) || !v.is(AccountId, item.sk)) return undefined;
  return { serviceId: item.pk.slice(entriesOf('').length), ownerAccountId: item.sk };
}

/** Those who are held back, where one that came before them has gone. Of a set that cannot be read the next pass finds it out. */
function freedBy(was: Item | undefined, is: Item | undefined): Scope | undefined {
  const sets = was && is ? readEach([was, is], readCounted, () => {}) : [];
  const [before, after] = sets;
  if (!before || !after) return undefined;
  const idsOf = ({ endpointIds, heldBack = [] }: CountedEndpoints) => [
    ...endpointIds,
    ...heldBack.map(({ endpointId }) => endpointId),
  ];
  const left = new Set(idsOf(after));
  const isFreed = after.heldBack?.length && idsOf(before).some((id) => !left.has(id));
  return isFreed ? { serviceId: after.serviceId, ownerAccountId: after.accountId } : undefined;
}

interface Reviewing extends Answering {
  readonly rules: readonly Rule[];
}

/** Hands over what in a scope would be decided otherwise than it was. */
export async function reviewRequests(
  { serviceId, ownerAccountId, isGone = false }: Scope,
  deps: Reviewing,
): Promise<Observation> {
  if (isGone) return { ...nothingObserved(), decided: await handOverWaiting(serviceId, deps) };
  const services = (await registeredServices(deps)).filter(
    (service) => serviceId === everyService || service.serviceId === serviceId,
  );
  const filter = {
    ...(serviceId !== everyService && { serviceIds: [serviceId] }),
    ...(ownerAccountId !== undefined && { ownerAccountId }),
  };
  const results = await eachOnItsOwn(placesIn(services), (place) => reviewIn(place, filter, deps));
  // The other places are reviewed by then.
  for (const result of results) if ('error' in result) throw result.error;
  return results
    .map((result) => ('output' in result ? result.output : nothingObserved()))
    .reduce(sumOf, nothingObserved());
}

async function reviewIn(place: Place, filter: ConnectionFilter, deps: Reviewing): Promise<Observation> {
  let observation = nothingObserved();
  for await (const page of allPages(deps.connectionsIn(place), filter))
    observation = sumOf(observation, await observe(page, deps, { compare: deps }));
  return observation;
}

/** What people were asked about at a service, whatever EC2 shows: EC2 is not looked at for a service that is not registered. */
async function handOverWaiting(serviceId: string, deps: Answering): Promise<number> {
  const { table, bus, now, report } = deps;
  let count = 0;
  for (const { name } of await approverGroups(deps))
    for await (const endpointIds of waitingRequests(name, deps)) {
      const records = readEach(await table.get(endpointIds.map(recordKey)), readRecord, report);
      const theirs = records.filter((record) => record.serviceId === serviceId).map(connectionOf);
      const observedAt = now().toISOString();
      await bus.publish(theirs.map((connection) => ({ type: 'Connection Request', connection, observedAt })));
      count += theirs.length;
    }
  return count;
}
