import * as v from 'valibot';
import { memberCount, QuorumOutOfReachError } from '../../lib/approvers/approver-group.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { ServiceId } from '../../lib/privatelink/connection.ts';
import { parseSlackUser } from '../parse-actor.ts';
import { secondsIn } from './duration.ts';
import { entriesAt } from './entries.ts';
import type { Customer, Group, Service } from './file-schema.ts';
import type { Problem } from './problem.ts';
import { locationText, type Report, type Resolved, resolveForEnvironment } from './resolve-environment.ts';
import type { Sections } from './sections.ts';
import { distinct, instantIn, parseActors, withoutUndefined } from './values.ts';

export type GroupOf = PolicyDocument['groups'][number];
export type ServiceOf = PolicyDocument['services'][number];
export type CustomerOf = PolicyDocument['customers'][number];

/** Builds the document of a stage, as the API takes it, and adds to the problems. */
export function buildDocument(
  parts: Sections,
  stage: string | undefined,
  problems: Problem[],
): PolicyDocument {
  const report: Report = ({ source, path }, message, within = []) =>
    problems.push({ place: source.placeOf([...path, ...within]), message });
  const groups = groupsOf(resolveForEnvironment(parts.approvers, stage, report), report);
  const services = servicesOf(resolveForEnvironment(parts.services, stage, report), report);
  const customers = customersOf(resolveForEnvironment(parts.customers, stage, report), report);
  return {
    groups,
    services: [...services.values()],
    customers: [...customers.values()],
    entries: entriesAt(stage, { parts, services, customers }, report),
  };
}

type Standings<Said> = ReadonlyMap<string, Resolved<Said>>;

function groupsOf(standing: Standings<Group>, report: Report): GroupOf[] {
  return [...standing].flatMap(([name, { part, said }]) => {
    if (Object.keys(said).length === 0) return [];
    const { slack, emails = [], quorum = 1, decisionChannels, escalateTo } = said;
    const group = withoutUndefined<GroupOf>({
      name,
      quorum,
      slackChannel: slack?.channel,
      slackUsers: distinct(slack?.users ?? []).flatMap((text) => parseSlackUser(text) ?? []),
      emails: distinct(emails.map((email) => email.toLowerCase())),
      decisionChannels,
      escalateTo,
      at: locationText(part),
    });
    const people = memberCount(group);
    if (quorum > people) report(part, new QuorumOutOfReachError(name, quorum, people).message);
    if (escalateTo === name) report(part, `the group ${name} cannot escalate to itself`, ['escalateTo']);
    return [group];
  });
}

function servicesOf(standing: Standings<Service>, report: Report): ReadonlyMap<string, ServiceOf> {
  const ids = new Map<string, Resolved<Service>>();
  const services = new Map<string, ServiceOf>();
  for (const [name, each] of standing) {
    const { id, region, account, deadline, grace, ...settings } = each.said;
    const isNamedById = v.is(ServiceId, name);
    if (isNamedById && id !== undefined && id !== name)
      report(each.part, `its name is the id of another service: \`${name}\``, ['id']);
    const serviceId = id ?? (isNamedById ? name : undefined);
    const other = serviceId === undefined ? undefined : ids.get(serviceId);
    if (other)
      report(each.part, `\`${serviceId}\` has another name already: ${locationText(other.part)}`, ['id']);
    if (serviceId !== undefined) ids.set(serviceId, other ?? each);
    services.set(
      name,
      withoutUndefined<ServiceOf>({
        serviceId,
        name: isNamedById ? undefined : name,
        region,
        accountId: account,
        ...settings,
        deadlineSeconds: deadline === undefined ? undefined : secondsIn(deadline),
        graceSeconds: grace === undefined ? undefined : secondsIn(grace),
        at: locationText(each.part),
      }),
    );
  }
  return services;
}

function customersOf(standing: Standings<Customer>, report: Report): ReadonlyMap<string, CustomerOf> {
  const whose = new Map<string, string>();
  const customers = new Map<string, CustomerOf>();
  for (const [name, { part, said }] of standing) {
    const { accounts = [], contact, owners, contractEnds } = said;
    if (accounts.length === 0) report(part, `customer \`${name}\` has no \`accounts\``);
    for (const [index, account] of accounts.entries()) {
      const other = whose.get(account);
      if (other !== undefined)
        report(part, `account ${account} is \`${other}\`'s already`, ['accounts', index]);
      whose.set(account, name);
    }
    customers.set(
      name,
      withoutUndefined<CustomerOf>({
        name,
        accounts: distinct(accounts),
        contact:
          contact &&
          (contact.topic === undefined ? { email: contact.email ?? '' } : { topicArn: contact.topic }),
        owners: owners && distinct(parseActors(owners)),
        contractEndsAt: instantIn(contractEnds),
        at: locationText(part),
      }),
    );
  }
  return customers;
}
