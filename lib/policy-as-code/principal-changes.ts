import { type AllowlistEntry, allowlistPartition, allServicesScope } from '../allowlist/entry.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { effectiveManager } from '../runtime/managed-by.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { desiredPrincipals, principalDifference } from '../services/allowed-principals/desired-principals.ts';
import { parsePrincipalKind } from '../services/allowed-principals/principal.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import type { Service } from '../services/service.ts';
import { chunks } from '../values/chunks.ts';
import { applyEntryChange, type ChangeAuthor, previewChangedService } from './apply-change.ts';
import { type ChangeOfKind, isApplicable, type PolicyChange } from './change.ts';
import type { CurrentState } from './current-state.ts';

export interface PrincipalChangesDeps extends Pick<Runtime, 'now' | 'reportError'> {
  readonly servicesClient: (location: AccountRegion) => EndpointServices;
  readonly hub: AccountRegion;
  readonly caller: string;
  readonly remainingMs: () => number;
}

/** The time that a run reserves, in milliseconds. */
const principalChangesReserveMs = 12_000;
/** The number of services that are described at once. */
const maxParallelDescribes = 5;

/**
 * Compares the allowed principals in EC2 with those that the allowlist implies after the changes. If the file manages the
 * principals of a service, the rows are changes; otherwise they only inform. Covers as many services as time permits; the checks
 * of the remaining services show the rest.
 */
export async function diffPrincipals(
  changes: readonly PolicyChange[],
  state: CurrentState,
  deps: PrincipalChangesDeps,
): Promise<ChangeOfKind<'principal'>[]> {
  const author = { by: deps.caller, now: deps.now() };
  const entries = previewItems(
    'entry',
    state.entries,
    changes,
    ({ serviceId, accountId }) => `${serviceId} ${accountId}`,
    (change) => applyEntryChange(change, author),
  );
  const rows: ChangeOfKind<'principal'>[] = [];
  // Services with managed principals come first, because a person has to see their changes.
  const services = previewItems(
    'service',
    state.services,
    changes,
    ({ serviceId }) => serviceId,
    (change, before) => (change.after ? previewChangedService(change, before, author, deps.hub) : undefined),
  ).filter(hasReadableAllowlist(state));
  const inTurn = [
    ...services.filter(managesPrincipals),
    ...services.filter((service) => !managesPrincipals(service)),
  ];
  for (const some of chunks(inTurn, maxParallelDescribes)) {
    if (deps.remainingMs() < principalChangesReserveMs) break;
    rows.push(
      ...(
        await Promise.all(some.map((service) => diffServicePrincipals(service, entries, author, deps)))
      ).flat(),
    );
  }
  return rows;
}

/** Whether every entry of a service's allowlist is readable. */
function hasReadableAllowlist({ unreadable }: CurrentState): (service: Service) => boolean {
  const partitions = new Set(unreadable.map(({ pk }) => pk));
  return ({ serviceId }) =>
    ![serviceId, allServicesScope].some((at) => partitions.has(allowlistPartition(at)));
}

async function diffServicePrincipals(
  service: Service,
  entries: readonly AllowlistEntry[],
  { now }: ChangeAuthor,
  { servicesClient, reportError }: PrincipalChangesDeps,
): Promise<ChangeOfKind<'principal'>[]> {
  const { serviceId, name } = service;
  const describeService = () => servicesClient(service.location).describe(serviceId);
  const configuration = await (managesPrincipals(service)
    ? describeService()
    : orReported(reportError, 'describe service', describeService));
  // EC2 denies a service without the tag. The next plan shows its principals.
  if (!configuration?.principals) return [];
  const { missing, extra } = principalDifference(
    desiredPrincipals(service, entries, now),
    configuration.principals,
  );
  // The principal `*` allows every account, so no principal is missing.
  const allowsEveryone = !managesPrincipals(service) && configuration.principals.includes('*');
  const row = (action: 'add' | 'remove', principal: string): ChangeOfKind<'principal'> => ({
    kind: 'principal',
    action: managesPrincipals(service) ? action : 'unmanaged',
    name: principal,
    serviceId,
    service: name,
    note: principalNote(action, principal, managesPrincipals(service)),
  });
  return [
    ...(allowsEveryone ? [] : missing).map((principal) => row('add', principal)),
    ...extra.map((principal) => row('remove', principal)),
  ];
}

/** Whether the file makes linkgate manage the allowed principals of a service. */
function managesPrincipals(service: Service): boolean {
  return service.principals === 'managed' && effectiveManager(service) === 'file';
}

function principalNote(action: 'add' | 'remove', principal: string, isManaged: boolean): string {
  const kind = parsePrincipalKind(principal);
  if (action === 'add')
    return isManaged ? kind : `${kind}; the allowlist implies it, but EC2 does not have it`;
  return isManaged
    ? `${kind}; if somebody added it by hand, after the grace period of the service`
    : `${kind}; EC2 has it, but the allowlist does not imply it`;
}

/** Returns the items of one kind after the changes. @param apply returns undefined for a removed item */
function previewItems<Kind extends 'service' | 'entry', Stored>(
  kind: Kind,
  stored: readonly Stored[],
  changes: readonly PolicyChange[],
  toKey: (item: Stored | ChangeOfKind<Kind>) => string,
  apply: (change: ChangeOfKind<Kind>, before: Stored | undefined) => Stored | undefined,
): Stored[] {
  const isOfKind = (change: PolicyChange): change is ChangeOfKind<Kind> => change.kind === kind;
  const after = new Map(stored.map((item) => [toKey(item), item]));
  for (const change of changes.filter(isApplicable).filter(isOfKind)) {
    const key = toKey(change);
    const item = apply(change, after.get(key));
    if (item) after.set(key, item);
    else after.delete(key);
  }
  return [...after.values()];
}
