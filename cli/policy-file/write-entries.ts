import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import type { ExportedPolicy } from '../../lib/policy-as-code/export.ts';
import type { ManagedBy } from '../../lib/runtime/managed-by.ts';
import type { Allow } from './file-schema.ts';
import { formatActor, formatDate, withoutUndefined } from './values.ts';

type DocumentEntry = PolicyDocument['entries'][number];
type DocumentCustomer = PolicyDocument['customers'][number];

/** One entry of a file, which may represent several allowlist entries. */
export interface GroupedEntry {
  readonly section: DocumentEntry['effect'];
  readonly managedBy: ManagedBy;
  readonly fields: Allow;
}

/** The fields of entries other than customer, account and services. */
type Limits = Omit<Allow, 'customer' | 'account' | 'services'>;

interface MergeableEntry extends Omit<GroupedEntry, 'fields'> {
  readonly customer: DocumentCustomer | undefined;
  readonly accounts: readonly string[];
  readonly services: readonly string[];
  readonly limits: Limits;
}

/**
 * Groups allowlist entries for a file: equal entries of several services, or of all accounts of a customer, become one.
 * @param findServiceKey returns the name of a service in the file
 */
export function groupEntries(
  entries: ExportedPolicy['entries'],
  customers: ReadonlyMap<string, DocumentCustomer>,
  findServiceKey: (service: string) => string,
): readonly GroupedEntry[] {
  const mergeable = entries.map((entry): MergeableEntry => {
    const customer = findInheritedCustomer(entry, customers.get(entry.customer ?? ''));
    return {
      section: entry.effect,
      managedBy: entry.managedBy,
      customer,
      accounts: [entry.accountId],
      services: [findServiceKey(entry.service)],
      limits: buildLimits(entry, customer),
    };
  });
  return mergeEntries(mergeEntries(mergeable, 'services'), 'accounts').flatMap(toGroupedEntries);
}

/** Merges entries that differ in one list only. */
function mergeEntries(
  entries: readonly MergeableEntry[],
  list: 'accounts' | 'services',
): readonly MergeableEntry[] {
  return [...Map.groupBy(entries, (each) => JSON.stringify({ ...each, [list]: [] })).values()].flatMap(
    ([first, ...rest]) =>
      first ? [{ ...first, [list]: [first, ...rest].flatMap((each) => each[list]) }] : [],
  );
}

function toGroupedEntries({
  section,
  managedBy,
  customer,
  accounts,
  services,
  limits,
}: MergeableEntry): GroupedEntry[] {
  const createEntry = (target: Pick<Allow, 'customer' | 'account'>): GroupedEntry => {
    const serviceField = services.length === 1 && services[0] !== undefined ? services[0] : [...services];
    return { section, managedBy, fields: { ...target, services: serviceField, ...limits } };
  };
  if (!customer) return accounts.map((account) => createEntry({ account }));
  const { name, accounts: all } = customer;
  const isOfOneAccount = limits.endpoints !== undefined || limits.roles !== undefined;
  if (accounts.length === all.length && (all.length === 1 || !isOfOneAccount))
    return [createEntry({ customer: name })];
  return accounts.map((account) => createEntry({ customer: name, account }));
}

/** Finds the customer whose entry in a file would produce this allowlist entry; undefined if the entry was changed since. */
function findInheritedCustomer(
  entry: DocumentEntry,
  customer: DocumentCustomer | undefined,
): DocumentCustomer | undefined {
  if (!customer?.accounts.includes(entry.accountId)) return undefined;
  const { owners = [], contractEndsAt: ends } = customer;
  if (!owners.every((owner) => entry.owners?.includes(owner))) return undefined;
  const isWithin = entry.effect === 'block' || ends === undefined || (entry.expiresAt ?? '~') <= ends;
  return isWithin ? customer : undefined;
}

function buildLimits(entry: DocumentEntry, customer: DocumentCustomer | undefined): Limits {
  const owners = entry.owners?.filter((owner) => !customer?.owners?.includes(owner));
  const shared = { owners: owners?.length ? owners.map(formatActor) : undefined, note: entry.note };
  if (entry.effect === 'block') return withoutUndefined<Limits>(shared);
  const { endpointIds, consumerRegions, maxEndpoints, expiresAt, roles } = entry;
  return withoutUndefined<Limits>({
    endpoints: endpointIds,
    consumerRegions,
    maxEndpoints,
    expires:
      expiresAt === undefined || expiresAt === customer?.contractEndsAt ? undefined : formatDate(expiresAt),
    roles,
    ...shared,
  });
}
