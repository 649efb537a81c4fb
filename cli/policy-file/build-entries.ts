import { allServicesScope } from '../../lib/allowlist/entry.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { resolveFields } from './environments.ts';
import type { Allow } from './file-schema.ts';
import { locationText, type ReportProblem } from './resolve-environment.ts';
import type { Part, Sections } from './sections.ts';
import { parseActors, parseInstant, removeDuplicates, withoutUndefined } from './values.ts';

type DocumentEntry = PolicyDocument['entries'][number];
type DocumentCustomer = PolicyDocument['customers'][number];

/** The parts that entries refer to. */
interface ReferencedParts {
  readonly parts: Sections;
  readonly services: ReadonlyMap<string, PolicyDocument['services'][number]>;
  readonly customers: ReadonlyMap<string, DocumentCustomer>;
}

interface BuiltEntry {
  readonly part: Part<unknown>;
  readonly entry: DocumentEntry;
}

/** The fields of an entry at a stage. A block has no narrowings. */
type AllowFields = Omit<Allow, 'environments'>;

/** Rejects nested lists before they exhaust the memory. */
const maxEntries = 200_000;

/** Builds the allowlist of a stage: an entry for each account and service. */
export function buildEntries(
  stage: string | undefined,
  referenced: ReferencedParts,
  report: ReportProblem,
): DocumentEntry[] {
  const entries = new Map<string, BuiltEntry>();
  let count = 0;
  for (const built of generateEntries(stage, referenced, report)) {
    const { part, entry } = built;
    const { service, accountId } = entry;
    const other = entries.get(`${service} ${accountId}`);
    const scopeText = service === allServicesScope ? 'every service' : `\`${service}\``;
    if (other)
      report(part, `account ${accountId} has an entry at ${scopeText} already: ${locationText(other.part)}`);
    else entries.set(`${service} ${accountId}`, built);
    count += 1;
    if (count === maxEntries) {
      report(part, `from here on there are more than ${maxEntries} entries`);
      break;
    }
  }
  return [...entries.values()].map(({ entry }) => entry);
}

function* generateEntries(
  stage: string | undefined,
  referenced: ReferencedParts,
  report: ReportProblem,
): Generator<BuiltEntry> {
  for (const effect of ['allow', 'block'] as const)
    for (const part of referenced.parts[effect]) {
      const fields: AllowFields | undefined = resolveFields(part.value, stage);
      if (!fields) continue;
      const target = resolveTarget(part, fields, referenced, report);
      checkNarrowings(part, fields, target, report);
      for (const service of resolveServices(fields.services, referenced))
        for (const accountId of target.accounts)
          yield { part, entry: buildEntry(effect, part, fields, target.customer, service, accountId) };
    }
}

interface EntryTarget {
  readonly accounts: readonly string[];
  readonly customer: DocumentCustomer | undefined;
}

/** Resolves the accounts of an entry. An entry whose customer is not at this stage has none. */
function resolveTarget(
  part: Part<unknown>,
  fields: AllowFields,
  { customers }: ReferencedParts,
  report: ReportProblem,
): EntryTarget {
  const { customer: name, account } = fields;
  const customer = name === undefined ? undefined : customers.get(name);
  if (name === undefined) return { accounts: account === undefined ? [] : [account], customer };
  if (!customer) return { accounts: [], customer };
  if (account !== undefined && !customer.accounts.includes(account))
    report(part, `account ${account} is not among the \`accounts\` of \`${name}\``, ['account']);
  return { accounts: account === undefined ? customer.accounts : [account], customer };
}

/** Resolves the services of an entry, by id if the file has it, and omits services that are not at this stage. */
function resolveServices(
  serviceNames: string | readonly string[],
  { services }: ReferencedParts,
): readonly string[] {
  const names = typeof serviceNames === 'string' ? [serviceNames] : serviceNames;
  return names.flatMap((name) => {
    if (name === allServicesScope) return [name];
    const service = services.get(name);
    return service ? [service.serviceId ?? name] : [];
  });
}

/** Checks that each endpoint and role belongs to only one account. */
function checkNarrowings(
  part: Part<unknown>,
  fields: AllowFields,
  { accounts }: EntryTarget,
  report: ReportProblem,
): void {
  if (fields.endpoints && accounts.length > 1)
    report(part, 'an endpoint is of one account, and this customer has several: say which, by `account`', [
      'endpoints',
    ]);
  if (!fields.roles || accounts.length === 0) return;
  for (const [index, role] of fields.roles.entries())
    if (!accounts.some((account) => isRoleOfAccount(role, account)))
      report(part, 'this role is of another account than the entry', ['roles', index]);
  for (const account of accounts)
    if (!fields.roles.some((role) => isRoleOfAccount(role, account)))
      report(part, `\`roles\` names none of account ${account}, so that none of it could connect`, ['roles']);
}

function isRoleOfAccount(role: string, account: string): boolean {
  return role.includes(`:${account}:`);
}

function buildEntry(
  effect: DocumentEntry['effect'],
  part: Part<unknown>,
  fields: AllowFields,
  customer: DocumentCustomer | undefined,
  service: string,
  accountId: string,
): DocumentEntry {
  const ends = [parseInstant(fields.expires), customer?.contractEndsAt].filter((end) => end !== undefined);
  const roles = fields.roles?.filter((role) => isRoleOfAccount(role, accountId));
  const owners = removeDuplicates([...(customer?.owners ?? []), ...parseActors(fields.owners)]);
  return withoutUndefined<DocumentEntry>({
    service,
    accountId,
    effect,
    ...(effect === 'allow' && {
      endpointIds: fields.endpoints && removeDuplicates(fields.endpoints),
      consumerRegions: fields.consumerRegions && removeDuplicates(fields.consumerRegions),
      maxEndpoints: fields.maxEndpoints,
      expiresAt: ends.sort()[0],
      roles: roles && removeDuplicates(roles),
    }),
    owners: owners.length > 0 ? owners : undefined,
    note: fields.note,
    customer: customer?.name,
    at: locationText(part),
  });
}
