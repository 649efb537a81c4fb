import { allServicesScope } from '../../lib/allowlist/entry.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { overridesFor } from './environments.ts';
import type { Allow, Block } from './file-schema.ts';
import { locationText, type Report } from './resolve-environment.ts';
import type { Part, Sections } from './sections.ts';
import { distinct, instantIn, parseActors, withoutUndefined } from './values.ts';

type EntryOf = PolicyDocument['entries'][number];
type AllowOf = Extract<EntryOf, { effect: 'allow' }>;
type BlockOf = Extract<EntryOf, { effect: 'block' }>;
type CustomerOf = PolicyDocument['customers'][number];

/** The parts that entries refer to. */
interface Known {
  readonly parts: Sections;
  readonly services: ReadonlyMap<string, PolicyDocument['services'][number]>;
  readonly customers: ReadonlyMap<string, CustomerOf>;
}

interface Written {
  readonly part: Part<unknown>;
  readonly entry: EntryOf;
}

/** Reports lists of lists before they fill the memory. */
const mostEntries = 200_000;

/** The allowlist at a stage: an entry for each account and service. */
export function entriesAt(stage: string | undefined, known: Known, report: Report): EntryOf[] {
  const entries = new Map<string, Written>();
  let count = 0;
  for (const written of allEntries(stage, known, report)) {
    const { part, entry } = written;
    const { service, accountId } = entry;
    const other = entries.get(`${service} ${accountId}`);
    const where = service === allServicesScope ? 'every service' : `\`${service}\``;
    if (other)
      report(part, `account ${accountId} has an entry at ${where} already: ${locationText(other.part)}`);
    else entries.set(`${service} ${accountId}`, written);
    count += 1;
    if (count === mostEntries) {
      report(part, `from here on there are more than ${mostEntries} entries`);
      break;
    }
  }
  return [...entries.values()].map(({ entry }) => entry);
}

function* allEntries(stage: string | undefined, known: Known, report: Report): Generator<Written> {
  for (const part of known.parts.allow) {
    const said = overridesFor(part.value, stage);
    if (!said) continue;
    const whose = whoseAre(part, said, known, report);
    checkNarrowings(part, said, whose, report);
    for (const service of servicesOf(said.services, known))
      for (const accountId of whose.accounts)
        yield { part, entry: allowed(part, said, whose.customer, service, accountId) };
  }
  for (const part of known.parts.block) {
    const said = overridesFor(part.value, stage);
    if (!said) continue;
    const whose = whoseAre(part, said, known, report);
    for (const service of servicesOf(said.services, known))
      for (const accountId of whose.accounts)
        yield { part, entry: blocked(part, said, whose.customer, service, accountId) };
  }
}

interface Whose {
  readonly accounts: readonly string[];
  readonly customer: CustomerOf | undefined;
}

/** The accounts that an entry is for: none where its customer is not at this stage. */
function whoseAre(part: Part<Allow | Block>, said: Block, { customers }: Known, report: Report): Whose {
  const { customer: name, account } = said;
  const customer = name === undefined ? undefined : customers.get(name);
  if (name === undefined) return { accounts: account === undefined ? [] : [account], customer };
  if (!customer) return { accounts: [], customer };
  if (account !== undefined && !customer.accounts.includes(account))
    report(part, `account ${account} is not among the \`accounts\` of \`${name}\``, ['account']);
  return { accounts: account === undefined ? customer.accounts : [account], customer };
}

/** The services that an entry is for, by id where the file has it; those that are not at this stage are left out. */
function servicesOf(written: string | readonly string[], { services }: Known): readonly string[] {
  const listed = typeof written === 'string' ? [written] : written;
  return listed.flatMap((name) => {
    if (name === allServicesScope) return [name];
    const service = services.get(name);
    return service ? [service.serviceId ?? name] : [];
  });
}

/** Endpoints and roles belong to one account. */
function checkNarrowings(part: Part<Allow>, said: Allow, { accounts }: Whose, report: Report): void {
  if (said.endpoints && accounts.length > 1)
    report(part, 'an endpoint is of one account, and this customer has several: say which, by `account`', [
      'endpoints',
    ]);
  if (!said.roles || accounts.length === 0) return;
  for (const [index, role] of said.roles.entries())
    if (!accounts.some((account) => isRoleOf(role, account)))
      report(part, 'this role is of another account than the entry', ['roles', index]);
  for (const account of accounts)
    if (!said.roles.some((role) => isRoleOf(role, account)))
      report(part, `\`roles\` names none of account ${account}, so that none of it could connect`, ['roles']);
}

function isRoleOf(role: string, account: string): boolean {
  return role.includes(`:${account}:`);
}

function allowed(
  part: Part<Allow>,
  said: Omit<Allow, 'environments'>,
  customer: CustomerOf | undefined,
  service: string,
  accountId: string,
): AllowOf {
  const ends = [instantIn(said.expires), customer?.contractEndsAt].filter((end) => end !== undefined);
  return withoutUndefined<AllowOf>({
    service,
    accountId,
    effect: 'allow',
    endpointIds: said.endpoints && distinct(said.endpoints),
    consumerRegions: said.consumerRegions && distinct(said.consumerRegions),
    maxEndpoints: said.maxEndpoints,
    expiresAt: ends.sort()[0],
    owners: ownersOf(said, customer),
    note: said.note,
    customer: customer?.name,
    roles: said.roles && distinct(said.roles.filter((role) => isRoleOf(role, accountId))),
    at: locationText(part),
  });
}

function blocked(
  part: Part<Block>,
  said: Omit<Block, 'environments'>,
  customer: CustomerOf | undefined,
  service: string,
  accountId: string,
): BlockOf {
  return withoutUndefined<BlockOf>({
    service,
    accountId,
    effect: 'block',
    owners: ownersOf(said, customer),
    note: said.note,
    customer: customer?.name,
    at: locationText(part),
  });
}

function ownersOf({ owners }: Block, customer: CustomerOf | undefined): string[] | undefined {
  const all = distinct([...(customer?.owners ?? []), ...parseActors(owners)]);
  return all.length > 0 ? all : undefined;
}
