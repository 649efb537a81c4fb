import * as v from 'valibot';
import { allServicesScope, type EntryTarget } from '../allowlist/entry.ts';
import { type ApproverGroup, defaultGroup } from '../approvers/approver-group.ts';
import { effectiveManager, type ManagedBy } from '../runtime/managed-by.ts';
import type { Service } from '../services/service.ts';
import {
  type ChangeAction,
  type ChangeOfKind,
  type ItemChange,
  isApplicable,
  type PolicyChange,
  PolicyCustomerSettings,
  PolicyEntrySettings,
  PolicyGroupSettings,
  PolicyServiceSettings,
} from './change.ts';
import { isSameSettings, serviceDefaults } from './compare-settings.ts';
import type { CurrentState } from './current-state.ts';
import type { DesiredState, ServiceInput } from './desired-state.ts';

interface DiffOptions {
  /** Takes over the items in the file from other managers. */
  readonly takeOwnership: boolean;
}

/**
 * Computes the changes from the table to the desired state, in the order of the apply. Blocks come first. Changes that allow come
 * before changes that disallow, so that an account that moves between entries stays allowed. A service changes or is registered
 * after its added entries, because it decides from then on. A service is removed before its entries, so that their removal
 * disconnects no endpoint.
 */
export function computeChanges(
  desiredState: DesiredState,
  state: CurrentState,
  { takeOwnership }: DiffOptions,
): ItemChange[] {
  const services = diffServices(desiredState, state, takeOwnership);
  const changes = [
    ...diffGroups(desiredState, state, services, takeOwnership),
    ...diffCustomers(desiredState, state, takeOwnership),
    ...services,
    ...diffEntries(desiredState, state, takeOwnership),
  ];
  return changes.sort(
    (a, b) =>
      changeRank(a) - changeRank(b) ||
      compareText(a.name, b.name) ||
      compareText(changedServiceId(a), changedServiceId(b)),
  );
}

const changeOrder: readonly ((change: PolicyChange) => boolean)[] = [
  (change) => change.kind === 'entry' && change.after?.effect === 'block',
  ({ kind, action }) => kind === 'group' && action !== 'remove',
  ({ kind, action }) => kind === 'customer' && action !== 'remove',
  ({ kind, action }) => kind === 'entry' && action === 'add',
  ({ kind, action }) => kind === 'entry' && action !== 'remove',
  ({ kind, action }) => kind === 'service' && action !== 'remove',
  ({ kind }) => kind === 'service',
  ({ kind }) => kind === 'entry',
  ({ kind }) => kind === 'customer',
  ({ kind }) => kind === 'group',
];

