import type { PrincipalDrift, Service } from '../service.ts';
import { hasManagedPrincipals } from './approve.ts';
import type { PrincipalsChange } from './change-principals.ts';
import { principalDifference } from './desired-principals.ts';
import {
  computeRemovalTime,
  isOrganizationPrincipal,
  type PendingChanges,
  type PrincipalState,
} from './pending-changes.ts';
import { describePrincipal, principalKey } from './principal.ts';
import type { PrincipalRecord } from './principal-record.ts';

/** The result of the last reconciliation. */
export interface PrincipalDriftResult {
  readonly blockedRemovals: PendingChanges['blockedRemovals'];
  readonly stopped?: PrincipalsChange['stopped'];
}

/** The maximum number of principals in a text. Every decision reads the service item, so it must stay small. */
const maxNamedPrincipals = 5;

/**
 * Describes how the principals of a service differ from the allowlist. The text must be stable over time, because each change
 * of it publishes an event.
 */
export function principalDrift(
  state: PrincipalState,
  { blockedRemovals, stopped }: PrincipalDriftResult,
): PrincipalDrift[] {
  const { service, desired, actual } = state;
  const records = new Map(state.records.map((record) => [principalKey(record.principal), record]));
  const findRecord = (principal: string) => records.get(principalKey(principal));
  const { missing, extra } = principalDifference(desired, actual);
  const refused = [...missing, ...extra]
    .flatMap((principal) => findRecord(principal) ?? [])
    .filter(({ refusal }) => refusal);
  const absent = missing.filter((principal) => !findRecord(principal)?.refusal);
  const isAwaited = service.principals === 'managed' && !hasManagedPrincipals(service);
  const differs = missing.length + extra.length > 0;

  const drift: (PrincipalDrift | false)[] = [
    // The principal `*` covers every account.
    absent.length > 0 &&
      !actual.includes('*') && {
        check: 'principals-are-missing',
        detail: `allowed principals are missing that the allowlist names: ${formatPrincipals(absent, describePrincipal)}; they cannot create an endpoint`,
      },
    extra.length > 0 && {
      check: 'principals-not-in-allowlist',
      detail: `these allowed principals are not in the allowlist: ${formatPrincipals(extra, (principal) => describeExtraPrincipal(principal, findRecord(principal), service))}`,
    },
    refused.length > 0 && {
      check: 'principals-are-refused',
      detail: `EC2 refused these principals: ${formatPrincipals(refused, describeRefusal)}`,
    },
    blockedRemovals > 0 && {
      check: 'principals-removal-blocked',
      detail: `${blockedRemovals} of ${actual.length} allowed principals would be removed at once, which needs an approval: review a plan and apply it`,
    },
    isAwaited &&
      differs && {
        check: 'principals-pending-approval',
        detail:
          'linkgate starts to manage the allowed principals when a person has reviewed a plan and applied it',
      },
    typeof stopped === 'object' && {
      check: 'principals-cannot-be-changed',
      detail: `EC2 refused to change the allowed principals: ${stopped.code}`,
    },
  ];
  return drift.filter((each) => each !== false);
}

function describeExtraPrincipal(
  principal: string,
  record: PrincipalRecord | undefined,
  service: Service,
): string {
  const removalTime = computeRemovalTime(record, service);
  return [
    describePrincipal(principal),
    record && describeOrigin(record),
    record?.status === 'external' && removalTime && `will be removed at ${removalTime.toISOString()}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function describeOrigin({ status, addedBy, addedAt, firstSeenAt }: PrincipalRecord): string {
  if (status === 'desired') return 'was in the allowlist until now';
  return addedBy === undefined
    ? `added outside linkgate by an unknown user, first seen at ${firstSeenAt}`
    : `added by ${addedBy} at ${addedAt}`;
}

function describeRefusal({ principal, refusal }: PrincipalRecord): string {
  const why = isOrganizationPrincipal(principal)
    ? '; AWS documents no way to allow an organization: allow its accounts, or everyone'
    : '';
  return `${describePrincipal(principal)}, ${refusal?.code}: ${refusal?.message}${why}`;
}

function formatPrincipals<T>(items: readonly T[], formatEach: (each: T) => string): string {
  const more = items.length - maxNamedPrincipals;
  return [
    ...items.slice(0, maxNamedPrincipals).map(formatEach),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('; ');
}
