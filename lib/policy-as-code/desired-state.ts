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

type DocumentPosition = { readonly at?: string };
type ReportProblem = (position: DocumentPosition, message: string) => void;

/** Resolves the names and ids in a document, and lists every problem that prevents an apply. */
export function resolveDesiredState(
  document: PolicyDocument,
  state: CurrentState,
  hub: AccountRegion,
): { readonly desiredState: DesiredState; readonly problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  const reportProblem: ReportProblem = ({ at }, message) =>
    problems.push({ message, ...(at !== undefined && { at }) });
  const services = desiredServices(document, state, hub, reportProblem);
  const desiredState = {
    groups: desiredGroups(document, state, reportProblem),
    customers: desiredCustomers(document, state, reportProblem),
    services,
    entries: desiredEntries(document, state, services, reportProblem),
  };
  requireKnownGroups(document, state, reportProblem);
  return { desiredState, problems };
}

function desiredGroups(
  { groups }: PolicyDocument,
  state: CurrentState,
  reportProblem: ReportProblem,
): DesiredState['groups'] {
  const groupNames = knownGroupNames(groups, state);
  for (const group of groups) {
    const { name, quorum, escalateTo } = group;
    const people = memberCount(group);
    const storedGroup = state.groups.find((each) => each.name === name);
    // The group `default` from setup has no members until somebody sets them.
    const isUnchanged =
      storedGroup && isSameSettings(groupSettings(group), v.parse(PolicyGroupSettings, storedGroup));
    if (quorum > people && !isUnchanged)
      reportProblem(
        group,
        `the group ${name} could never approve: its quorum is ${quorum}, and it has ${people}`,
      );
    if (escalateTo === name) reportProblem(group, `the group ${name} cannot escalate to itself`);
    else if (escalateTo !== undefined && !groupNames.has(escalateTo))
      reportProblem(group, `there is no approver group \`${escalateTo}\` to escalate to`);
  }
  return indexUnique(
    groups,
    ({ name }) => name,
    groupSettings,
    (name) => `the group ${name}`,
    reportProblem,
  );
}

/** Lists the names of the groups in the file and in the table, including unreadable ones. */
function knownGroupNames(groups: PolicyDocument['groups'], state: CurrentState): ReadonlySet<string> {
  const hidden = state.unreadable.filter(({ pk }) => pk === approverGroupPartition).map(({ sk }) => sk);
  return new Set([...[...groups, ...state.groups].map(({ name }) => name), ...hidden]);
}

function groupSettings({ emails, ...group }: PolicyDocument['groups'][number]): PolicyGroupSettings {
  // SNS compares addresses in filter policies case-sensitively.
  return v.parse(PolicyGroupSettings, { ...group, emails: emails.map((email) => email.toLowerCase()) });
}

function desiredCustomers(
  { customers }: PolicyDocument,
  state: CurrentState,
  reportProblem: ReportProblem,
): DesiredState['customers'] {
  const customerNames = new Set(customers.map(({ name }) => name));
  const otherCustomers = state.customers.filter(
    ({ name, managedBy }) => managedBy !== 'file' && !customerNames.has(name),
  );
  const customerByAccount = new Map(
    otherCustomers.flatMap(({ name, accounts }) => accounts.map((account) => [account, name])),
  );
  for (const customer of customers)
    for (const account of customer.accounts) {
      const other = customerByAccount.get(account);
      if (other !== undefined)
        reportProblem(customer, `account ${account} belongs to two customers: ${other} and ${customer.name}`);
      customerByAccount.set(account, customer.name);
    }
  const settings = (customer: (typeof customers)[number]) => v.parse(PolicyCustomerSettings, customer);
  return indexUnique(
    customers,
    ({ name }) => name,
    settings,
    (name) => `the customer ${name}`,
    reportProblem,
  );
}

