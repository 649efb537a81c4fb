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
import { isSameSettings, pickSettings } from './compare-settings.ts';
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

/** The items that a document describes: by name, by service id, by service id and account. */
export interface DesiredState {
  readonly groups: ReadonlyMap<string, PolicyGroupSettings>;
  readonly customers: ReadonlyMap<string, PolicyCustomerSettings>;
  /** Only the given settings. None if the document only names a registered service. */
  readonly services: ReadonlyMap<string, ServiceInput>;
  readonly entries: ReadonlyMap<string, DesiredEntry>;
}

/** The maximum size of one item, in characters of JSON. DynamoDB's limit is 400 KB. */
const largest = 100_000;

type Said = { readonly at?: string };
type Report = (said: Said, message: string) => void;

/** Resolves the names and ids in a document, and lists everything that keeps it from being applied. */
export function resolveDesiredState(
  document: PolicyDocument,
  state: CurrentState,
  hub: AccountRegion,
): { readonly wanted: DesiredState; readonly problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  const reportError: Report = ({ at }, message) =>
    problems.push({ message, ...(at !== undefined && { at }) });
  const services = servicesClient(document, state, hub, reportError);
  const wanted = {
    groups: groupsIn(document, state, reportError),
    customers: customersIn(document, state, reportError),
    services,
    entries: entriesIn(document, state, services, reportError),
  };
  requireGroups(document, state, reportError);
  return { wanted, problems };
}

function groupsIn(
  { groups }: PolicyDocument,
  state: CurrentState,
  reportError: Report,
): DesiredState['groups'] {
  const known = groupNames(groups, state);
  for (const group of groups) {
    const { name, quorum, escalateTo } = group;
    const people = memberCount(group);
    const held = state.groups.find((each) => each.name === name);
    // The group `default` of setup has no members until somebody names them.
    const isAsItIs = held && isSameSettings(settingsOfGroup(group), pickSettings(PolicyGroupSettings, held));
    if (quorum > people && !isAsItIs)
      reportError(
        group,
        `the group ${name} could never approve: its quorum is ${quorum}, and it has ${people}`,
      );
    if (escalateTo === name) reportError(group, `the group ${name} cannot escalate to itself`);
    else if (escalateTo !== undefined && !known.has(escalateTo))
      reportError(group, `there is no approver group \`${escalateTo}\` to escalate to`);
  }
  return keyed(
    groups,
    ({ name }) => name,
    settingsOfGroup,
    (name) => `the group ${name}`,
    reportError,
  );
}

/** The names of the groups in the file and in the table, unreadable ones included. */
function groupNames(groups: PolicyDocument['groups'], state: CurrentState): ReadonlySet<string> {
  const hidden = state.unreadable.filter(({ pk }) => pk === approverGroupPartition).map(({ sk }) => sk);
  return new Set([...[...groups, ...state.groups].map(({ name }) => name), ...hidden]);
}

function settingsOfGroup({ emails, ...group }: PolicyDocument['groups'][number]): PolicyGroupSettings {
  // SNS compares addresses in filter policies case-sensitively.
  return pickSettings(PolicyGroupSettings, { ...group, emails: emails.map((email) => email.toLowerCase()) });
}

function customersIn(
  { customers }: PolicyDocument,
  state: CurrentState,
  reportError: Report,
): DesiredState['customers'] {
  const named = new Set(customers.map(({ name }) => name));
  const others = state.customers.filter(({ name, managedBy }) => managedBy !== 'file' && !named.has(name));
  const whose = new Map(others.flatMap(({ name, accounts }) => accounts.map((account) => [account, name])));
  for (const customer of customers)
    for (const account of customer.accounts) {
      const other = whose.get(account);
      if (other !== undefined)
        reportError(customer, `account ${account} belongs to two customers: ${other} and ${customer.name}`);
      whose.set(account, customer.name);
    }
  const settings = (customer: (typeof customers)[number]) => pickSettings(PolicyCustomerSettings, customer);
  return keyed(
    customers,
    ({ name }) => name,
    settings,
    (name) => `the customer ${name}`,
    reportError,
  );
}

