import {
  type AllowlistEntry,
  allowlistPartition,
  allServicesScope,
  type EntryTarget,
  entryKey,
} from '../allowlist/entry.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { effectiveManager } from '../runtime/managed-by.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { desiredPrincipals, principalDifference } from '../services/allowed-principals/desired-principals.ts';
import { parsePrincipalKind } from '../services/allowed-principals/principal.ts';
import type { EndpointServices } from '../services/endpoint-services.ts';
import type { Service } from '../services/service.ts';
import { formatKey } from '../storage/entity.ts';
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
  const entries = previewEntries(state.entries, changes, author);
  const rows: ChangeOfKind<'principal'>[] = [];
  // Services with managed principals come first, because a person has to see their changes.
  const services = previewServices(state.services, changes, author, deps.hub).filter(
    hasReadableAllowlist(state),
  );
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

function previewServices(
  services: readonly Service[],
  changes: readonly PolicyChange[],
  author: ChangeAuthor,
  hub: AccountRegion,
): Service[] {
  const after = new Map(services.map((service) => [service.serviceId, service]));
  for (const change of changes) {
    if (change.kind !== 'service' || !isApplicable(change)) continue;
    const { serviceId } = change;
    const before = after.get(serviceId);
    if (!change.after) after.delete(serviceId);
    else after.set(serviceId, previewChangedService(change, before, author, hub));
  }
  return [...after.values()];
}

function previewEntries(
  entries: readonly AllowlistEntry[],
  changes: readonly PolicyChange[],
  author: ChangeAuthor,
): AllowlistEntry[] {
  const after = new Map(entries.map((entry) => [entryKeyName(entry), entry]));
  for (const change of changes) {
    if (change.kind !== 'entry' || !isApplicable(change)) continue;
    const entry = applyEntryChange(change, author);
    if (entry) after.set(entryKeyName(entry), entry);
    else after.delete(entryKeyName(change));
  }
  return [...after.values()];
}

function entryKeyName({ serviceId, accountId }: EntryTarget): string {
  return formatKey(entryKey(serviceId, accountId));
}
