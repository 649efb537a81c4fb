import * as v from 'valibot';
import { allowlistPartition, allServicesScope } from '../allowlist/entry.ts';
import { listApproverGroups } from '../approvers/approver-group.ts';
import { listAwaiting } from '../connections/awaiting-approval.ts';
import { pickConnection, readRecord, recordKey } from '../connections/connection-record.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { type EndpointQuota, quotaPartitionPrefix, readEndpointQuota } from '../policy/endpoint-quota.ts';
import type { Rule } from '../policy/rule.ts';
import { AccountId } from '../privatelink/connection.ts';
import { type ConnectionFilter, readConnectionPages } from '../privatelink/connections.ts';
import { settleEach } from '../runtime/runtime.ts';
import { listRegisteredServices, locationsOf } from '../services/registered-services.ts';
import { servicesPartition } from '../services/service.ts';
import { parseEach } from '../storage/entity.ts';
import type { Item, TableChange } from '../storage/table.ts';
import { addCounts, type ChangeCounts, detectChanges, noChanges } from './detect-changes.ts';
import type { NotificationDeps } from './handle-notifications.ts';

/** Whose requests a change of policy may concern: of one account, at one service, or both; every other is `*`. */
export interface PolicyScope {
  readonly serviceId: string;
  readonly ownerAccountId?: string;
  /** A service that was taken out just now: people are asked about its requests no longer. */
  readonly isDeregistered?: boolean;
}

/** The changes on which decisions rest, each with its scope. */
export function affectedScopes<Each extends TableChange>(
  changes: readonly Each[],
): (Each & { readonly scope: PolicyScope })[] {
  return changes.flatMap((change) => {
    const scope = affectedScope(change.before, change.after);
    return scope ? [{ ...change, scope }] : [];
  });
}

/** Of how many accounts of one service the connections are looked for account by account. */
const fewAccounts = 3;

/** A look at connections, and the first of the changes that it is for. */
interface Look<Each> {
  readonly scope: PolicyScope;
  readonly first: Each;
}

/**
 * One look where many changes want one, so that a policy of thousands of entries is not as many looks at EC2: at a service for many of
 * its accounts, and at everything for many accounts of every service. In the order of their first changes.
 */
export function coalesceScopes<Each extends { readonly scope: PolicyScope }>(
  changes: readonly Each[],
): Look<Each>[] {
  const isForEverything = isForAll(changes.filter(({ scope }) => scope.serviceId === allServicesScope));
  const byService = Map.groupBy(changes, ({ scope }) => {
    if (scope.isDeregistered) return `gone ${scope.serviceId}`;
    return isForEverything ? allServicesScope : scope.serviceId;
  });
  const locations = new Map(changes.map((change, index) => [change, index]));
  return [...byService]
    .flatMap(([at, ofOne]) => looksAt(at, ofOne))
    .sort((a, b) => (locations.get(a.first) ?? 0) - (locations.get(b.first) ?? 0));
}

function looksAt<Each extends { readonly scope: PolicyScope }>(
  serviceId: string,
  changes: readonly Each[],
): Look<Each>[] {
  const isOne = changes.some(({ scope }) => scope.isDeregistered) || !isForAll(changes);
  if (!isOne) return changes.slice(0, 1).map((first) => ({ scope: { serviceId }, first }));
  const byAccount = Map.groupBy(changes, ({ scope }) => scope.ownerAccountId);
  return [...byAccount.values()].flatMap(([first]) => (first ? [{ scope: first.scope, first }] : []));
}

function isForAll(changes: readonly { readonly scope: PolicyScope }[]): boolean {
  const accounts = new Set(changes.map(({ scope }) => scope.ownerAccountId));
  return accounts.has(undefined) || accounts.size > fewAccounts;
}

/** By the key of what changed, which tells it also where the item cannot be read. @returns undefined for changes on which no decision rests. */
export function affectedScope(before: Item | undefined, after: Item | undefined): PolicyScope | undefined {
  const item = after ?? before;
  if (!item) return undefined;
  if (item.pk === servicesPartition) {
    if (!after) return { serviceId: item.sk, isDeregistered: true };
    return before?.policyRevision === after.policyRevision ? undefined : { serviceId: item.sk };
  }
  if (item.pk.startsWith(quotaPartitionPrefix)) return freedBy(before, after);
  if (!item.pk.startsWith(allowlistPartition('')) || !v.is(AccountId, item.sk)) return undefined;
  return { serviceId: item.pk.slice(allowlistPartition('').length), ownerAccountId: item.sk };
}

/** Those who are held back, where one that came before them has gone. Of a set that cannot be read the next pass finds it out. */
function freedBy(was: Item | undefined, is: Item | undefined): PolicyScope | undefined {
  const sets = was && is ? parseEach([was, is], readEndpointQuota, () => {}) : [];
  const [before, after] = sets;
  if (!before || !after) return undefined;
  const idsOf = ({ endpointIds, heldBack = [] }: EndpointQuota) => [
    ...endpointIds,
    ...heldBack.map(({ endpointId }) => endpointId),
  ];
  const left = new Set(idsOf(after));
  const isFreed = after.heldBack?.length && idsOf(before).some((id) => !left.has(id));
  return isFreed ? { serviceId: after.serviceId, ownerAccountId: after.accountId } : undefined;
}

interface ReevaluateDeps extends NotificationDeps {
  readonly rules: readonly Rule[];
}

/** Hands over what in a scope would be decided otherwise than it was. */
export async function reevaluateConnections(
  { serviceId, ownerAccountId, isDeregistered = false }: PolicyScope,
  deps: ReevaluateDeps,
): Promise<ChangeCounts> {
  if (isDeregistered) return { ...noChanges(), decided: await handOverWaiting(serviceId, deps) };
  const services = (await listRegisteredServices(deps)).filter(
    (service) => serviceId === allServicesScope || service.serviceId === serviceId,
  );
  const filter = {
    ...(serviceId !== allServicesScope && { serviceIds: [serviceId] }),
    ...(ownerAccountId !== undefined && { ownerAccountId }),
  };
  const results = await settleEach(locationsOf(services), (location) => reviewIn(location, filter, deps));
  // The other places are reviewed by then.
  for (const result of results) if ('error' in result) throw result.error;
  return results
    .map((result) => ('output' in result ? result.output : noChanges()))
    .reduce(addCounts, noChanges());
}

async function reviewIn(
  location: AccountRegion,
  filter: ConnectionFilter,
  deps: ReevaluateDeps,
): Promise<ChangeCounts> {
  let observation = noChanges();
  for await (const page of readConnectionPages(deps.connectionsClient(location), filter))
    observation = addCounts(observation, await detectChanges(page, deps, { recheckPolicy: deps }));
  return observation;
}

/** What people were asked about at a service, whatever EC2 shows: EC2 is not looked at for a service that is not registered. */
async function handOverWaiting(serviceId: string, deps: NotificationDeps): Promise<number> {
  const { table, bus, now, reportError } = deps;
  let count = 0;
  for (const { name } of await listApproverGroups(deps))
    for await (const endpointIds of listAwaiting(name, deps)) {
      const records = parseEach(await table.get(endpointIds.map(recordKey)), readRecord, reportError);
      const theirs = records.filter((record) => record.serviceId === serviceId).map(pickConnection);
      const observedAt = now().toISOString();
      await bus.publish(theirs.map((connection) => ({ type: 'Connection Request', connection, observedAt })));
      count += theirs.length;
    }
  return count;
}
