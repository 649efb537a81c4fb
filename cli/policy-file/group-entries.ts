import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import type { ManagedBy } from '../../lib/runtime/managed-by.ts';
import type { Allow } from './file-schema.ts';
import { dateOf, personOf, withoutUndefined } from './values.ts';

type EntryOf = PolicyDocument['entries'][number];
type CustomerOf = PolicyDocument['customers'][number];

interface HeldEntry {
  readonly said: EntryOf;
  readonly managedBy: ManagedBy;
}

/** One entry of a file, which may stand for several of the allowlist. */
export interface GroupedEntry {
  readonly section: EntryOf['effect'];
  readonly managedBy: ManagedBy;
  readonly fields: Allow;
}

/** The fields of entries other than customer, account and services. */
type Limits = Omit<Allow, 'customer' | 'account' | 'services'>;

interface Alike {
  readonly section: EntryOf['effect'];
  readonly managedBy: ManagedBy;
  readonly customer: CustomerOf | undefined;
  readonly accounts: readonly string[];
  readonly services: readonly string[];
  readonly limits: Limits;
}

/**
 * The entries of a file. Equal entries of several services, or of all accounts of a customer, become one.
 * @param nameOf the name of a service in the file
 */
export function entriesWritten(
  entries: readonly HeldEntry[],
  customers: ReadonlyMap<string, CustomerOf>,
  nameOf: (service: string) => string,
): readonly GroupedEntry[] {
  const single = entries.map(({ said, managedBy }): Alike => {
    const customer = inherited(said, customers.get(said.customer ?? ''));
    const { accountId, service, effect: section } = said;
    const limits = limitsOf(said, customer);
    return { section, managedBy, customer, accounts: [accountId], services: [nameOf(service)], limits };
  });
  return together(together(single, 'services'), 'accounts').flatMap(written);
}

/** Merges entries that differ in one list only. */
function together(entries: readonly Alike[], list: 'accounts' | 'services'): readonly Alike[] {
  return [...Map.groupBy(entries, (each) => JSON.stringify({ ...each, [list]: [] })).values()].flatMap(
    ([first, ...others]) =>
      first ? [{ ...first, [list]: [first, ...others].flatMap((each) => each[list]) }] : [],
  );
}

function written({ section, managedBy, customer, accounts, services, limits }: Alike): GroupedEntry[] {
  const entry = (whose: Pick<Allow, 'customer' | 'account'>): GroupedEntry => {
    const where = services.length === 1 && services[0] !== undefined ? services[0] : [...services];
    return { section, managedBy, fields: { ...whose, services: where, ...limits } };
  };
  if (!customer) return accounts.map((account) => entry({ account }));
  const { name, accounts: all } = customer;
  const isOfOne = limits.endpoints !== undefined || limits.roles !== undefined;
  if (accounts.length === all.length && (all.length === 1 || !isOfOne)) return [entry({ customer: name })];
  return accounts.map((account) => entry({ customer: name, account }));
}

/** The customer from whom an entry has what a file would give it; undefined where it was changed since. */
function inherited(entry: EntryOf, customer: CustomerOf | undefined): CustomerOf | undefined {
  if (!customer?.accounts.includes(entry.accountId)) return undefined;
  const { owners = [], contractEndsAt: ends } = customer;
  if (!owners.every((owner) => entry.owners?.includes(owner))) return undefined;
  const isWithin = entry.effect === 'block' || ends === undefined || (entry.expiresAt ?? '~') <= ends;
  return isWithin ? customer : undefined;
}

function limitsOf(entry: EntryOf, customer: CustomerOf | undefined): Limits {
  const owners = entry.owners?.filter((owner) => !customer?.owners?.includes(owner));
  const shared = { owners: owners?.length ? owners.map(personOf) : undefined, note: entry.note };
  if (entry.effect === 'block') return withoutUndefined<Limits>(shared);
  const { endpointIds, consumerRegions, maxEndpoints, expiresAt, roles } = entry;
  return withoutUndefined<Limits>({
    endpoints: endpointIds,
    consumerRegions,
    maxEndpoints,
    expires:
      expiresAt === undefined || expiresAt === customer?.contractEndsAt ? undefined : dateOf(expiresAt),
    roles,
    ...shared,
  });
}
