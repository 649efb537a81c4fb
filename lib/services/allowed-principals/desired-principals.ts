import { effectiveEntry, findBlock, orderEntries } from '../../allowlist/effective-entry.ts';
import { type AllowlistEntry, allServicesScope } from '../../allowlist/entry.ts';
import { awsPartition } from '../../locations/account-region.ts';
import type { Service } from '../service.ts';
import { principalKey } from './principal.ts';

/** The properties of a service that determine its allowed principals. */
export type DesiredPrincipalsInput = Pick<Service, 'serviceId' | 'location' | 'topicArn' | 'otherPrincipals'>;

/**
 * Returns the allowed principals that a service should have: for each allowed account the roles of its entry, or the whole
 * account; and the service's own `otherPrincipals`.
 * @param entries the entries of the service and of every service, in any order; others are ignored.
 */
export function desiredPrincipals(
  { serviceId, location: { region }, topicArn, otherPrincipals = [] }: DesiredPrincipalsInput,
  entries: Iterable<AllowlistEntry>,
  now: Date,
): string[] {
  const partition = awsPartition(region, topicArn);
  const entriesHere = [...entries].filter(({ serviceId: at }) => at === serviceId || at === allServicesScope);
  const desired = [...Map.groupBy(entriesHere, ({ accountId }) => accountId).values()].flatMap(
    (accountEntries) => {
      const entry = effectiveEntry({ entries: orderEntries(accountEntries) });
      return entry && !findBlock(accountEntries) ? principalsForEntry(entry, partition, now) : [];
    },
  );
  return uniquePrincipals([...desired, ...otherPrincipals]);
}

function principalsForEntry(
  { accountId, roles, expiresAt }: AllowlistEntry,
  partition: string,
  now: Date,
): string[] {
  if (expiresAt !== undefined && new Date(expiresAt) <= now) return [];
  if (!roles) return [`arn:${partition}:iam::${accountId}:root`];
  // An entry allows only roles of its own account.
  return roles.filter((role) => role.split(':')[4] === accountId);
}

export interface PrincipalDifference {
  /** Desired, and not in EC2. */
  readonly missing: readonly string[];
  /** In EC2 and not desired, as EC2 writes them. */
  readonly extra: readonly string[];
}

export function principalDifference(
  desired: readonly string[],
  actual: readonly string[],
): PrincipalDifference {
  return { missing: subtractPrincipals(desired, actual), extra: subtractPrincipals(actual, desired) };
}

function subtractPrincipals(principals: readonly string[], excluded: readonly string[]): string[] {
  const excludedKeys = new Set(excluded.map(principalKey));
  return uniquePrincipals(principals).filter((principal) => !excludedKeys.has(principalKey(principal)));
}

function uniquePrincipals(principals: readonly string[]): string[] {
  const principalByKey = new Map<string, string>();
  for (const principal of principals)
    if (!principalByKey.has(principalKey(principal))) principalByKey.set(principalKey(principal), principal);
  return [...principalByKey.values()];
}
