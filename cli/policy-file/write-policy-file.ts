import { Document, isMap, isNode, isSeq, visit } from 'yaml';
import { defaultQuorum } from '../../lib/approvers/approver-group.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import type { ExportedPolicy } from '../../lib/policy-as-code/export.ts';
import type { ManagedBy } from '../../lib/runtime/managed-by.ts';
import { needsEscapes, safeYaml } from '../control-characters.ts';
import { formatDuration } from './duration.ts';
import type { Customer, Group, Service } from './file-schema.ts';
import { formatActor, formatDate, withoutUndefined } from './values.ts';
import { groupEntries } from './write-entries.ts';

type DocumentGroup = PolicyDocument['groups'][number];
type DocumentService = PolicyDocument['services'][number];
type DocumentCustomer = PolicyDocument['customers'][number];

/** The comment above an object that the file does not manage. */
const managerComments = {
  file: undefined,
  person: ' managed by a person',
  api: ' managed by another system, through the API',
};

/** A block scalar loses the spaces of such a line: `yaml` 2 treats them as indentation. */
const blankFirstLine = /^[ \t]+\n/;

const heading = ` yaml-language-server: $schema=policy.schema.json
 \`linkgate schema\` prints that schema.`;

/**
 * Writes a policy file that parses to the same document.
 * @param remarks the comment behind an endpoint, by its id
 */
export function writePolicyFile(
  policy: ExportedPolicy,
  remarks: ReadonlyMap<string, string> = new Map(),
): string {
  const keys = new Map(policy.services.map((service) => [service.serviceId, selectServiceKey(service)]));
  const customers = new Map(policy.customers.map((customer) => [customer.name, customer]));
  const entries = groupEntries(policy.entries, customers, (service) => keys.get(service) ?? service);
  const sections: Readonly<Record<string, readonly WrittenPart[]>> = {
    approvers: policy.groups.map((group) => toPart(group, group.name, groupFields(group))),
    services: policy.services.map((service) =>
      toPart(service, selectServiceKey(service), serviceFields(service)),
    ),
    customers: policy.customers.map((customer) => toPart(customer, customer.name, customerFields(customer))),
    allow: entries.filter(({ section }) => section === 'allow'),
    block: entries.filter(({ section }) => section === 'block'),
  };
  const nonEmptySections = Object.entries(sections).filter(([, parts]) => parts.length > 0);
  const document = new Document({
    version: 1,
    ...Object.fromEntries(nonEmptySections.map(([section, parts]) => [section, buildContent(parts)])),
  });
  document.commentBefore = heading;
  for (const [section, parts] of nonEmptySections) writeManagers(document.get(section), parts);
  if (remarks.size > 0) addRemarks(document, remarks);
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && (needsEscapes(node.value) || blankFirstLine.test(node.value)))
        node.type = 'QUOTE_DOUBLE';
    },
  });
  const yamlOptions = { lineWidth: 0, singleQuote: true, doubleQuotedMinMultiLineLength: Infinity };
  // The output adds one line break. Any other may belong to a note.
  return safeYaml(document.toString(yamlOptions)).replace(/\n$/, '');
}

interface WrittenPart {
  /** Absent in a list. */
  readonly name?: string;
  readonly managedBy: ManagedBy;
  readonly fields: object;
}

function toPart({ managedBy }: { readonly managedBy: ManagedBy }, name: string, fields: object): WrittenPart {
  return { name, managedBy, fields };
}

function buildContent(parts: readonly WrittenPart[]): object {
  const fields = parts.map((each) => each.fields);
  return parts.some(({ name }) => name === undefined)
    ? fields
    : Object.fromEntries(parts.map(({ name = '', fields }) => [name, fields]));
}

/** Writes the manager above each object that the file does not manage. */
function writeManagers(section: unknown, parts: readonly WrittenPart[]): void {
  if (!isMap(section) && !isSeq(section)) return;
  for (const [index, { managedBy }] of parts.entries()) {
    const item = section.items[index];
    const node = isMap(section) ? section.items[index]?.key : item;
    const comment = managerComments[managedBy];
    if (isNode(node) && comment) node.commentBefore = comment;
  }
}

function addRemarks(document: Document, remarks: ReadonlyMap<string, string>): void {
  visit(document, {
    Scalar(_key, node) {
      const remarkText = remarks.get(String(node.value));
      if (remarkText !== undefined) node.comment = ` ${remarkText}`;
    },
  });
}

function selectServiceKey({ name, serviceId }: DocumentService): string {
  return name ?? serviceId ?? '';
}

function groupFields({
  slackChannel,
  slackUsers,
  emails,
  quorum,
  decisionChannels,
  escalateTo,
}: DocumentGroup): Group {
  const users = slackUsers.map(({ team, user }) => `${team}:${user}`);
  const isInSlack = slackChannel !== undefined || users.length > 0;
  return withoutUndefined<Group>({
    slack: isInSlack
      ? withoutUndefined<NonNullable<Group['slack']>>({
          channel: slackChannel,
          users: users.length > 0 ? users : undefined,
        })
      : undefined,
    emails: emails.length > 0 ? emails : undefined,
    quorum: quorum === defaultQuorum ? undefined : quorum,
    decisionChannels,
    escalateTo,
  });
}

function serviceFields(service: ExportedPolicy['services'][number]): Service {
  const { serviceId, name, region, accountId, deadlineSeconds, graceSeconds, ...rest } = service;
  const { at: _at, managedBy: _managedBy, ...settings } = rest;
  return withoutUndefined<Service>({
    id: name === undefined || name === serviceId ? undefined : serviceId,
    region,
    account: accountId,
    ...settings,
    deadline: deadlineSeconds === undefined ? undefined : formatDuration(deadlineSeconds),
    grace: graceSeconds === undefined ? undefined : formatDuration(graceSeconds),
  });
}

function customerFields({ accounts, contact, owners, contractEndsAt }: DocumentCustomer): Customer {
  return withoutUndefined<Customer>({
    accounts,
    contact: contact && ('email' in contact ? contact : { topic: contact.topicArn }),
    owners: owners?.map(formatActor),
    contractEnds: contractEndsAt === undefined ? undefined : formatDate(contractEndsAt),
  });
}
