import * as v from 'valibot';
import { peopleOf, QuorumOutOfReachError } from '../../lib/approval/approver-group.ts';
import { ServiceId } from '../../lib/connection/connection.ts';
import type { PolicyDocument } from '../../lib/plan/document.ts';
import { slackUserNamed } from '../actor-named.ts';
import { secondsIn } from './duration.ts';
import { entriesAt } from './entries.ts';
import type { Customer, Group, Service } from './form.ts';
import type { Parts } from './parts.ts';
import type { Problem } from './problem.ts';
import { type Report, type Standing, standingAt, whereIs } from './standing.ts';
import { actorsIn, distinct, given, instantIn } from './values.ts';

export type GroupOf = PolicyDocument['groups'][number];
export type ServiceOf = PolicyDocument['services'][number];
export type CustomerOf = PolicyDocument['customers'][number];

/** What files say at a stage, as linkgate takes it; what is wrong is added to the problems. */
export function documentAt(parts: Parts, stage: string | undefined, problems: Problem[]): PolicyDocument {
  const report: Report = ({ source, path }, message, within = []) =>
    problems.push({ place: source.placeOf([...path, ...within]), message });
  const groups = groupsOf(standingAt(parts.approvers, stage, report), report);
  const services = servicesOf(standingAt(parts.services, stage, report), report);
  const customers = customersOf(standingAt(parts.customers, stage, report), report);
  return {
    groups,
    services: [...services.values()],
    customers: [...customers.values()],
    entries: entriesAt(stage, { parts, services, customers }, report),
  };
}

type Standings<Said> = ReadonlyMap<string, Standing<Said>>;

function groupsOf(standing: Standings<Group>, report: Report): GroupOf[] {
  return [...standing].flatMap(([name, { part, said }]) => {
    if (Object.keys(said).length === 0) return [];
    const { slack, emails = [], quorum = 1, decideIn, escalateTo } = said;
    const group = given<GroupOf>({
      name,
      quorum,
      slackChannel: slack?.channel,
      slackUsers: distinct(slack?.users ?? []).flatMap((text) => slackUserNamed(text) ?? []),
      emails: distinct(emails.map((email) => email.toLowerCase())),
      decideIn,
      escalateTo,
      at: whereIs(part),
    });
    const people = peopleOf(group);
    if (quorum > people) report(part, new QuorumOutOfReachError(name, quorum, people).message);
    if (escalateTo === name) report(part, `the group ${name} cannot escalate to itself`, ['escalateTo']);
    return [group];
  });
}

function servicesOf(standing: Standings<Service>, report: Report): ReadonlyMap<string, ServiceOf> {
  const ids = new Map<string, Standing<Service>>();
  const services = new Map<string, ServiceOf>();
  for (const [name, each] of standing) {
    const { id, region, account, deadline, grace, ...settings } = each.said;
    const isNamedById = v.is(ServiceId, name);
    if (isNamedById && id !== undefined && id !== name)
      report(each.part, `its name is the id of another service: \`${name}\``, ['id']);
    const serviceId = id ?? (isNamedById ? name : undefined);
    const other = serviceId === undefined ? undefined : ids.get(serviceId);
    if (other) report(each.part, `\`${serviceId}\` has another name already: ${whereIs(other.part)}`, ['id']);
    if (serviceId !== undefined) ids.set(serviceId, other ?? each);
    services.set(
      name,
      given<ServiceOf>({
        serviceId,
        name: isNamedById ? undefined : name,
        region,
        accountId: account,
        ...settings,
        deadlineSeconds: deadline === undefined ? undefined : secondsIn(deadline),
        graceSeconds: grace === undefined ? undefined : secondsIn(grace),
        at: whereIs(each.part),
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
      given<CustomerOf>({
        name,
        accounts: distinct(accounts),
        contact:
          contact &&
          (contact.topic === undefined ? { email: contact.email ?? '' } : { topicArn: contact.topic }),
        owners: owners && distinct(actorsIn(owners)),
        contractEndsAt: instantIn(contractEnds),
        at: whereIs(part),
      }),
    );
  }
  return customers;
}
