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
import { budget, leftAt } from '../revocation/budget.ts';
import { decideLive } from '../revocation/decide-live.ts';
import { liveAt } from '../revocation/grant-cuts.ts';
import { placesIn, registeredServices } from '../service/registered-services.ts';
import type { Service } from '../service/service.ts';
import { shellWord } from '../shell-word.ts';
import { byKey, readEach } from '../table/item.ts';

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

/** What a change makes of connections, beside the change itself. */
export interface Consequences {
  /** The first of them. */
  readonly cuts: readonly Cut[];
  readonly warnings: readonly string[];
}

/** An answer has to fit into the table, to be given again. */
const cutsAtMost = 100;
const namedAtMost = 20;

/** Decides what lives of an account by the policy as it is now, which others will do too. The change stands when this cannot be told. */
export async function consequencesOf(change: Change, whose: Whose, deps: Foretelling): Promise<Consequences> {
  const told = await orReport(deps.report, () => consequences(change, whose, deps));
  return told ?? { cuts: [], warnings: [untold] };
}

/** Said in place of what could not be looked up. */
export const untold =
  'it is done; what becomes of connections could not be looked up: see `linkgate connections`';

/** What is cut at once when a paused service goes on: what fell due meanwhile, and what somebody has commanded. */
export async function consequencesOfResuming(service: Service, deps: Foretelling): Promise<Consequences> {
  if (service.pausedAt === undefined) return { cuts: [], warnings: [] };
  const { place, serviceId } = service;
  const theirs = await everyOne(deps.connectionsIn(place), { serviceIds: [serviceId] });
  const fates = await fatesOf(theirs, deps, ({ pausedAt: _pausedAt, ...goingOn }) => goingOn);
  return told(
    fatedAt(service, theirs, fates).filter(({ kind }) => kind === 'isCut'),
    deps,
  );
}

/** What becomes of a connection; `at` where it is cut. */
interface Fate {
  readonly kind: keyof typeof sentences;
  readonly at?: string;
  /** Nobody commanded the cut, so that the budget of cuts holds. */
  readonly isByPolicy?: boolean;
}

interface Fated extends Fate {
  readonly connection: Connection;
  readonly service: Service;
}

async function consequences(change: Change, { serviceId, accountId }: Whose, deps: Foretelling) {
  const services = await registeredServices(deps);
  const isMeant = (each: Connection) => serviceId === everyService || each.serviceId === serviceId;
  const pages = await Promise.all(
    placesIn(services).map((place) => everyOne(deps.connectionsIn(place), { ownerAccountId: accountId })),
  );
  const theirs = pages.flat().filter(isMeant);
  const decided = await fatesOf(theirs, deps);
  const fates = change === 'allow' ? new Map([...decided, ...staysRejected(theirs)]) : decided;
  return told(
    services.flatMap((service) => fatedAt(service, theirs, fates)),
    deps,
  );
}

function staysRejected(theirs: readonly Connection[]): (readonly [Connection, Fate])[] {
  return theirs
    .filter(({ state }) => state === 'rejected')
    .map((connection) => [connection, { kind: 'staysRejected' }]);
}

function fatedAt(
  service: Service,
  connections: readonly Connection[],
  fates: ReadonlyMap<Connection, Fate>,
): Fated[] {
  return connections
    .filter(({ serviceId }) => serviceId === service.serviceId)
    .flatMap((connection) => {
      const fate = fates.get(connection);
      return fate ? [{ ...fate, connection, service }] : [];
    });
}

async function told(fated: readonly Fated[], deps: Foretelling): Promise<Consequences> {
  const cuts = fated.filter(({ at }) => at !== undefined);
  const isObserving = cuts.length > 0 && (await deps.mode()) === 'observe';
  return {
    cuts: isObserving ? [] : cuts.slice(0, cutsAtMost).map(cutOf),
    warnings: [
      ...(isObserving ? [onlyObserving] : []),
      ...warningsIn(fated),
      ...(await beyondBudgetIn(cuts, deps)),
    ],
  };
}

const onlyObserving =
  "linkgate's mode is observe, so nothing is cut until `linkgate mode act`, which decides all anew; in the mode act it would be:";

