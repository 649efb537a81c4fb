import { entriesFor } from '../allowlist/entries.ts';
import { type AllowlistEntry, entryKey, everyService } from '../allowlist/entry.ts';
import { type ApproverGroup, approverGroups, groupKey } from '../approval/approver-group.ts';
import { type Customer, customerKey, customers } from '../customer/customer.ts';
import { registeredServices } from '../service/registered-services.ts';
import { allServices, type Service, serviceKey } from '../service/service.ts';
import { keyName, type ReadDeps, UnreadableItemError } from '../table/item.ts';
import type { Key } from '../table/table.ts';
import { findLease, isFinished } from './apply-lease.ts';
import type { PolicyDocument } from './document.ts';

/** All of the table that a policy file may speak of. */
export interface PolicyState {
  readonly groups: readonly ApproverGroup[];
  readonly services: readonly Service[];
  readonly customers: readonly Customer[];
  readonly entries: readonly AllowlistEntry[];
  /** The services whose entries these are, beside those for every service. */
  readonly serviceIds: readonly string[];
  /** What cannot be read: no plan changes it. */
  readonly unreadable: readonly Key[];
}

/** Reads all of it. What cannot be read is reported, and stays as it is. */
export async function readState(
  document: Pick<PolicyDocument, 'services'>,
  { table, report }: ReadDeps,
): Promise<PolicyState> {
  const unreadable: Key[] = [];
  const deps: ReadDeps = {
    table,
    report(error) {
      if (error instanceof UnreadableItemError) unreadable.push(error.key);
      report(error);
    },
  };
  const [groups, services, allCustomers, lease] = await Promise.all([
    approverGroups(deps),
    registeredServices(deps),
    customers(deps),
    findLease(deps),
  ]);
  const named = [...services, ...document.services].flatMap(({ serviceId }) => serviceId ?? []);
  const hidden = unreadable.flatMap(({ pk, sk }) => (pk === allServices ? sk : []));
  // An apply that was broken off may have taken a service out, and left entries of it.
  const left = lease && !isFinished(lease) ? lease.serviceIds : [];
  const serviceIds = [...new Set([...named, ...hidden, ...left])];
  const entries = await entriesFor([everyService, ...serviceIds], deps);
  return { groups, services, customers: allCustomers, entries, serviceIds, unreadable };
}

/** By key: the version of each thing that a plan rests on. A service's grows with its settings alone, not with each look at EC2. */
export function versionsOf({ groups, services, customers, entries }: PolicyState): Map<string, number> {
  const versions: readonly (readonly [Key, number])[] = [
    ...groups.map((group) => [groupKey(group.name), group.version] as const),
    ...services.map((service) => [serviceKey(service.serviceId), service.revision] as const),
    ...customers.map((customer) => [customerKey(customer.name), customer.version] as const),
    ...entries.map((entry) => [entryKey(entry.serviceId, entry.accountId), entry.version] as const),
  ];
  return new Map(versions.map(([key, version]) => [keyName(key), version]));
}
