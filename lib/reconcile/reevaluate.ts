import * as v from 'valibot';
import { allowlistPartition, allServicesScope } from '../allowlist/entry.ts';
import { listApproverGroups } from '../approvers/approver-group.ts';
import { publishConnections } from '../connections/connection-event.ts';
import { pickConnection, readRecord, recordKey } from '../connections/connection-record.ts';
import { awaitingApproval } from '../connections/indexes.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { type EndpointQuota, quotaPartitionPrefix, readEndpointQuota } from '../policy/endpoint-quota.ts';
import type { Rule } from '../policy/rule.ts';
import { AccountId } from '../privatelink/connection.ts';
import { type ConnectionFilter, readConnectionPages } from '../privatelink/connections.ts';
import { settleEach } from '../runtime/runtime.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import { servicesPartition } from '../services/service.ts';
import { parseEach } from '../storage/entity.ts';
import type { Item, TableChange } from '../storage/table.ts';
import { addCounts, type ChangeCounts, detectChanges, noChanges } from './detect-changes.ts';
import type { NotificationDeps } from './handle-notifications.ts';

/** The connections that a policy change may affect: those of a service (or `*`), and of one account if given. */
export interface PolicyScope {
  readonly serviceId: string;
  readonly ownerAccountId?: string;
  /** Somebody deregistered the service: its approval requests end. */
  readonly isDeregistered?: boolean;
}

/** Selects the changes of policy inputs, each with its scope. */
export function affectedScopes<Each extends TableChange>(
  changes: readonly Each[],
): (Each & { readonly scope: PolicyScope })[] {
  return changes.flatMap((change) => {
    const scope = affectedScope(change.before, change.after);
    return scope ? [{ ...change, scope }] : [];
  });
}

/** The maximum number of accounts of one service with separate queries. */
const maxSeparateAccounts = 3;

/** A query for connections, with the first change that it covers. */
interface CoalescedScope<Each> {
  readonly scope: PolicyScope;
  readonly first: Each;
}

/**
 * Merges the scopes of many changes into few queries: one for a service with many changed accounts, one for all connections with
 * many changed accounts at `*`. The order follows the first change of each.
 */
export function coalesceScopes<Each extends { readonly scope: PolicyScope }>(
  changes: readonly Each[],
): CoalescedScope<Each>[] {
  const isForEverything = coversAllAccounts(
    changes.filter(({ scope }) => scope.serviceId === allServicesScope),
  );
  const byService = Map.groupBy(changes, ({ scope }) => {
    if (scope.isDeregistered) return `gone ${scope.serviceId}`;
    return isForEverything ? allServicesScope : scope.serviceId;
  });
  const locations = new Map(changes.map((change, index) => [change, index]));
  return [...byService]
    .flatMap(([at, ofOne]) => coalesceByAccount(at, ofOne))
    .sort((a, b) => (locations.get(a.first) ?? 0) - (locations.get(b.first) ?? 0));
}

function coalesceByAccount<Each extends { readonly scope: PolicyScope }>(
  serviceId: string,
  changes: readonly Each[],
): CoalescedScope<Each>[] {
  const isOne = changes.some(({ scope }) => scope.isDeregistered) || !coversAllAccounts(changes);
  if (!isOne) return changes.slice(0, 1).map((first) => ({ scope: { serviceId }, first }));
  const byAccount = Map.groupBy(changes, ({ scope }) => scope.ownerAccountId);
  return [...byAccount.values()].flatMap(([first]) => (first ? [{ scope: first.scope, first }] : []));
}

function coversAllAccounts(changes: readonly { readonly scope: PolicyScope }[]): boolean {
  const accounts = new Set(changes.map(({ scope }) => scope.ownerAccountId));
  return accounts.has(undefined) || accounts.size > maxSeparateAccounts;
}

/**
 * Derives the scope from the key, so that it also works for unreadable items.
 * @returns undefined if the item is no policy input.
 */
