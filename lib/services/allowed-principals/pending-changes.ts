import { effectiveGraceSeconds, type Service } from '../service.ts';
import { hasManagedPrincipals } from './approve.ts';
import { principalDifference } from './desired-principals.ts';
import { parsePrincipalKind, principalKey } from './principal.ts';
import type { PrincipalRecord } from './principal-record.ts';

/** The desired and the actual principals of a service. */
export interface PrincipalState {
  readonly service: Service;
  readonly desired: readonly string[];
  /** The principals in EC2. */
  readonly actual: readonly string[];
  readonly records: readonly PrincipalRecord[];
}

export interface PendingChanges {
  readonly allow: readonly string[];
  readonly disallow: readonly string[];
  /** The number of removals that wait for a person's approval, because they are most of the principals. */
  readonly blockedRemovals: number;
}

const noPendingChanges: PendingChanges = { allow: [], disallow: [], blockedRemovals: 0 };

/** Up to this number, removals never need an approval. */
const maxUnapprovedRemovals = 10;

/** The delay before linkgate retries a refused principal, because the role may be created later than its entry. */
const refusalRetryMs = 86_400_000;

/** Returns the changes that linkgate should make in EC2 now. */
export function pendingChanges(state: PrincipalState, now: Date): PendingChanges {
  const { service, desired, actual } = state;
  if (
    !hasManagedPrincipals(service) ||
    service.pausedAt !== undefined ||
    service.deregisteringAt !== undefined
  )
    return noPendingChanges;
  const records = new Map(state.records.map((record) => [principalKey(record.principal), record]));
  const findRecord = (principal: string) => records.get(principalKey(principal));
  const { missing, extra } = principalDifference(desired, actual);
  const allow = missing.filter((principal) => canRetry(findRecord(principal), service, now));
  const disallow = extra.filter((principal) => {
    const record = findRecord(principal);
    const dueAt = computeRemovalTime(record, service);
    return dueAt !== undefined && dueAt <= now && canRetry(record, service, now);
  });
  // An allowlist that lost most of its entries by mistake must not remove everybody.
  const isApproved = (principal: string) => findRecord(principal)?.removalApproved === true;
  const unapprovedCount = actual.filter((principal) => !isApproved(principal)).length;
  const unapprovedRemovals = disallow.filter((principal) => !isApproved(principal)).length;
  return unapprovedCount > maxUnapprovedRemovals && unapprovedRemovals > unapprovedCount / 2
    ? { allow, disallow: disallow.filter(isApproved), blockedRemovals: unapprovedRemovals }
    : { allow, disallow, blockedRemovals: 0 };
}

/**
 * Returns when linkgate may remove a principal that is not desired. linkgate removes a formerly desired principal at once, which
 * only prevents new endpoints. It removes a principal that somebody added outside linkgate after the service's grace period; a
 * later approval does not restart it.
 */
export function computeRemovalTime(record: PrincipalRecord | undefined, service: Service): Date | undefined {
  if (!record || !hasManagedPrincipals(service)) return undefined;
  if (record.status === 'desired') return new Date(record.firstSeenAt);
  if (record.notDesiredSince === undefined) return undefined;
  return new Date(Date.parse(record.notDesiredSince) + effectiveGraceSeconds(service) * 1000);
}

/**
 * Whether linkgate retries a refused principal: after a change of the service's settings or after a day; an organization only
 * after a change.
 */
function canRetry(record: PrincipalRecord | undefined, service: Service, now: Date): boolean {
  if (!record?.refusal) return true;
  const refusedAt = Date.parse(record.refusal.at);
  if (Date.parse(service.changedAt ?? '') > refusedAt) return true;
  return !isOrganizationPrincipal(record.principal) && now.getTime() - refusedAt >= refusalRetryMs;
}

export function isOrganizationPrincipal(principal: string): boolean {
  const kind = parsePrincipalKind(principal);
  return kind === 'organization' || kind === 'organizational unit';
}
