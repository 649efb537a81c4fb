import * as v from 'valibot';
import { allServicesScope, type EntryTarget } from '../allowlist/entry.ts';
import { type ApproverGroup, defaultGroup } from '../approvers/approver-group.ts';
import { type ManagedBy, managerOf } from '../runtime/managed-by.ts';
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
import { isSameSettings, pickSettings, serviceDefaults } from './compare-settings.ts';
import type { CurrentState } from './current-state.ts';
import type { DesiredState, ServiceInput } from './desired-state.ts';

interface DiffOptions {
  /** Take over the items in the file from other managers. */
  readonly adopt: boolean;
}

/**
 * Computes the changes from the table to the desired state, in the order of the apply. Blocks come first. Changes that allow come
 * before changes that disallow, so that an account that moves between entries stays allowed. A service is registered or changed
 * after its entries are added, since it decides from then on. It is removed before its entries are, so that their removal
 * disconnects nothing.
 */
export function computeChanges(
  wanted: DesiredState,
  state: CurrentState,
  { adopt }: DiffOptions,
): ItemChange[] {
  const services = diffServices(wanted, state, adopt);
  const changes = [
    ...diffGroups(wanted, state, services, adopt),
    ...diffCustomers(wanted, state, adopt),
    ...services,
    ...diffEntries(wanted, state, adopt),
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
  held: { readonly managedBy?: ManagedBy } | undefined,
  isWanted: boolean,
  isEqual: boolean,
  adopt: boolean,
): ChangeAction | undefined {
  if (!held) return 'add';
  const isOurs = managerOf(held) === 'file';
  if (!isWanted) return isOurs ? 'remove' : 'left';
  if (isOurs) return isEqual ? undefined : 'change';
  if (adopt) return 'adopt';
  return isEqual ? 'left' : 'conflict';
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
  held: { readonly managedBy?: ManagedBy; readonly changedBy?: string } | undefined,
  adopt: boolean,
): SettingsDifference<Settings> | undefined {
  const action = changeAction(held, after !== undefined, isSameSettings(before, after), adopt);
  if (!action) return undefined;
  return {
    action,
    ...(before && { before }),
    ...(after && { after }),
    ...(held && { managedBy: managerOf(held) }),
    ...(held?.changedBy !== undefined && { changedBy: held.changedBy }),
  };
}

function union<T>(wanted: Iterable<T>, held: Iterable<T>): T[] {
  return [...new Set([...wanted, ...held])];
}

function diffGroups(
  { groups }: DesiredState,
  state: CurrentState,
  services: readonly ChangeOfKind<'service'>[],
  adopt: boolean,
): ChangeOfKind<'group'>[] {
  const held = new Map(state.groups.map((group) => [group.name, group]));
  const names = union(groups.keys(), held.keys());
  const users = new Map([
    [defaultGroup, 'linkgate'],
    ...names.map((name) => [(groups.get(name) ?? held.get(name))?.escalateTo, name] as const),
    ...groupUsersAfter(state.services, services),
  ]);
  return names.flatMap((name) => {
    const there = held.get(name);
    const wanted = groups.get(name);
    // The group `default` always exists: a file without it does not remove it.
    if (name === defaultGroup && !wanted && there && managerOf(there) !== 'file') return [];
    const isNobodys = there !== undefined && isUnclaimedDefault(there);
    const before = there && pickSettings(PolicyGroupSettings, there);
    const change = compareSettings(before, wanted, isNobodys ? { managedBy: 'file' } : there, adopt);
    if (!change) return [];
    const row = { kind: 'group' as const, name, ...change, version: there?.version ?? 0 };
    const user = users.get(name);
    return change.action === 'remove' && user !== undefined
      ? [{ ...row, action: 'left', note: `it is no longer in the file, and stays while ${user} names it` }]
      : [row];
  });
}

/** Whether it is the group `default` as setup made it. The first who changes it manages it. */
function isUnclaimedDefault({ name, changedBy, version }: ApproverGroup): boolean {
  return name === defaultGroup && changedBy === undefined && version === 1;
}

/** The groups that services name after the changes, each with one of these services. */
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
  adopt: boolean,
): ChangeOfKind<'customer'>[] {
  const held = new Map(state.customers.map((customer) => [customer.name, customer]));
  return union(customers.keys(), held.keys()).flatMap((name) => {
    const there = held.get(name);
    const change = compareSettings(
      there && pickSettings(PolicyCustomerSettings, there),
      customers.get(name),
      there,
      adopt,
    );
    return change ? [{ kind: 'customer', name, ...change, version: there?.version ?? 0 }] : [];
  });
}

function diffServices(
  { services }: DesiredState,
  state: CurrentState,
  adopt: boolean,
): ChangeOfKind<'service'>[] {
  const held = new Map(state.services.map((service) => [service.serviceId, service]));
  return union(services.keys(), held.keys()).flatMap((serviceId) => {
    const there = held.get(serviceId);
    const said = services.get(serviceId);
    const before = there && currentServiceSettings(there);
    const after = said && desiredServiceSettings(serviceId, said, there, adopt);
    const change = compareSettings(before, after, there, adopt && hasSettings(said));
    if (!change) return [];
    const name = before?.name ?? after?.name ?? serviceId;
    return [{ kind: 'service', name, serviceId, ...change, version: there?.policyRevision ?? 0 }];
  });
}

function currentServiceSettings(service: Service): PolicyServiceSettings {
  return pickSettings(PolicyServiceSettings, { ...serviceDefaults, ...service });
}

/** The file describes its own services completely, and those of other managers only in the settings that it names. */
function desiredServiceSettings(
  serviceId: string,
  said: ServiceInput,
  there: Service | undefined,
  adopt: boolean,
): PolicyServiceSettings {
  if (there && !hasSettings(said)) return currentServiceSettings(there);
  const isOurs = !there || managerOf(there) === 'file' || adopt;
  const unsaid = isOurs
    ? { ...serviceDefaults, name: there?.name ?? serviceId }
    : currentServiceSettings(there);
  return v.parse(PolicyServiceSettings, { ...unsaid, ...said });
}

/** Whether the file has settings for a service, and does not only name it. */
function hasSettings(said: ServiceInput | undefined): boolean {
  return said !== undefined && Object.keys(said).length > 0;
}

function diffEntries(
  { entries }: DesiredState,
  state: CurrentState,
  adopt: boolean,
): ChangeOfKind<'entry'>[] {
  const names = new Map(state.services.map(({ serviceId, name }) => [serviceId, name]));
  const held = new Map(state.entries.map((entry) => [entryMapKey(entry), entry]));
  return union(entries.keys(), held.keys()).flatMap((key) => {
    const there = held.get(key);
    const wanted = entries.get(key);
    const whose = wanted ?? there;
    if (!whose) return [];
    const { serviceId, accountId } = whose;
    const change = compareSettings(
      there && pickSettings(PolicyEntrySettings, there),
      wanted?.settings,
      there,
      adopt,
    );
    if (!change) return [];
    const service =
      serviceId === allServicesScope
        ? allServicesScope
        : (wanted?.service ?? names.get(serviceId) ?? serviceId);
    const version = there?.version ?? 0;
    return [{ kind: 'entry', name: accountId, serviceId, accountId, service, ...change, version }];
  });
}

function entryMapKey({ serviceId, accountId }: EntryTarget): string {
  return `${serviceId} ${accountId}`;
}