/** @param asIf what a service is taken for. */
async function fatesOf(
  connections: readonly Connection[],
  { table, rules, now, report }: Foretelling,
  asIf: (service: Service) => Service = (service) => service,
): Promise<ReadonlyMap<Connection, Fate>> {
  const live = connections.filter(({ state }) => isLive(state));
  const keys = live.flatMap((each) => [recordKey(each.endpointId), ...policyKeys(each)]);
  const found = byKey(await table.get(keys));
  const counted = Map.groupBy([...live].sort(byAge), countedTogether);
  const fates = live.flatMap((connection) => {
    const { service, entries, unreadable, ...consultation } = consult(connection, found);
    const items = found.all([recordKey(connection.endpointId)]);
    const [record] = readEach(items, readRecord, report);
    for (const error of unreadable) report(error);
    // Nothing becomes of it while an item cannot be read on which that rests.
    if (!service || unreadable.length > 0 || (items.length > 0 && !record)) return [];
    const countedEndpointIds = (counted.get(countedTogether(connection)) ?? []).map(
      ({ endpointId }) => endpointId,
    );
    const policy = { service: asIf(service), entries, countedEndpointIds, rules };
    const circumstances = { ...consultation, isObserving: false, now: now() };
    const fate = fateOf(connection, record, policy, circumstances);
    return fate ? [[connection, fate] as const] : [];
  });
  return new Map(fates);
}

function countedTogether({ serviceId, ownerAccountId }: Connection): string {
  return `${serviceId} ${ownerAccountId}`;
}

function byAge(a: Connection, b: Connection): number {
  return a.requestedAt.localeCompare(b.requestedAt);
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
  const isByPolicy = revocation?.cause === 'policy';
  return until === undefined
    ? { kind: 'isCut', at: revocation?.cutAt ?? circumstances.now.toISOString(), isByPolicy }
    : { kind: 'isToBeCut', at: until, isByPolicy };
}

const sentences = {
  isCut: () => 'cut now',
  isToBeCut: ({ at = '' }: Fate) =>
    `cut at ${toTheSecond(at)}, unless the account is allowed there again, or somebody extends it (\`linkgate keep\`) or keeps it connected before`,
  isCalledOff: () => 'not cut any more: it stays connected',
  isAskedAbout: () => 'stays connected until people decide, who are asked about it',
  waits: ({ service }: Fated) =>
    `stays connected as long as ${service.name} is stopped, and is decided then: \`linkgate service show ${shellWord(service.name)}\``,
  staysRejected: () => 'stays rejected; the consumer has to delete it and create a new endpoint',
} as const satisfies Record<string, (fated: Fated) => string>;

/** `2027-01-31 12:00:00 UTC` */
function toTheSecond(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** One for all of a service that the same becomes of in the same second. */
function warningsIn(fated: readonly Fated[]): string[] {
  const alike = Map.groupBy(fated, ({ service, kind, at = '' }) => {
    const second = kind === 'isToBeCut' ? toTheSecond(at) : '';
    return `${service.serviceId} ${kind} ${second}`;
  });
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

/** People are asked about what is beyond the budget of cuts. What others use up of it meanwhile nobody knows yet. */
async function beyondBudgetIn(cuts: readonly Fated[], deps: Foretelling): Promise<string[]> {
  const byPolicy = cuts.filter(({ isByPolicy }) => isByPolicy);
  const now = deps.now();
  const claims: Parameters<typeof leftAt>[2][number][] = [];
  const warnings: string[] = [];
  for (const [service, theirs] of Map.groupBy(byPolicy, (each) => each.service)) {
    const { serviceId, name } = service;
    const live =
      theirs.length > budget.atService
        ? await liveAt(service.serviceId, deps.connectionsIn(service.place))
        : theirs.length;
    const granted = theirs.slice(0, leftAt(serviceId, live, claims, now));
    claims.push(
      ...granted.map(({ connection: { endpointId } }) => ({
        endpointId,
        serviceId,
        since: now.toISOString(),
        at: now.toISOString(),
      })),
    );
    if (granted.length < theirs.length)
      warnings.push(
        `of these ${theirs.length.toLocaleString('en')} at ${name} linkgate cuts ${granted.length} at most in 24 hours, which is its budget of cuts: people are asked about the others`,
      );
  }
  return warnings;
}
