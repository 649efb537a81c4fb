import { type AllowlistEntry, everyService } from '../allowlist/entry.ts';
import { type Connection, isLive } from '../connection/connection.ts';
import { readRecord, recordKey } from '../connection/connection-record.ts';
import { everyOne } from '../connection/connections.ts';
import type { Looking } from '../connection/find-connection.ts';
import { type Invocation, orReport } from '../invocation.ts';
import type { ReadMode } from '../mode/mode.ts';
import { consult, policyKeys } from '../policy/consult.ts';
import { isStopped } from '../policy/decide.ts';
import type { Rule } from '../policy/rule.ts';
import { decideLive } from '../revocation/decide-live.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import type { Service } from '../service/service.ts';
import { byKey } from '../table/item.ts';

type Change = 'allow' | 'block' | 'forget';
type Whose = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

interface Foretelling extends Looking, Invocation {
  readonly rules: readonly Rule[];
  readonly mode: ReadMode;
}

/** A connection that is cut now or later, as things stand. */
interface Cut {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
  /** ISO 8601 */
  readonly at: string;
}

/** What a change of the allowlist makes of the account's connections, beside the change itself. */
export interface Consequences {
  /** The first of them. */
  readonly cuts: readonly Cut[];
  readonly warnings: readonly string[];
}

/** An answer has to fit into the table, to be given again. */
const cutsAtMost = 100;
const namedAtMost = 20;

/** Decides what lives by the policy as it is now, which others will do too. The change stands when this cannot be told. */
export async function consequencesOf(change: Change, whose: Whose, deps: Foretelling): Promise<Consequences> {
  const told = await orReport(deps.report, () => consequences(change, whose, deps));
  return told ?? { cuts: [], warnings: [untold] };
}

const untold = 'it is done; what becomes of connections could not be looked up: see `linkgate connections`';

/** What becomes of a connection; `at` where it is cut. */
interface Fate {
  readonly kind: keyof typeof sentences;
  readonly at?: string;
}

interface Fated extends Fate {
  readonly connection: Connection;
  readonly service: Service;
}

async function consequences(change: Change, { serviceId, accountId }: Whose, deps: Foretelling) {
  const services = await registeredServices(deps.table);
  const isMeant = (each: Connection) => serviceId === everyService || each.serviceId === serviceId;
  const pages = await Promise.all(
    placesIn(services).map((place) => everyOne(deps.connectionsIn(place), { ownerAccountId: accountId })),
  );
  const theirs = pages.flat().filter(isMeant);
  const fates = await fatesOf(change, theirs, deps);
  const fated = services.flatMap((service) =>
    theirs
      .filter((connection) => connection.serviceId === service.serviceId)
      .flatMap((connection) => {
        const fate = fates.get(connection);
        return fate ? [{ ...fate, connection, service }] : [];
      }),
  );
  const cuts = fated.filter(({ at }) => at !== undefined);
  const isObserving = cuts.length > 0 && (await deps.mode()) === 'observe';
  return {
    cuts: isObserving ? [] : cuts.slice(0, cutsAtMost).map(cutOf),
    warnings: [...(isObserving ? [onlyObserving] : []), ...warningsIn(fated)],
  };
}

const onlyObserving =
  "linkgate's mode is observe, so nothing is cut until `linkgate mode act`, which decides all anew; in the mode act it would be:";

async function fatesOf(
  change: Change,
  theirs: readonly Connection[],
  { table, rules, now }: Foretelling,
): Promise<ReadonlyMap<Connection, Fate>> {
  const keys = theirs.flatMap((each) => [recordKey(each.endpointId), ...policyKeys(each)]);
  const found = byKey(await table.get(keys));
  const counted = Map.groupBy(
    theirs.filter(({ state }) => isLive(state)).sort(byAge),
    (each) => each.serviceId,
  );
  const fates = theirs.map((connection) => {
    const { service, entries, ...consultation } = consult(connection, found);
    if (!service) return undefined;
    if (!isLive(connection.state)) return staysRejected(change, connection);
    const item = found.find(recordKey(connection.endpointId));
    const countedEndpointIds = (counted.get(connection.serviceId) ?? []).map(({ endpointId }) => endpointId);
    const policy = { service, entries, countedEndpointIds, rules };
    const circumstances = { ...consultation, isObserving: false, now: now() };
    return fateOf(connection, item && readRecord(item), policy, circumstances);
  });
  return new Map(theirs.flatMap((each, index) => (fates[index] ? [[each, fates[index]] as const] : [])));
}

function byAge(a: Connection, b: Connection): number {
  return a.requestedAt.localeCompare(b.requestedAt);
}

function staysRejected(change: Change, { state }: Connection): Fate | undefined {
  return change === 'allow' && state === 'rejected' ? { kind: 'staysRejected' } : undefined;
}

function fateOf(
  connection: Connection,
  record: Parameters<typeof decideLive>[1],
  policy: Parameters<typeof decideLive>[2],
  circumstances: Parameters<typeof decideLive>[3],
): Fate | undefined {
  const { verdict, revocation } = decideLive(connection, record, policy, circumstances);
  if (isStopped(verdict)) return { kind: 'waits' };
  if (verdict.outcome === 'ask') return { kind: 'isAskedAbout' };
  if (verdict.outcome === 'accept') return record?.revocation && { kind: 'isCalledOff' };
  const { until } = verdict;
  return until === undefined
    ? { kind: 'isCut', at: revocation?.cutAt ?? circumstances.now.toISOString() }
    : { kind: 'isToBeCut', at: until };
}

const sentences = {
  isCut: () => 'cut now',
  isToBeCut: ({ at }: Fate) =>
    `cut at ${at}, unless the account is allowed there again, or somebody keeps it (\`linkgate keep\`) or approves it before`,
  isCalledOff: () => 'not cut any more: it stays connected',
  isAskedAbout: () => 'stays connected until people decide, who are asked about it',
  waits: ({ service }: Fated) =>
    `stays connected as long as ${service.name} is stopped, and is decided then: \`linkgate service show ${service.name}\``,
  staysRejected: () => 'stays rejected; the consumer has to delete it and create a new endpoint',
} as const satisfies Record<string, (fated: Fated) => string>;

/** One for all of a service that the same becomes of. */
function warningsIn(fated: readonly Fated[]): string[] {
  const alike = Map.groupBy(fated, (each) => `${each.service.serviceId} ${each.kind} ${each.at}`);
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const named = group.slice(0, namedAtMost).map(({ connection: { endpointId } }) => endpointId);
    const others = group.length - named.length;
    const ids = named.join(', ') + (others === 0 ? '' : ` and ${others.toLocaleString('en')} more`);
    return [`${ids} at ${first.service.name}: ${sentences[first.kind](first)}`];
  });
}

function cutOf({ connection: { endpointId, serviceId }, service, at = '' }: Fated): Cut {
  return { endpointId, serviceId, service: service.name, at };
}
