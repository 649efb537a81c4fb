import { Document, isMap, isNode, isSeq, visit } from 'yaml';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import type { ManagedBy } from '../../lib/runtime/managed-by.ts';
import { needsEscapes, safeYaml } from '../control-characters.ts';
import { durationOf } from './duration.ts';
import type { Customer, Group, Service } from './file-schema.ts';
import { entriesWritten } from './group-entries.ts';
import { dateOf, personOf, withoutUndefined } from './values.ts';

/** An object of the table in the form of a document, with its manager. */
export interface ExportState<Said> {
  readonly said: Said;
  readonly managedBy: ManagedBy;
}

/** The policy of the table. */
export type Policy = {
  readonly [Kind in keyof PolicyDocument]: readonly ExportState<PolicyDocument[Kind][number]>[];
};

type GroupOf = PolicyDocument['groups'][number];
type ServiceOf = PolicyDocument['services'][number];
type CustomerOf = PolicyDocument['customers'][number];

/** The comment above an object that the file does not manage. */
const managerComments = {
  file: undefined,
  person: ' managed by a person',
  api: ' managed by another system, through the API',
};

/** A block scalar loses the blanks of such a line: `yaml` 2 takes them for its indentation. */
const blankFirstLine = /^[ \t]+\n/;

const heading = ` yaml-language-server: $schema=policy.schema.json
 \`linkgate schema\` prints that schema.`;

/**
 * A policy file from which the same document is read.
 * @param remarks the comment behind an endpoint, by its id
 */
export function writePolicyFile(policy: Policy, remarks: ReadonlyMap<string, string> = new Map()): string {
  const keys = new Map(policy.services.map(({ said }) => [said.serviceId, keyOf(said)]));
  const customers = new Map(policy.customers.map(({ said }) => [said.name, said]));
  const entries = entriesWritten(policy.entries, customers, (service) => keys.get(service) ?? service);
  const listed = (section: 'allow' | 'block') => entries.filter((each) => each.section === section);
  const sections = {
    approvers: byName(policy.groups, ({ name }) => name, groupFields),
    services: byName(policy.services, keyOf, serviceFields),
    customers: byName(policy.customers, ({ name }) => name, customerFields),
    allow: listed('allow'),
    block: listed('block'),
  };
  const filled = Object.entries(sections).filter(([, written]) => written.length > 0);
  const document = new Document({
    version: 1,
    ...Object.fromEntries(filled.map(([section, written]) => [section, contentOf(written)])),
  });
  document.commentBefore = heading;
  for (const [section, written] of filled) writeManagers(document.get(section), written);
  if (remarks.size > 0) remark(document, remarks);
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && (needsEscapes(node.value) || blankFirstLine.test(node.value)))
        node.type = 'QUOTE_DOUBLE';
    },
  });
  const form = { lineWidth: 0, singleQuote: true, doubleQuotedMinMultiLineLength: Infinity };
  // The output adds one line end. Others may belong to a note.
  return safeYaml(document.toString(form)).replace(/\n$/, '');
}

interface WrittenPart {
  /** Absent in a list. */
  readonly name?: string;
  readonly managedBy: ManagedBy;
  readonly fields: object;
}

function byName<Said>(
  held: readonly ExportState<Said>[],
  nameOf: (said: Said) => string,
  fieldsOf: (said: Said) => object,
): readonly WrittenPart[] {
  return held.map(({ said, managedBy }) => ({ name: nameOf(said), managedBy, fields: fieldsOf(said) }));
}

function contentOf(written: readonly WrittenPart[]): object {
  const fields = written.map((each) => each.fields);
  return written.some(({ name }) => name === undefined)
    ? fields
    : Object.fromEntries(written.map(({ name = '', fields }) => [name, fields]));
}

/** Writes the manager above each object that the file does not manage. */
function writeManagers(section: unknown, written: readonly WrittenPart[]): void {
  if (!isMap(section) && !isSeq(section)) return;
  for (const [index, { managedBy }] of written.entries()) {
    const item = section.items[index];
    const node = isMap(section) ? section.items[index]?.key : item;
    const master = managerComments[managedBy];
    if (isNode(node) && master) node.commentBefore = master;
  }
}

function remark(document: Document, remarks: ReadonlyMap<string, string>): void {
  visit(document, {
    Scalar(_key, node) {
      const words = remarks.get(String(node.value));
      if (words !== undefined) node.comment = ` ${words}`;
    },
  });
}

function keyOf({ name, serviceId }: ServiceOf): string {
  return name ?? serviceId ?? '';
}

function groupFields({
  slackChannel,
  slackUsers,
  emails,
  quorum,
  decisionChannels,
  escalateTo,
}: GroupOf): Group {
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
    quorum: quorum === 1 ? undefined : quorum,
    decisionChannels,
    escalateTo,
  });
}

function serviceFields(service: ServiceOf): Service {
  const { serviceId, name, region, accountId, deadlineSeconds, graceSeconds, at: _at, ...settings } = service;
  return withoutUndefined<Service>({
    id: name === undefined || name === serviceId ? undefined : serviceId,
    region,
    account: accountId,
    ...settings,
    deadline: deadlineSeconds === undefined ? undefined : durationOf(deadlineSeconds),
    grace: graceSeconds === undefined ? undefined : durationOf(graceSeconds),
  });
}

function customerFields({ accounts, contact, owners, contractEndsAt }: CustomerOf): Customer {
  return withoutUndefined<Customer>({
    accounts,
    contact: contact && ('email' in contact ? contact : { topic: contact.topicArn }),
    owners: owners?.map(personOf),
    contractEnds: contractEndsAt === undefined ? undefined : dateOf(contractEndsAt),
  });
}
