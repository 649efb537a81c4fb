import * as v from 'valibot';
import { defaultQuorum, memberCount, QuorumOutOfReachError } from '../../lib/approvers/approver-group.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { ServiceId } from '../../lib/privatelink/connection.ts';
import { parseSlackUser } from '../parse-actor.ts';
import { buildEntries } from './build-entries.ts';
import { parseSeconds } from './duration.ts';
import type { Customer, Group, Service } from './file-schema.ts';
import type { Problem } from './problem.ts';
import {
  locationText,
  type ReportProblem,
  type ResolvedPart,
  resolveForEnvironment,
} from './resolve-environment.ts';
import type { Sections } from './sections.ts';
import { parseActors, parseInstant, removeDuplicates, withoutUndefined } from './values.ts';

type DocumentGroup = PolicyDocument['groups'][number];
type DocumentService = PolicyDocument['services'][number];
type DocumentCustomer = PolicyDocument['customers'][number];

/** Builds the document of a stage for the API, and adds to the problems. */
export function buildDocument(
  parts: Sections,
  stage: string | undefined,
  problems: Problem[],
): PolicyDocument {
  const report: ReportProblem = ({ source, path }, message, subpath = []) =>
    problems.push({ position: source.findPosition([...path, ...subpath]), message });
  const services = buildServices(resolveForEnvironment(parts.services, stage, report), report);
  const customers = buildCustomers(resolveForEnvironment(parts.customers, stage, report), report);
  return {
    groups: buildGroups(resolveForEnvironment(parts.approvers, stage, report), report),
    services: [...services.values()],
    customers: [...customers.values()],
    entries: buildEntries(stage, { parts, services, customers }, report),
  };
}

type ResolvedParts<Fields> = ReadonlyMap<string, ResolvedPart<Fields>>;

function buildGroups(resolvedGroups: ResolvedParts<Group>, report: ReportProblem): DocumentGroup[] {
  return [...resolvedGroups].flatMap(([name, { part, fields }]) => {
    if (Object.keys(fields).length === 0) return [];
    const { slack, emails = [], quorum = defaultQuorum, decisionChannels, escalateTo } = fields;
    const group = withoutUndefined<DocumentGroup>({
      name,
      quorum,
      slackChannel: slack?.channel,
      slackUsers: removeDuplicates(slack?.users ?? []).flatMap((text) => parseSlackUser(text) ?? []),
      emails: removeDuplicates(emails.map((email) => email.toLowerCase())),
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

function buildServices(
  resolvedServices: ResolvedParts<Service>,
  report: ReportProblem,
): ReadonlyMap<string, DocumentService> {
  const ids = new Map<string, ResolvedPart<Service>>();
  const services = new Map<string, DocumentService>();
  for (const [name, resolved] of resolvedServices) {
    const { id, region, account, deadline, grace, ...settings } = resolved.fields;
    const isNamedById = v.is(ServiceId, name);
    if (isNamedById && id !== undefined && id !== name)
      report(resolved.part, `its name is the id of another service: \`${name}\``, ['id']);
    const serviceId = id ?? (isNamedById ? name : undefined);
    const other = serviceId === undefined ? undefined : ids.get(serviceId);
    if (other)
      report(resolved.part, `\`${serviceId}\` has another name already: ${locationText(other.part)}`, ['id']);
    if (serviceId !== undefined) ids.set(serviceId, other ?? resolved);
    services.set(
      name,
      withoutUndefined<DocumentService>({
        serviceId,
        name: isNamedById ? undefined : name,
        region,
        accountId: account,
        ...settings,
        deadlineSeconds: deadline === undefined ? undefined : parseSeconds(deadline),
        graceSeconds: grace === undefined ? undefined : parseSeconds(grace),
        at: locationText(resolved.part),
      }),
    );
  }
  return services;
}

function buildCustomers(
  resolvedCustomers: ResolvedParts<Customer>,
  report: ReportProblem,
): ReadonlyMap<string, DocumentCustomer> {
  const customerByAccount = new Map<string, string>();
  const customers = new Map<string, DocumentCustomer>();
  for (const [name, { part, fields }] of resolvedCustomers) {
    const { accounts = [], contact, owners, contractEnds } = fields;
    if (accounts.length === 0) report(part, `customer \`${name}\` has no \`accounts\``);
    for (const [index, account] of accounts.entries()) {
      const other = customerByAccount.get(account);
      if (other !== undefined)
        report(part, `account ${account} is \`${other}\`'s already`, ['accounts', index]);
      customerByAccount.set(account, name);
    }
    customers.set(
      name,
      withoutUndefined<DocumentCustomer>({
        name,
        accounts: removeDuplicates(accounts),
        contact:
          contact &&
          (contact.topic === undefined ? { email: contact.email ?? '' } : { topicArn: contact.topic }),
        owners: owners && removeDuplicates(parseActors(owners)),
        contractEndsAt: parseInstant(contractEnds),
        at: locationText(part),
      }),
    );
  }
  return customers;
}
