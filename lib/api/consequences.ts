import { type AllowlistEntry, allServicesScope } from '../allowlist/entry.ts';
import { readRecord, recordKey } from '../connections/connection-record.ts';
import type { ReadMode } from '../mode/mode.ts';
import { decideConnected } from '../policy/connected/decide-connected.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Rule } from '../policy/rule.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { listAll } from '../privatelink/connections.ts';
import { disconnectQuota, remainingQuota } from '../reconcile/disconnect-quota.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import { connectedCount } from '../reconcile/reserve-disconnects.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { locationsOf, registeredServices } from '../services/registered-services.ts';
import type { Service } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import { shellWord } from '../values/shell-word.ts';
import { isPaused } from '../verdicts/verdict.ts';

type Change = 'allow' | 'block' | 'forget';
type Whose = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

interface ConsequencesDeps extends FindDeps, Runtime {
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
const disconnectsAtMost = 100;
const namedAtMost = 20;

/** Decides what lives of an account by the policy as it is now, which others will do too. The change stands when this cannot be told. */
export async function foreseeConsequences(
  change: Change,
  whose: Whose,
  deps: ConsequencesDeps,
): Promise<Consequences> {
  const told = await orReported(deps.reportError, () => consequences(change, whose, deps));
  return told ?? { cuts: [], warnings: [notNotified] };
}

/** Said in place of what could not be looked up. */
export const notNotified =
  'it is done; what becomes of connections could not be looked up: see `linkgate connections`';

/** What is cut at once when a paused service goes on: what fell due meanwhile, and what somebody has commanded. */
export async function consequencesOfResuming(
  service: Service,
  deps: ConsequencesDeps,
): Promise<Consequences> {
  if (service.pausedAt === undefined) return { cuts: [], warnings: [] };
  const { location, serviceId } = service;
  const theirs = await listAll(deps.connectionsIn(location), { serviceIds: [serviceId] });
  const fates = await foreseeConnections(theirs, deps, ({ pausedAt: _pausedAt, ...goingOn }) => goingOn);
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

interface ForeseenConnection extends Fate {
  readonly connection: Connection;
  readonly service: Service;
}

async function consequences(change: Change, { serviceId, accountId }: Whose, deps: ConsequencesDeps) {
  const services = await registeredServices(deps);
  const isMeant = (each: Connection) => serviceId === allServicesScope || each.serviceId === serviceId;
  const pages = await Promise.all(
    locationsOf(services).map((location) =>
      listAll(deps.connectionsIn(location), { ownerAccountId: accountId }),
    ),
  );
  const theirs = pages.flat().filter(isMeant);
  const decided = await foreseeConnections(theirs, deps);
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
): ForeseenConnection[] {
  return connections
    .filter(({ serviceId }) => serviceId === service.serviceId)
    .flatMap((connection) => {
      const fate = fates.get(connection);
      return fate ? [{ ...fate, connection, service }] : [];
    });
}

async function told(fated: readonly ForeseenConnection[], deps: ConsequencesDeps): Promise<Consequences> {
  const cuts = fated.filter(({ at }) => at !== undefined);
  const isObserving = cuts.length > 0 && (await deps.mode()) === 'observe';
  return {
    cuts: isObserving ? [] : cuts.slice(0, disconnectsAtMost).map(cutOf),
    warnings: [
      ...(isObserving ? [onlyObserving] : []),
      ...warningsIn(fated),
      ...(await overQuotaIn(cuts, deps)),
    ],
  };
}

const onlyObserving =
  "linkgate's mode is observe, so nothing is cut until `linkgate mode enforce`, which decides all anew; in the mode enforce it would be:";

/** @param asIf what a service is taken for. */
async function foreseeConnections(
  connections: readonly Connection[],
  { table, rules, now, reportError }: ConsequencesDeps,
  asIf: (service: Service) => Service = (service) => service,
): Promise<ReadonlyMap<Connection, Fate>> {
  const live = connections.filter(({ state }) => isConnected(state));
  const keys = live.flatMap((each) => [recordKey(each.endpointId), ...policyInputKeys(each)]);
  const found = indexByKey(await table.get(keys));
  const counted = Map.groupBy([...live].sort(byAge), countedTogether);
  const fates = live.flatMap((connection) => {
    const { service, entries, unreadable, ...policyInputs } = readPolicyInputs(connection, found);
    const items = found.all([recordKey(connection.endpointId)]);
    const [record] = parseEach(items, readRecord, reportError);
    for (const error of unreadable) reportError(error);
    // Nothing becomes of it while an item cannot be read on which that rests.
    if (!service || unreadable.length > 0 || (items.length > 0 && !record)) return [];
    const countedEndpointIds = (counted.get(countedTogether(connection)) ?? []).map(
      ({ endpointId }) => endpointId,
    );
    const policy = { service: asIf(service), entries, countedEndpointIds, rules };
    const context = { ...policyInputs, isObserving: false, now: now() };
    const fate = fateOf(connection, record, policy, context);
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
  record: Parameters<typeof decideConnected>[1],
  policy: Parameters<typeof decideConnected>[2],
  context: Parameters<typeof decideConnected>[3],
): Fate | undefined {
  const { verdict, revocation } = decideConnected(connection, record, policy, context);
  if (isPaused(verdict)) return { kind: 'waits' };
  if (verdict.outcome === 'ask') return { kind: 'isAskedAbout' };
  if (verdict.outcome === 'accept') return record?.revocation && { kind: 'isCalledOff' };
  const { until } = verdict;
  const isByPolicy = revocation?.cause === 'policy';
  return until === undefined
    ? { kind: 'isCut', at: revocation?.disconnectAt ?? context.now.toISOString(), isByPolicy }
    : { kind: 'isToBeCut', at: until, isByPolicy };
}

const sentences = {
  isCut: () => 'cut now',
  isToBeCut: ({ at = '' }: Fate) =>
    `cut at ${toTheSecond(at)}, unless the account is allowed there again, or somebody extends it (\`linkgate extend\`) or keeps it connected before`,
  isCalledOff: () => 'not cut any more: it stays connected',
  isAskedAbout: () => 'stays connected until people decide, who are asked about it',
  waits: ({ service }: ForeseenConnection) =>
    `stays connected as long as ${service.name} is stopped, and is decided then: \`linkgate service show ${shellWord(service.name)}\``,
  staysRejected: () => 'stays rejected; the consumer has to delete it and create a new endpoint',
} as const satisfies Record<string, (fated: ForeseenConnection) => string>;

/** `2027-01-31 12:00:00 UTC` */
function toTheSecond(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** One for all of a service that the same becomes of in the same second. */
function warningsIn(fated: readonly ForeseenConnection[]): string[] {
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

function cutOf({ connection: { endpointId, serviceId }, service, at = '' }: ForeseenConnection): Cut {
  return { endpointId, serviceId, service: service.name, at };
}

/** People are asked about what is beyond the budget of cuts. What others use up of it meanwhile nobody knows yet. */
async function overQuotaIn(cuts: readonly ForeseenConnection[], deps: ConsequencesDeps): Promise<string[]> {
  const byPolicy = cuts.filter(({ isByPolicy }) => isByPolicy);
  const now = deps.now();
  const claims: Parameters<typeof remainingQuota>[2][number][] = [];
  const warnings: string[] = [];
  for (const [service, theirs] of Map.groupBy(byPolicy, (each) => each.service)) {
    const { serviceId, name } = service;
    const live =
      theirs.length > disconnectQuota.atService
        ? await connectedCount(service.serviceId, deps.connectionsIn(service.location))
        : theirs.length;
    const granted = theirs.slice(0, remainingQuota(serviceId, live, claims, now));
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
