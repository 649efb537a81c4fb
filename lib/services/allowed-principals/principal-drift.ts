import { type Check, type CheckResult, fail, grantPermissionRemedy, warn } from '../../checks/check.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { findDrift } from '../drift.ts';
import type { Drift, Service } from '../service.ts';
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

interface ComparisonInput extends PrincipalState {
  /** The result of the last reconciliation. */
  readonly blockedRemovals: PendingChanges['blockedRemovals'];
  readonly stopped: PrincipalsChange['stopped'];
}

/** The maximum number of principals in a text. Every decision reads the service item, so it must stay small. */
const maxNamedPrincipals = 5;

/** Describes how the principals of a service differ from the allowlist. */
export function principalDrift(input: ComparisonInput, deps: Pick<Runtime, 'reportError'>): Promise<Drift[]> {
  return findDrift(principalChecks, comparePrincipals(input), deps);
}

function comparePrincipals(input: ComparisonInput) {
  const records = new Map(input.records.map((record) => [principalKey(record.principal), record]));
  const findRecord = (principal: string) => records.get(principalKey(principal));
  const { missing, extra } = principalDifference(input.desired, input.actual);
  const different = [...missing, ...extra];
  return {
    ...input,
    absent: missing.filter((principal) => !findRecord(principal)?.refusal),
    extra,
    different,
    refused: different.flatMap((principal) => findRecord(principal) ?? []).filter(({ refusal }) => refusal),
    findRecord,
  };
}
type PrincipalComparison = ReturnType<typeof comparePrincipals>;

/** The problems by drift. A text must be stable over time, because each change of it publishes an event. */
const principalProblems: Readonly<Record<string, (comparison: PrincipalComparison) => string | false>> = {
  // The principal `*` covers every account.
  'principals-are-missing': ({ absent, actual }) =>
    absent.length > 0 &&
    !actual.includes('*') &&
    `allowed principals are missing that the allowlist names: ${formatPrincipals(absent, describePrincipal)}; they cannot create an endpoint`,
  'principals-not-in-allowlist': ({ extra, findRecord, service }) =>
    extra.length > 0 &&
    `these allowed principals are not in the allowlist: ${formatPrincipals(extra, (principal) => describeExtraPrincipal(principal, findRecord(principal), service))}`,
  'principals-are-refused': ({ refused }) =>
    refused.length > 0 && `EC2 refused these principals: ${formatPrincipals(refused, describeRefusal)}`,
  'principals-removal-blocked': ({ blockedRemovals, actual }) =>
    blockedRemovals > 0 &&
    `${blockedRemovals} of ${actual.length} allowed principals would be removed at once, which needs an approval: review a plan and apply it`,
  'principals-pending-approval': ({ service, different }) =>
    service.principals === 'managed' &&
    !hasManagedPrincipals(service) &&
    different.length > 0 &&
    'linkgate starts to manage the allowed principals when a person has reviewed a plan and applied it',
  'principals-cannot-be-changed': ({ stopped }) =>
    typeof stopped === 'object' && `EC2 refused to change the allowed principals: ${stopped.code}`,
};

const principalChecks = Object.entries(principalProblems).map(
  ([id, findProblem]): Check<PrincipalComparison> => ({
    id,
    title: 'the allowed principals are what the allowlist implies',
    run: (comparison) => {
      const text = findProblem(comparison);
      return !text || principalFailure(text, [id], comparison.service);
    },
  }),
);

/** Returns the result of checks of the allowed principals that failed, with one remedy. */
export function principalFailure(text: string, failedIds: readonly string[], service: Service): CheckResult {
  if (failedIds.includes('principals-cannot-be-changed')) return fail(text, grantPermissionRemedy);
  const needsPlan =
    service.principals !== 'managed' ||
    failedIds.includes('principals-pending-approval') ||
    failedIds.includes('principals-removal-blocked');
  return warn(
    text,
    needsPlan
      ? `preview the changes, and let linkgate manage them:\nlinkgate service add ${service.serviceId} --principals managed`
      : 'see docs/principals.md: linkgate fixes some differences itself',
  );
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
