import { type AllowlistEntry, allServicesScope } from '../../allowlist/entry.ts';
import { awsPartition } from '../../locations/account-region.ts';
import type { Service } from '../service.ts';
import { principalKey } from './principal.ts';

/** What a service's allowed principals follow from. */
export type DesiredPrincipalsInput = Pick<Service, 'serviceId' | 'location' | 'topicArn' | 'otherPrincipals'>;

/**
 * The allowed principals that the allowlist implies for a service: the roles that an account's entry names, else all of the
 * account; and what the service names besides.
 * @param entries those for the service and for every service, in any order; others are passed over.
 */
export function desiredPrincipals(
  { serviceId, location: { region }, topicArn, otherPrincipals = [] }: DesiredPrincipalsInput,
  entries: Iterable<AllowlistEntry>,
  now: Date,
): string[] {
  const partition = awsPartition(region, topicArn);
  const own = new Map<string, AllowlistEntry>();
  const general = new Map<string, AllowlistEntry>();
  for (const entry of entries) {
    if (entry.serviceId === serviceId) own.set(entry.accountId, entry);
    else if (entry.serviceId === allServicesScope) general.set(entry.accountId, entry);
  }
  const desired = [...new Set([...own.keys(), ...general.keys()])].flatMap((accountId) => {
    const both = [own.get(accountId), general.get(accountId)].filter((entry) => entry !== undefined);
    if (both.some(({ effect }) => effect === 'block')) return [];
    // As in decisions: the service's own entry is the one that counts, expired or not.
    return both.slice(0, 1).flatMap((entry) => principalsForEntry(entry, partition, now));
  });
  return uniquePrincipals([...desired, ...otherPrincipals]);
}

function principalsForEntry(
  { accountId, roles, expiresAt }: AllowlistEntry,
  partition: string,
  now: Date,
): string[] {
  if (expiresAt !== undefined && new Date(expiresAt) <= now) return [];
  if (!roles) return [`arn:${partition}:iam::${accountId}:root`];
  // An entry speaks for its own account: a role of another one is not admitted by it.
  return roles.filter((role) => role.split(':')[4] === accountId);
}

export interface PrincipalDifference {
  /** Wanted, and not in EC2. */
  readonly missing: readonly string[];
  /** In EC2 and not wanted, as EC2 writes them. */
  readonly extra: readonly string[];
}

export function principalDifference(
  wanted: readonly string[],
  actual: readonly string[],
): PrincipalDifference {
  return { missing: principalsNotIn(wanted, actual), extra: principalsNotIn(actual, wanted) };
}

function principalsNotIn(principals: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others.map(principalKey));
  return uniquePrincipals(principals).filter((principal) => !known.has(principalKey(principal)));
}

function uniquePrincipals(principals: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const principal of principals)
    if (!byKey.has(principalKey(principal))) byKey.set(principalKey(principal), principal);
  return [...byKey.values()];
}
