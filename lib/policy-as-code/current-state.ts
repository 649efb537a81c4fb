import { readEntries } from '../allowlist/entries.ts';
import { type AllowlistEntry, allServicesScope, entryKey } from '../allowlist/entry.ts';
import { type ApproverGroup, groupKey, listApproverGroups } from '../approvers/approver-group.ts';
import { type Customer, customerKey, listCustomers } from '../customers/customer.ts';
import { listRegisteredServices } from '../services/registered-services.ts';
import { type Service, serviceKey, servicesPartition } from '../services/service.ts';
import { formatKey, type ReadDeps, UnreadableItemError } from '../storage/entity.ts';
import type { Key } from '../storage/table.ts';
import { isApplyFinished, readApplyState } from './apply-lease.ts';
import type { PolicyDocument } from './document.ts';

/** The items of the table that a policy file can name. */
export interface CurrentState {
  readonly groups: readonly ApproverGroup[];
  readonly services: readonly Service[];
  readonly customers: readonly Customer[];
  readonly entries: readonly AllowlistEntry[];
  /** The services whose entries the function read, in addition to the entries for `*`. */
  readonly serviceIds: readonly string[];
  /** The unreadable items. No plan changes them. */
  readonly unreadable: readonly Key[];
}

/** Reads the items that a policy file can name. Reports unreadable items, which no plan changes. */
export async function readCurrentState(
  document: Pick<PolicyDocument, 'services'>,
  { table, reportError }: ReadDeps,
): Promise<CurrentState> {
  const unreadable: Key[] = [];
  const deps: ReadDeps = {
    table,
    reportError(error, operation) {
      if (error instanceof UnreadableItemError) unreadable.push(error.key);
      reportError(error, operation);
    },
  };
  const [groups, services, allCustomers, { stored: lastApply }] = await Promise.all([
    listApproverGroups(deps),
    listRegisteredServices(deps),
    listCustomers(deps),
    readApplyState(deps),
  ]);
  const namedIds = [...services, ...document.services].flatMap(({ serviceId }) => serviceId ?? []);
  const unreadableIds = unreadable.flatMap(({ pk, sk }) => (pk === servicesPartition ? sk : []));
  // An interrupted apply may have removed a service without its entries.
  const interruptedIds = lastApply && !isApplyFinished(lastApply) ? lastApply.serviceIds : [];
  const serviceIds = [...new Set([...namedIds, ...unreadableIds, ...interruptedIds])];
  const entries = await readEntries([allServicesScope, ...serviceIds], deps);
  return { groups, services, customers: allCustomers, entries, serviceIds, unreadable };
}

/**
 * Returns the version of each input of a plan, by key. A service counts by `policyRevision`, which a service check does not
 * raise.
 */
export function itemVersions({ groups, services, customers, entries }: CurrentState): Map<string, number> {
  const versions: readonly (readonly [Key, number])[] = [
    ...groups.map((group) => [groupKey(group.name), group.version] as const),
    ...services.map((service) => [serviceKey(service.serviceId), service.policyRevision] as const),
    ...customers.map((customer) => [customerKey(customer.name), customer.version] as const),
    ...entries.map((entry) => [entryKey(entry.serviceId, entry.accountId), entry.version] as const),
  ];
  return new Map(versions.map(([key, version]) => [formatKey(key), version]));
}
