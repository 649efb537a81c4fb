import * as v from 'valibot';
import { allServicesScope } from '../allowlist/entry.ts';
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

interface ManagedItem {
  readonly managedBy?: ManagedBy;
  readonly changedBy?: string;
}

interface SettingsDifference<Settings> extends ManagedItem {
  readonly action: ChangeAction;
  readonly before?: Settings;
  readonly after?: Settings;
}

/** Compares the settings in the file with those in the table. @returns undefined if they agree. */
function compareSettings<Settings extends object>(
  before: Settings | undefined,
  after: Settings | undefined,
  stored: ManagedItem | undefined,
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

/** Compares each item that the file or the table has. @param compare returns undefined without a difference */
function compareItems<Desired, Stored, Row>(
  desired: ReadonlyMap<string, Desired>,
  stored: ReadonlyMap<string, Stored>,
  compare: (key: string, desired: Desired | undefined, stored: Stored | undefined) => Row | undefined,
): Row[] {
  const keys = new Set([...desired.keys(), ...stored.keys()]);
  return [...keys].flatMap((key) => compare(key, desired.get(key), stored.get(key)) ?? []);
}

function indexBy<T>(items: readonly T[], toKey: (item: T) => string): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [toKey(item), item]));
}

function diffGroups(
  { groups }: DesiredState,
  state: CurrentState,
  services: readonly ChangeOfKind<'service'>[],
  takeOwnership: boolean,
): ChangeOfKind<'group'>[] {
  const storedGroups = indexBy(state.groups, ({ name }) => name);
  const users = new Map([
    [defaultGroup, 'linkgate'],
    ...[...new Map<string, PolicyGroupSettings>([...storedGroups, ...groups])].map(
      ([name, { escalateTo }]) => [escalateTo, name] as const,
    ),
    ...groupUsersAfter(state.services, services),
  ]);
  return compareItems(groups, storedGroups, (name, desired, stored): ChangeOfKind<'group'> | undefined => {
    // The group `default` always exists: a file without it does not remove it.
    if (name === defaultGroup && !desired && stored && effectiveManager(stored) !== 'file') return undefined;
    const change = compareSettings(
      stored && v.parse(PolicyGroupSettings, stored),
      desired,
      stored && isUnclaimedDefault(stored) ? { managedBy: 'file' } : stored,
      takeOwnership,
    );
    if (!change) return undefined;
    const row = { kind: 'group' as const, name, ...change, version: stored?.version ?? 0 };
    const user = users.get(name);
    if (change.action !== 'remove' || user === undefined) return row;
    const note = `it is no longer in the file, and stays while ${user} names it`;
    return { ...row, action: 'unmanaged', note };
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
  const storedCustomers = indexBy(state.customers, ({ name }) => name);
  return compareItems(customers, storedCustomers, (name, desired, stored) => {
    const before = stored && v.parse(PolicyCustomerSettings, stored);
    const change = compareSettings(before, desired, stored, takeOwnership);
    return change && { kind: 'customer', name, ...change, version: stored?.version ?? 0 };
  });
}

function diffServices(
  { services }: DesiredState,
  state: CurrentState,
  takeOwnership: boolean,
): ChangeOfKind<'service'>[] {
  const storedServices = indexBy(state.services, ({ serviceId }) => serviceId);
  return compareItems(services, storedServices, (serviceId, input, stored) => {
    const before = stored && currentServiceSettings(stored);
    const after = input && desiredServiceSettings(serviceId, input, stored, takeOwnership);
    const change = compareSettings(before, after, stored, takeOwnership && hasSettings(input));
    const name = before?.name ?? after?.name ?? serviceId;
    const version = stored?.policyRevision ?? 0;
    return change && { kind: 'service', name, serviceId, ...change, version };
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
  names.set(allServicesScope, allServicesScope);
  const storedEntries = indexBy(state.entries, ({ serviceId, accountId }) => `${serviceId} ${accountId}`);
  return compareItems(entries, storedEntries, (_key, desired, stored): ChangeOfKind<'entry'> | undefined => {
    const entry = desired ?? stored;
    const before = stored && v.parse(PolicyEntrySettings, stored);
    const change = compareSettings(before, desired?.settings, stored, takeOwnership);
    if (!entry || !change) return undefined;
    const { serviceId, accountId } = entry;
    const service = desired?.service ?? names.get(serviceId) ?? serviceId;
    const version = stored?.version ?? 0;
    return { kind: 'entry', name: accountId, serviceId, accountId, service, ...change, version };
  });
}
