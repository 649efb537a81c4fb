import * as v from 'valibot';
import { allServicesScope } from '../allowlist/entry.ts';
import { approverGroupPartition, memberCount } from '../approvers/approver-group.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import { findServiceByName, serviceNames } from '../services/find-service.ts';
import type { Service } from '../services/service.ts';
import {
  PolicyCustomerSettings,
  PolicyEntrySettings,
  PolicyGroupSettings,
  type PolicyServiceSettings,
} from './change.ts';
import { isSameSettings } from './compare-settings.ts';
import type { CurrentState } from './current-state.ts';
import type { PolicyDocument } from './document.ts';

/** A problem of a policy file, with its position there. */
export interface PolicyProblem {
  readonly at?: string;
  readonly message: string;
}

/** The entry of an account at a service, or at `*`. */
export interface DesiredEntry {
  readonly serviceId: string;
  readonly accountId: string;
  /** The service's own name, or `*`. */
  readonly service: string;
  readonly settings: PolicyEntrySettings;
}

export type ServiceInput = {
  readonly [Name in keyof PolicyServiceSettings]?: PolicyServiceSettings[Name] | undefined;
};

/** The items of a document: by name, by service id, by service id and account. */
export interface DesiredState {
  readonly groups: ReadonlyMap<string, PolicyGroupSettings>;
  readonly customers: ReadonlyMap<string, PolicyCustomerSettings>;
  /** Only the given settings. Empty if the document only names a registered service. */
  readonly services: ReadonlyMap<string, ServiceInput>;
  readonly entries: ReadonlyMap<string, DesiredEntry>;
}

/** The maximum size of one item, in characters of JSON. DynamoDB's limit is 400 KB. */
const maxSettingsLength = 100_000;

interface ResolveContext {
  readonly document: PolicyDocument;
  readonly state: CurrentState;
  readonly hub: AccountRegion;
  /** The names of the groups in the file and in the table, including unreadable ones. */
  readonly groupNames: ReadonlySet<string>;
  /** @param object the part of the document that has the problem */
  report(object: { readonly at?: string }, message: string): void;
}

/** Resolves the names and ids in a document, and lists every problem that prevents an apply. */
export function resolveDesiredState(
  document: PolicyDocument,
  state: CurrentState,
  hub: AccountRegion,
): { readonly desiredState: DesiredState; readonly problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  const hiddenGroups = state.unreadable.filter(({ pk }) => pk === approverGroupPartition);
  const context: ResolveContext = {
    document,
    state,
    hub,
    groupNames: new Set([
      ...[...document.groups, ...state.groups].map(({ name }) => name),
      ...hiddenGroups.map(({ sk }) => sk),
    ]),
    report: ({ at }, message) => problems.push({ message, ...(at !== undefined && { at }) }),
  };
  const services = resolveServices(context);
  const desiredState = {
    groups: resolveGroups(context),
    customers: resolveCustomers(context),
    services,
    entries: resolveEntries(services, context),
  };
  for (const service of document.services)
    if (service.approvers !== undefined && !context.groupNames.has(service.approvers))
      context.report(service, `there is no approver group \`${service.approvers}\``);
  return { desiredState, problems };
}

function resolveGroups(context: ResolveContext): DesiredState['groups'] {
  const { document, state, groupNames, report } = context;
  for (const group of document.groups) {
    const { name, quorum, escalateTo } = group;
    const people = memberCount(group);
    const storedGroup = state.groups.find((each) => each.name === name);
    // The group `default` from setup has no members until somebody sets them.
    const isUnchanged =
      storedGroup && isSameSettings(groupSettings(group), v.parse(PolicyGroupSettings, storedGroup));
    if (quorum > people && !isUnchanged)
      report(group, `the group ${name} could never approve: its quorum is ${quorum}, and it has ${people}`);
    if (escalateTo === name) report(group, `the group ${name} cannot escalate to itself`);
    else if (escalateTo !== undefined && !groupNames.has(escalateTo))
      report(group, `there is no approver group \`${escalateTo}\` to escalate to`);
  }
  const groups = document.groups.map((group) => ({
    object: group,
    key: group.name,
    label: `the group ${group.name}`,
    value: groupSettings(group),
  }));
  return indexUnique(groups, context);
}

function groupSettings({ emails, ...group }: PolicyDocument['groups'][number]): PolicyGroupSettings {
  // SNS compares addresses in filter policies case-sensitively.
  return v.parse(PolicyGroupSettings, { ...group, emails: emails.map((email) => email.toLowerCase()) });
}

function resolveCustomers(context: ResolveContext): DesiredState['customers'] {
  const { document, state, report } = context;
  const customerNames = new Set(document.customers.map(({ name }) => name));
  const otherCustomers = state.customers.filter(
    ({ name, managedBy }) => managedBy !== 'file' && !customerNames.has(name),
  );
  const customerByAccount = new Map(
    otherCustomers.flatMap(({ name, accounts }) => accounts.map((account) => [account, name])),
  );
  for (const customer of document.customers)
    for (const account of customer.accounts) {
      const other = customerByAccount.get(account);
      if (other !== undefined)
        report(customer, `account ${account} belongs to two customers: ${other} and ${customer.name}`);
      customerByAccount.set(account, customer.name);
    }
  const customers = document.customers.map((customer) => ({
    object: customer,
    key: customer.name,
    label: `the customer ${customer.name}`,
    value: v.parse(PolicyCustomerSettings, customer),
  }));
  return indexUnique(customers, context);
}