export function affectedScope(before: Item | undefined, after: Item | undefined): PolicyScope | undefined {
  const item = after ?? before;
  if (!item) return undefined;
  if (item.pk === servicesPartition) {
    if (!after) return { serviceId: item.sk, isDeregistered: true };
    return before?.policyRevision === after.policyRevision ? undefined : { serviceId: item.sk };
  }
  if (item.pk.startsWith(quotaPartitionPrefix)) return freedQuotaScope(before, after);
  if (!item.pk.startsWith(allowlistPartition('')) || !v.is(AccountId, item.sk)) return undefined;
  return { serviceId: item.pk.slice(allowlistPartition('').length), ownerAccountId: item.sk };
}

/**
 * Selects the held back requests of an endpoint quota after an earlier endpoint has left it. The next sweep covers an unreadable
 * quota.
 */
function freedQuotaScope(was: Item | undefined, is: Item | undefined): PolicyScope | undefined {
  const quotas = was && is ? parseEach([was, is], readEndpointQuota, () => {}) : [];
  const [before, after] = quotas;
  if (!before || !after) return undefined;
  const listQuotaIds = ({ endpointIds, heldBack = [] }: EndpointQuota) => [
    ...endpointIds,
    ...heldBack.map(({ endpointId }) => endpointId),
  ];
  const remainingIds = new Set(listQuotaIds(after));
  const isFreed = after.heldBack?.length && listQuotaIds(before).some((id) => !remainingIds.has(id));
  const { serviceId, ownerAccountId } = after;
  return isFreed ? { serviceId, ownerAccountId } : undefined;
}

interface ReevaluateDeps extends NotificationDeps {
  readonly rules: readonly Rule[];
}

/** Publishes the connections in a scope with an outdated verdict. */
export async function reevaluateConnections(
  { serviceId, ownerAccountId, isDeregistered = false }: PolicyScope,
  deps: ReevaluateDeps,
): Promise<ChangeCounts> {
  if (isDeregistered) return { ...noChanges(), decided: await publishAwaitingRequests(serviceId, deps) };
  const services = (await listRegisteredServices(deps)).filter(
    (service) => serviceId === allServicesScope || service.serviceId === serviceId,
  );
  const filter = {
    ...(serviceId !== allServicesScope && { serviceIds: [serviceId] }),
    ...(ownerAccountId !== undefined && { ownerAccountId }),
  };
  const results = await settleEach(uniqueLocations(services), (location) =>
    reevaluateLocation(location, filter, deps),
  );
  // All other locations are complete at this point.
  for (const result of results) if ('error' in result) throw result.error;
  return results
    .map((result) => ('output' in result ? result.output : noChanges()))
    .reduce(addCounts, noChanges());
}

async function reevaluateLocation(
  location: AccountRegion,
  filter: ConnectionFilter,
  deps: ReevaluateDeps,
): Promise<ChangeCounts> {
  let observation = noChanges();
  for await (const page of readConnectionPages(deps.connectionsClient(location), filter))
    observation = addCounts(observation, await detectChanges(page, deps, { recheckPolicy: deps }));
  return observation;
}

/** Publishes the requests of a deregistered service that await approval, from the table only. */
async function publishAwaitingRequests(serviceId: string, deps: NotificationDeps): Promise<number> {
  const { table, reportError } = deps;
  let count = 0;
  for (const { name } of await listApproverGroups(deps))
    for await (const page of awaitingApproval.list(name, deps)) {
      const keys = page.map(({ endpointId }) => recordKey(endpointId));
      const records = parseEach(await table.get(keys), readRecord, reportError);
      const serviceConnections = records
        .filter((record) => record.serviceId === serviceId)
        .map(pickConnection);
      await publishConnections('Connection Request', serviceConnections, deps);
      count += serviceConnections.length;
    }
  return count;
}
