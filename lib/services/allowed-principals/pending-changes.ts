import { effectiveGraceSeconds, type Service } from '../service.ts';
import { hasManagedPrincipals } from './approve.ts';
import { principalDifference } from './desired-principals.ts';
import { parsePrincipalKind, principalKey } from './principal.ts';
import type { PrincipalRecord } from './principal-record.ts';

/** A service's principals as they are and as they are to be. */
export interface PrincipalState {
  readonly service: Service;
  readonly desired: readonly string[];
  /** In EC2. */
  readonly actual: readonly string[];
  readonly records: readonly PrincipalRecord[];
}

export interface PendingChanges {
  readonly allow: readonly string[];
  readonly disallow: readonly string[];
  /** How many were to go, and stay until a person has seen a plan: it is most of them at once. */
  readonly blockedRemovals: number;
}

const noPendingChanges: PendingChanges = { allow: [], disallow: [], blockedRemovals: 0 };

/** So many may always go at once. */
const maxUnapprovedRemovals = 10;

/** How long after a refusal a principal that the allowlist implies is tried again: a role may be made later than its entry. */
const refusalRetryMs = 86_400_000;

/** What linkgate is to change in EC2 now. */
export function pendingChanges(state: PrincipalState, now: Date): PendingChanges {
  const { service, desired, actual } = state;
  if (
    !hasManagedPrincipals(service) ||
    service.pausedAt !== undefined ||
    service.deregisteringAt !== undefined
  )
    return noPendingChanges;
  const records = new Map(state.records.map((record) => [principalKey(record.principal), record]));
  const recordOf = (principal: string) => records.get(principalKey(principal));
  const { missing, extra } = principalDifference(desired, actual);
  const allow = missing.filter((principal) => canRetry(recordOf(principal), service, now));
  const disallow = extra.filter((principal) => {
    const record = recordOf(principal);
    const goesAt = removableAt(record, service);
    return goesAt !== undefined && goesAt <= now && canRetry(record, service, now);
  });
  // An allowlist that lost most of its entries by mistake is not to shut everybody out.
  const isAgreed = (principal: string) => recordOf(principal)?.agreed === true;
  const others = actual.filter((principal) => !isAgreed(principal)).length;
  const unseen = disallow.filter((principal) => !isAgreed(principal)).length;
  return others > maxUnapprovedRemovals && unseen > others / 2
    ? { allow, disallow: disallow.filter(isAgreed), blockedRemovals: unseen }
    : { allow, disallow, blockedRemovals: 0 };
}

/**
 * When a principal that nothing implies goes: one that the allowlist implied, at once, since that only keeps new endpoints from being
 * created; one that was added by hand after the service's grace period, which no later approval begins anew.
 */
export function removableAt(record: PrincipalRecord | undefined, service: Service): Date | undefined {
  if (!record || !hasManagedPrincipals(service)) return undefined;
  if (record.status === 'implied') return new Date(record.firstSeenAt);
  if (record.notDesiredSince === undefined) return undefined;
  return new Date(Date.parse(record.notDesiredSince) + effectiveGraceSeconds(service) * 1000);
}

/** What EC2 refused is tried again when somebody changed the service's settings, or a day later, an organization not even then. */
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