interface ResolvedService {
  readonly input: PolicyDocument['services'][number];
  readonly serviceId: string;
  readonly name: string | undefined;
}

function resolveServices(context: ResolveContext): DesiredState['services'] {
  const { document, state, hub, report } = context;
  const resolvedServices = document.services.flatMap((input): ResolvedService[] => {
    const registered = findRegistered(input, state);
    const serviceId = input.serviceId ?? registered?.serviceId;
    if (serviceId === undefined) {
      report(input, `no service \`${input.name}\` is registered: give its id to register it`);
      return [];
    }
    const { accountId, region } = registered?.location ?? hub;
    if ((input.region ?? region) !== region || (input.accountId ?? accountId) !== accountId)
      report(
        input,
        registered
          ? `${serviceId} is in account ${accountId} in ${region}`
          : `linkgate registers services of its own account and Region only: ${accountId} in ${region}`,
      );
    // A document that gives the id describes a service. With only its name it may just refer to it.
    const name = input.serviceId === undefined ? undefined : (input.name ?? registered?.name);
    return [{ input, serviceId, name }];
  });
  requireUniqueNames(resolvedServices, context);
  const services = resolvedServices.map((service) => ({
    object: service.input,
    key: service.serviceId,
    label: `the service ${service.serviceId}`,
    value: serviceInput(service),
  }));
  return indexUnique(services, context);
}

function serviceInput({ input, name }: ResolvedService): ServiceInput {
  const { serviceId: _id, region: _region, accountId: _account, at: _at, name: _name, ...rest } = input;
  return { ...rest, ...(name !== undefined && { name }) };
}

/** @returns undefined if the service is not registered. */
function findRegistered(
  { serviceId, name }: PolicyDocument['services'][number],
  { services }: CurrentState,
): Service | undefined {
  return serviceId === undefined
    ? findServiceByName(name ?? '', services)
    : services.find((each) => each.serviceId === serviceId);
}

/** Checks that each name belongs to one service. */
function requireUniqueNames(
  resolvedServices: readonly ResolvedService[],
  { state, report }: ResolveContext,
): void {
  const namedServices = resolvedServices.filter(
    ({ input }) => input.serviceId !== undefined && input.name !== undefined,
  );
  const namedIds = new Set(namedServices.map(({ serviceId }) => serviceId));
  const serviceIdByName = new Map(
    state.services
      .filter(({ serviceId }) => !namedIds.has(serviceId))
      .map(({ name, serviceId }) => [name, serviceId]),
  );
  for (const { input, serviceId, name = serviceId } of namedServices) {
    const other = serviceIdByName.get(name);
    if (other !== undefined) report(input, `\`${name}\` is the name of ${other}`);
    serviceIdByName.set(name, serviceId);
  }
}

function resolveEntries(
  services: DesiredState['services'],
  context: ResolveContext,
): DesiredState['entries'] {
  const { document, state, report } = context;
  const names = new Map(serviceNames(state.services));
  for (const serviceId of services.keys()) names.set(serviceId, names.get(serviceId) ?? serviceId);
  for (const { serviceId, name } of document.services)
    if (serviceId !== undefined && name !== undefined) names.set(serviceId, name);
  names.set(allServicesScope, allServicesScope);
  const ids = new Map([...names].map(([serviceId, name]) => [name, serviceId]));
  const entries = document.entries.flatMap((entry) => {
    const { service: nameOrId, accountId, at: _at, ...settings } = entry;
    const serviceId = names.has(nameOrId) ? nameOrId : ids.get(nameOrId);
    if (serviceId === undefined) {
      report(entry, `there is no service \`${nameOrId}\`, neither registered nor among those of the file`);
      return [];
    }
    const service = names.get(serviceId) ?? serviceId;
    const value = { serviceId, accountId, service, settings: v.parse(PolicyEntrySettings, settings) };
    const label = `account ${accountId} at ${service}`;
    return [{ object: entry, key: `${serviceId} ${accountId}`, label, value }];
  });
  return indexUnique(entries, context);
}

interface IndexedValue<Value> {
  readonly object: { readonly at?: string };
  readonly key: string;
  /** The name in messages. */
  readonly label: string;
  readonly value: Value;
}

/** Indexes values by key, and reports duplicates and values that are too large. */
function indexUnique<Value>(
  values: readonly IndexedValue<Value>[],
  { report }: ResolveContext,
): Map<string, Value> {
  const valueByKey = new Map<string, Value>();
  for (const { object, key, label, value } of values) {
    if (valueByKey.has(key)) report(object, `${label} is in the file twice`);
    if (JSON.stringify(value).length > maxSettingsLength)
      report(object, `${label} is too large: ${maxSettingsLength / 1000} KB at most`);
    valueByKey.set(key, value);
  }
  return valueByKey;
}