function servicesClient(
  { services }: PolicyDocument,
  state: CurrentState,
  hub: AccountRegion,
  reportError: Report,
): DesiredState['services'] {
  const known = services.flatMap((said) => {
    const registered = registeredOf(said, state);
    const serviceId = said.serviceId ?? registered?.serviceId;
    if (serviceId === undefined) {
      reportError(said, `no service \`${said.name}\` is registered: give its id to register it`);
      return [];
    }
    const location = registered?.location ?? hub;
    const isElsewhere =
      (said.region ?? location.region) !== location.region ||
      (said.accountId ?? location.accountId) !== location.accountId;
    if (isElsewhere)
      reportError(
        said,
        registered
          ? `${serviceId} is in account ${location.accountId} in ${location.region}`
          : `linkgate registers services of its own account and Region only: ${location.accountId} in ${location.region}`,
      );
    // With its id the document describes a service. With its name alone it may only refer to it.
    const name = said.serviceId === undefined ? undefined : (said.name ?? registered?.name);
    return [{ said, serviceId, name }];
  });
  requireNames(known, state, reportError);
  return keyed(
    known,
    ({ serviceId }) => serviceId,
    saidOf,
    (serviceId) => `the service ${serviceId}`,
    (each, message) => reportError(each.said, message),
  );
}

interface KnownService {
  readonly said: PolicyDocument['services'][number];
  readonly serviceId: string;
  readonly name: string | undefined;
}

function saidOf({ said, name }: KnownService): ServiceInput {
  const {
    serviceId: _serviceId,
    region: _region,
    accountId: _accountId,
    at: _at,
    name: _name,
    ...rest
  } = said;
  return { ...rest, ...(name !== undefined && { name }) };
}

/** @returns undefined if the service is not registered. */
function registeredOf(
  { serviceId, name }: PolicyDocument['services'][number],
  { services }: CurrentState,
): Service | undefined {
  return serviceId === undefined
    ? findServiceByName(name ?? '', services)
    : services.find((each) => each.serviceId === serviceId);
}

/** Checks that each name belongs to one service. */
function requireNames(known: readonly KnownService[], { services }: CurrentState, reportError: Report): void {
  const naming = known.filter(({ said }) => said.serviceId !== undefined && said.name !== undefined);
  const named = new Set(naming.map(({ serviceId }) => serviceId));
  const taken = new Map(
    services.filter(({ serviceId }) => !named.has(serviceId)).map(({ name, serviceId }) => [name, serviceId]),
  );
  for (const { said, serviceId, name = serviceId } of naming) {
    const other = taken.get(name);
    if (other !== undefined) reportError(said, `\`${name}\` is the name of ${other}`);
    taken.set(name, serviceId);
  }
}

function entriesIn(
  { entries, services: said }: PolicyDocument,
  state: CurrentState,
  services: DesiredState['services'],
  reportError: Report,
): DesiredState['entries'] {
  const names = new Map(serviceNames(state.services));
  for (const serviceId of services.keys()) names.set(serviceId, names.get(serviceId) ?? serviceId);
  for (const { serviceId, name } of said)
    if (serviceId !== undefined && name !== undefined) names.set(serviceId, name);
  names.set(allServicesScope, allServicesScope);
  const ids = new Map([...names].map(([serviceId, name]) => [name, serviceId]));
  const resolved = entries.flatMap(({ service, accountId, at, ...rest }) => {
    const serviceId = names.has(service) ? service : ids.get(service);
    const where = at === undefined ? {} : { at };
    if (serviceId === undefined) {
      reportError(
        where,
        `there is no service \`${service}\`, neither registered nor among those of the file`,
      );
      return [];
    }
    const settings = pickSettings(PolicyEntrySettings, rest);
    return [{ serviceId, accountId, service: names.get(serviceId) ?? serviceId, settings, ...where }];
  });
  return keyed(
    resolved,
    ({ serviceId, accountId }) => `${serviceId} ${accountId}`,
    ({ serviceId, accountId, service, settings }) => ({ serviceId, accountId, service, settings }),
    (_key, { service, accountId }) => `account ${accountId} at ${service}`,
    reportError,
  );
}

function requireGroups({ services, groups }: PolicyDocument, state: CurrentState, reportError: Report): void {
  const known = groupNames(groups, state);
  for (const service of services)
    if (service.approvers !== undefined && !known.has(service.approvers))
      reportError(service, `there is no approver group \`${service.approvers}\``);
}

/** Indexes values by key, and reports duplicates and values that are too large. */
function keyed<Each extends object, Value>(
  values: readonly Each[],
  keyOf: (each: Each) => string,
  to: (each: Each) => Value,
  nameOf: (key: string, each: Each) => string,
  reportError: (each: Each, message: string) => void,
): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const each of values) {
    const key = keyOf(each);
    if (found.has(key)) reportError(each, `${nameOf(key, each)} is in the file twice`);
    const value = to(each);
    if (JSON.stringify(value).length > largest)
      reportError(each, `${nameOf(key, each)} is too large: ${largest / 1000} KB at most`);
    found.set(key, value);
  }
  return found;
}