function desiredServices(
  { services }: PolicyDocument,
  state: CurrentState,
  hub: AccountRegion,
  reportProblem: ReportProblem,
): DesiredState['services'] {
  const resolvedServices = services.flatMap((input) => {
    const registered = findRegistered(input, state);
    const serviceId = input.serviceId ?? registered?.serviceId;
    if (serviceId === undefined) {
      reportProblem(input, `no service \`${input.name}\` is registered: give its id to register it`);
      return [];
    }
    const location = registered?.location ?? hub;
    const isElsewhere =
      (input.region ?? location.region) !== location.region ||
      (input.accountId ?? location.accountId) !== location.accountId;
    if (isElsewhere)
      reportProblem(
        input,
        registered
          ? `${serviceId} is in account ${location.accountId} in ${location.region}`
          : `linkgate registers services of its own account and Region only: ${location.accountId} in ${location.region}`,
      );
    // A document that gives the id describes a service. With only its name it may just refer to it.
    const name = input.serviceId === undefined ? undefined : (input.name ?? registered?.name);
    return [{ input, serviceId, name }];
  });
  requireUniqueNames(resolvedServices, state, reportProblem);
  return indexUnique(
    resolvedServices,
    ({ serviceId }) => serviceId,
    serviceInput,
    (serviceId) => `the service ${serviceId}`,
    (each, message) => reportProblem(each.input, message),
  );
}

interface ResolvedService {
  readonly input: PolicyDocument['services'][number];
  readonly serviceId: string;
  readonly name: string | undefined;
}

function serviceInput({ input, name }: ResolvedService): ServiceInput {
  const {
    serviceId: _serviceId,
    region: _region,
    accountId: _accountId,
    at: _at,
    name: _name,
    ...rest
  } = input;
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
  { services }: CurrentState,
  reportProblem: ReportProblem,
): void {
  const namedServices = resolvedServices.filter(
    ({ input }) => input.serviceId !== undefined && input.name !== undefined,
  );
  const namedIds = new Set(namedServices.map(({ serviceId }) => serviceId));
  const serviceIdByName = new Map(
    services
      .filter(({ serviceId }) => !namedIds.has(serviceId))
      .map(({ name, serviceId }) => [name, serviceId]),
  );
  for (const { input, serviceId, name = serviceId } of namedServices) {
    const other = serviceIdByName.get(name);
    if (other !== undefined) reportProblem(input, `\`${name}\` is the name of ${other}`);
    serviceIdByName.set(name, serviceId);
  }
}

function desiredEntries(
  { entries, services: declaredServices }: PolicyDocument,
  state: CurrentState,
  services: DesiredState['services'],
  reportProblem: ReportProblem,
): DesiredState['entries'] {
  const names = new Map(serviceNames(state.services));
  for (const serviceId of services.keys()) names.set(serviceId, names.get(serviceId) ?? serviceId);
  for (const { serviceId, name } of declaredServices)
    if (serviceId !== undefined && name !== undefined) names.set(serviceId, name);
  names.set(allServicesScope, allServicesScope);
  const ids = new Map([...names].map(([serviceId, name]) => [name, serviceId]));
  const resolved = entries.flatMap(({ service, accountId, at, ...rest }) => {
    const serviceId = names.has(service) ? service : ids.get(service);
    const position = at === undefined ? {} : { at };
    if (serviceId === undefined) {
      reportProblem(
        position,
        `there is no service \`${service}\`, neither registered nor among those of the file`,
      );
      return [];
    }
    const settings = v.parse(PolicyEntrySettings, rest);
    return [{ serviceId, accountId, service: names.get(serviceId) ?? serviceId, settings, ...position }];
  });
  return indexUnique(
    resolved,
    ({ serviceId, accountId }) => `${serviceId} ${accountId}`,
    ({ serviceId, accountId, service, settings }) => ({ serviceId, accountId, service, settings }),
    (_key, { service, accountId }) => `account ${accountId} at ${service}`,
    reportProblem,
  );
}

function requireKnownGroups(
  { services, groups }: PolicyDocument,
  state: CurrentState,
  reportProblem: ReportProblem,
): void {
  const groupNames = knownGroupNames(groups, state);
  for (const service of services)
    if (service.approvers !== undefined && !groupNames.has(service.approvers))
      reportProblem(service, `there is no approver group \`${service.approvers}\``);
}

/** Indexes values by key, and reports duplicates and values that are too large. */
function indexUnique<Each extends object, Value>(
  values: readonly Each[],
  toKey: (each: Each) => string,
  toValue: (each: Each) => Value,
  formatName: (key: string, each: Each) => string,
  reportProblem: (each: Each, message: string) => void,
): Map<string, Value> {
  const valueByKey = new Map<string, Value>();
  for (const each of values) {
    const key = toKey(each);
    if (valueByKey.has(key)) reportProblem(each, `${formatName(key, each)} is in the file twice`);
    const value = toValue(each);
    if (JSON.stringify(value).length > maxSettingsLength)
      reportProblem(each, `${formatName(key, each)} is too large: ${maxSettingsLength / 1000} KB at most`);
    valueByKey.set(key, value);
  }
  return valueByKey;
}