function changeRank(change: PolicyChange): number {
  const rank = isApplicable(change) ? changeOrder.findIndex((comes) => comes(change)) : -1;
  return rank < 0 ? changeOrder.length : rank;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function changedServiceId(change: PolicyChange): string {
  return 'serviceId' in change ? change.serviceId : '';
}

/** @returns undefined without a difference. */
function changeAction(
  stored: { readonly managedBy?: ManagedBy } | undefined,
  isDesired: boolean,
  isEqual: boolean,
  takeOwnership: boolean,
): ChangeAction | undefined {
  if (!stored) return 'add';
  const isManagedByFile = effectiveManager(stored) === 'file';
  if (!isDesired) return isManagedByFile ? 'remove' : 'unmanaged';
  if (isManagedByFile) return isEqual ? undefined : 'change';
  if (takeOwnership) return 'adopt';
  return isEqual ? 'unmanaged' : 'conflict';
}

interface SettingsDifference<Settings> {
  readonly action: ChangeAction;
  readonly before?: Settings;
  readonly after?: Settings;
  readonly managedBy?: ManagedBy;
  readonly changedBy?: string;
}

/** Compares the settings in the file with those in the table. @returns undefined if they agree. */
function compareSettings<Settings extends object>(
  before: Settings | undefined,
  after: Settings | undefined,
  stored: { readonly managedBy?: ManagedBy; readonly changedBy?: string } | undefined,
  takeOwnership: boolean,
): SettingsDifference<Settings> | undefined {
  const action = changeAction(stored, after !== undefined, isSameSettings(before, after), takeOwnership);
  if (!action) return undefined;
  return {
    action,
    ...(before && { before }),
    ...(after && { after }),
    ...(stored && { managedBy: effectiveManager(stored) }),
    ...(stored?.changedBy !== undefined && { changedBy: stored.changedBy }),
  };
}

function union<T>(desired: Iterable<T>, stored: Iterable<T>): T[] {
  return [...new Set([...desired, ...stored])];
}

function diffGroups(
  { groups }: DesiredState,
  state: CurrentState,
  services: readonly ChangeOfKind<'service'>[],
  takeOwnership: boolean,
): ChangeOfKind<'group'>[] {
  const storedGroups = new Map(state.groups.map((group) => [group.name, group]));
  const names = union(groups.keys(), storedGroups.keys());
  const users = new Map([
    [defaultGroup, 'linkgate'],
    ...names.map((name) => [(groups.get(name) ?? storedGroups.get(name))?.escalateTo, name] as const),
    ...groupUsersAfter(state.services, services),
  ]);
  return names.flatMap((name) => {
    const storedGroup = storedGroups.get(name);
    const desiredGroup = groups.get(name);
    // The group `default` always exists: a file without it does not remove it.
    if (name === defaultGroup && !desiredGroup && storedGroup && effectiveManager(storedGroup) !== 'file')
      return [];
    const isUnclaimed = storedGroup !== undefined && isUnclaimedDefault(storedGroup);
    const before = storedGroup && v.parse(PolicyGroupSettings, storedGroup);
    const change = compareSettings(
      before,
      desiredGroup,
      isUnclaimed ? { managedBy: 'file' } : storedGroup,
      takeOwnership,
    );
    if (!change) return [];
    const row = { kind: 'group' as const, name, ...change, version: storedGroup?.version ?? 0 };
    const user = users.get(name);
    return change.action === 'remove' && user !== undefined
      ? [
          {
            ...row,
            action: 'unmanaged',
            note: `it is no longer in the file, and stays while ${user} names it`,
          },
        ]
      : [row];
  });
}

/** Whether the group is the `default` group from setup. The first caller to change it becomes its manager. */
function isUnclaimedDefault({ name, changedBy, version }: ApproverGroup): boolean {
  return name === defaultGroup && changedBy === undefined && version === 1;
}

/** Lists the groups that services name after the changes, each with one of these services. */
function groupUsersAfter(
  registered: readonly Service[],
  changes: readonly ChangeOfKind<'service'>[],
): (readonly [group: string, service: string])[] {
  const changed = new Map(changes.filter(isApplicable).map((change) => [change.serviceId, change.after]));
  const unchanged = registered.filter(({ serviceId }) => !changed.has(serviceId));
  const remaining = [...unchanged, ...changed.values()].filter((service) => service !== undefined);
  return remaining.map(({ approvers, name }) => [approvers, name]);
}

function diffCustomers(
  { customers }: DesiredState,
  state: CurrentState,
  takeOwnership: boolean,
): ChangeOfKind<'customer'>[] {
  const storedCustomers = new Map(state.customers.map((customer) => [customer.name, customer]));
  return union(customers.keys(), storedCustomers.keys()).flatMap((name) => {
    const storedCustomer = storedCustomers.get(name);
    const change = compareSettings(
      storedCustomer && v.parse(PolicyCustomerSettings, storedCustomer),
      customers.get(name),
      storedCustomer,
      takeOwnership,
    );
    return change ? [{ kind: 'customer', name, ...change, version: storedCustomer?.version ?? 0 }] : [];
  });
}

function diffServices(
  { services }: DesiredState,
  state: CurrentState,
  takeOwnership: boolean,
): ChangeOfKind<'service'>[] {
  const storedServices = new Map(state.services.map((service) => [service.serviceId, service]));
  return union(services.keys(), storedServices.keys()).flatMap((serviceId) => {
    const storedService = storedServices.get(serviceId);
    const input = services.get(serviceId);
    const before = storedService && currentServiceSettings(storedService);
    const after = input && desiredServiceSettings(serviceId, input, storedService, takeOwnership);
    const change = compareSettings(before, after, storedService, takeOwnership && hasSettings(input));
    if (!change) return [];
    const name = before?.name ?? after?.name ?? serviceId;
    return [{ kind: 'service', name, serviceId, ...change, version: storedService?.policyRevision ?? 0 }];
  });
}

function currentServiceSettings(service: Service): PolicyServiceSettings {
  return v.parse(PolicyServiceSettings, { ...serviceDefaults, ...service });
}

/**
 * Completes the settings of a service of the file with the defaults, and those of another manager's service with its current
 * settings.
 */
function desiredServiceSettings(
  serviceId: string,
  input: ServiceInput,
  storedService: Service | undefined,
  takeOwnership: boolean,
): PolicyServiceSettings {
  if (storedService && !hasSettings(input)) return currentServiceSettings(storedService);
  const isManagedByFile = !storedService || effectiveManager(storedService) === 'file' || takeOwnership;
  const defaults = isManagedByFile
    ? { ...serviceDefaults, name: storedService?.name ?? serviceId }
    : currentServiceSettings(storedService);
  return v.parse(PolicyServiceSettings, { ...defaults, ...input });
}

/** Whether the file has settings for a service, and not only its name. */
function hasSettings(input: ServiceInput | undefined): boolean {
  return input !== undefined && Object.keys(input).length > 0;
}

function diffEntries(
  { entries }: DesiredState,
  state: CurrentState,
  takeOwnership: boolean,
): ChangeOfKind<'entry'>[] {
  const names = new Map(state.services.map(({ serviceId, name }) => [serviceId, name]));
  const storedEntries = new Map(state.entries.map((entry) => [entryMapKey(entry), entry]));
  return union(entries.keys(), storedEntries.keys()).flatMap((key) => {
    const storedEntry = storedEntries.get(key);
    const desiredEntry = entries.get(key);
    const entry = desiredEntry ?? storedEntry;
    if (!entry) return [];
    const { serviceId, accountId } = entry;
    const change = compareSettings(
      storedEntry && v.parse(PolicyEntrySettings, storedEntry),
      desiredEntry?.settings,
      storedEntry,
      takeOwnership,
    );
    if (!change) return [];
    const service =
      serviceId === allServicesScope
        ? allServicesScope
        : (desiredEntry?.service ?? names.get(serviceId) ?? serviceId);
    const version = storedEntry?.version ?? 0;
    return [{ kind: 'entry', name: accountId, serviceId, accountId, service, ...change, version }];
  });
}

function entryMapKey({ serviceId, accountId }: EntryTarget): string {
  return `${serviceId} ${accountId}`;
}
