import { type AllowlistEntry, allServicesScope } from '../allowlist/entry.ts';
import { readRecord, recordKey } from '../connections/connection-record.ts';
import type { ReadMode } from '../mode/mode.ts';
import { decideConnected } from '../policy/connected/decide-connected.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Rule } from '../policy/rule.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { listAllConnections } from '../privatelink/connections.ts';
import { disconnectQuota, remainingQuota } from '../reconcile/disconnect-quota.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import { countConnected } from '../reconcile/reserve-disconnects.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { listRegisteredServices, locationsOf } from '../services/registered-services.ts';
import type { Service } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import { shellWord } from '../values/shell-word.ts';
import { isPaused } from '../verdicts/verdict.ts';

type AllowlistAction = 'allow' | 'block' | 'forget';
type DisconnectScope = Pick<AllowlistEntry, 'serviceId' | 'accountId'>;

interface PredictDisconnectsDeps extends FindDeps, Runtime {
  readonly rules: readonly Rule[];
  readonly mode: ReadMode;
}

/** A connection that is cut now or later, as things stand. */
interface PredictedDisconnect {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
  /** ISO 8601 */
  readonly at: string;
}

/** What a change makes of connections, beside the change itself. */
export interface DisconnectPrediction {
  /** The first of them. */
  readonly cuts: readonly PredictedDisconnect[];
  readonly warnings: readonly string[];
}

/** An answer has to fit into the table, to be given again. */
const maxListedDisconnects = 100;
const maxNamedEndpoints = 20;

/** Decides what lives of an account by the policy as it is now, which others will do too. The change stands when this cannot be told. */
export async function predictDisconnects(
  change: AllowlistAction,
  whose: DisconnectScope,
  deps: PredictDisconnectsDeps,
): Promise<DisconnectPrediction> {
  const prediction = await orReported(deps.reportError, () => predictForEntry(change, whose, deps));
  return prediction ?? { cuts: [], warnings: [predictionFailedWarning] };
}

/** Said in place of what could not be looked up. */
export const predictionFailedWarning =
  'it is done; what becomes of connections could not be looked up: see `linkgate connections`';

/** What is cut at once when a paused service goes on: what fell due meanwhile, and what somebody has commanded. */
export async function predictDisconnectsOnResume(
  service: Service,
  deps: PredictDisconnectsDeps,
): Promise<DisconnectPrediction> {
  if (service.pausedAt === undefined) return { cuts: [], warnings: [] };
  const { location, serviceId } = service;
  const connections = await listAllConnections(deps.connectionsClient(location), { serviceIds: [serviceId] });
  const outcomes = await predictOutcomes(connections, deps, ({ pausedAt: _pausedAt, ...resumed }) => resumed);
  return summarizePrediction(
    attachOutcomes(service, connections, outcomes).filter(({ kind }) => kind === 'isCut'),
    deps,
  );
}

/** What becomes of a connection; `at` where it is cut. */
interface PredictedOutcome {
  readonly kind: keyof typeof predictedOutcomeTexts;
  readonly at?: string;
  /** Nobody commanded the cut, so that the budget of cuts holds. */
  readonly isByPolicy?: boolean;
}

interface PredictedConnection extends PredictedOutcome {
  readonly connection: Connection;
  readonly service: Service;
}

async function predictForEntry(
  change: AllowlistAction,
  { serviceId, accountId }: DisconnectScope,
  deps: PredictDisconnectsDeps,
) {
  const services = await listRegisteredServices(deps);
  const isInScope = (each: Connection) => serviceId === allServicesScope || each.serviceId === serviceId;
  const pages = await Promise.all(
    locationsOf(services).map((location) =>
      listAllConnections(deps.connectionsClient(location), { ownerAccountId: accountId }),
    ),
  );
  const connections = pages.flat().filter(isInScope);
  const decidedOutcomes = await predictOutcomes(connections, deps);
  const outcomes =
    change === 'allow' ? new Map([...decidedOutcomes, ...listStillRejected(connections)]) : decidedOutcomes;
  return summarizePrediction(
    services.flatMap((service) => attachOutcomes(service, connections, outcomes)),
    deps,
  );
}

function listStillRejected(connections: readonly Connection[]): (readonly [Connection, PredictedOutcome])[] {
  return connections
    .filter(({ state }) => state === 'rejected')
    .map((connection) => [connection, { kind: 'staysRejected' }]);
}

function attachOutcomes(
  service: Service,
  connections: readonly Connection[],
  outcomes: ReadonlyMap<Connection, PredictedOutcome>,
): PredictedConnection[] {
  return connections
    .filter(({ serviceId }) => serviceId === service.serviceId)
    .flatMap((connection) => {
      const outcome = outcomes.get(connection);
      return outcome ? [{ ...outcome, connection, service }] : [];
    });
}

async function summarizePrediction(
  fated: readonly PredictedConnection[],
  deps: PredictDisconnectsDeps,
): Promise<DisconnectPrediction> {
  const cuts = fated.filter(({ at }) => at !== undefined);
  const isObserving = cuts.length > 0 && (await deps.mode()) === 'observe';
  return {
    cuts: isObserving ? [] : cuts.slice(0, maxListedDisconnects).map(toPredictedDisconnect),
    warnings: [
      ...(isObserving ? [observeModeWarning] : []),
      ...formatOutcomeWarnings(fated),
      ...(await warnOverQuota(cuts, deps)),
    ],
  };
}

const observeModeWarning =
  "linkgate's mode is observe, so nothing is cut until `linkgate mode enforce`, which decides all anew; in the mode enforce it would be:";

/** @param asIf what a service is taken for. */
async function predictOutcomes(
  connections: readonly Connection[],
  { table, rules, now, reportError }: PredictDisconnectsDeps,
  asIf: (service: Service) => Service = (service) => service,
): Promise<ReadonlyMap<Connection, PredictedOutcome>> {
  const live = connections.filter(({ state }) => isConnected(state));
  const keys = live.flatMap((each) => [recordKey(each.endpointId), ...policyInputKeys(each)]);
  const itemsByKey = indexByKey(await table.get(keys));
  const quotaGroups = Map.groupBy([...live].sort(compareRequestedAt), quotaGroupKey);
  const outcomes = live.flatMap((connection) => {
    const { service, entries, unreadable, ...policyInputs } = readPolicyInputs(connection, itemsByKey);
    const items = itemsByKey.all([recordKey(connection.endpointId)]);
    const [record] = parseEach(items, readRecord, reportError);
    for (const error of unreadable) reportError(error);
    // Nothing becomes of it while an item cannot be read on which that rests.
    if (!service || unreadable.length > 0 || (items.length > 0 && !record)) return [];
    const countedEndpointIds = (quotaGroups.get(quotaGroupKey(connection)) ?? []).map(
      ({ endpointId }) => endpointId,
    );
    const policy = { service: asIf(service), entries, countedEndpointIds, rules };
    const context = { ...policyInputs, isObserving: false, now: now() };
    const outcome = predictOutcome(connection, record, policy, context);
    return outcome ? [[connection, outcome] as const] : [];
  });
  return new Map(outcomes);
}

function quotaGroupKey({ serviceId, ownerAccountId }: Connection): string {
  return `${serviceId} ${ownerAccountId}`;
}

function compareRequestedAt(a: Connection, b: Connection): number {
  return a.requestedAt.localeCompare(b.requestedAt);
}

function predictOutcome(
  connection: Connection,
  record: Parameters<typeof decideConnected>[1],
  policy: Parameters<typeof decideConnected>[2],
  context: Parameters<typeof decideConnected>[3],
): PredictedOutcome | undefined {
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

const predictedOutcomeTexts = {
  isCut: () => 'cut now',
  isToBeCut: ({ at = '' }: PredictedOutcome) =>
    `cut at ${formatUtcSecond(at)}, unless the account is allowed there again, or somebody extends it (\`linkgate extend\`) or keeps it connected before`,
  isCalledOff: () => 'not cut any more: it stays connected',
  isAskedAbout: () => 'stays connected until people decide, who are asked about it',
  waits: ({ service }: PredictedConnection) =>
    `stays connected as long as ${service.name} is stopped, and is decided then: \`linkgate service show ${shellWord(service.name)}\``,
  staysRejected: () => 'stays rejected; the consumer has to delete it and create a new endpoint',
} as const satisfies Record<string, (fated: PredictedConnection) => string>;

/** `2027-01-31 12:00:00 UTC` */
function formatUtcSecond(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** One for all of a service that the same becomes of in the same second. */
function formatOutcomeWarnings(fated: readonly PredictedConnection[]): string[] {
  const alike = Map.groupBy(fated, ({ service, kind, at = '' }) => {
    const second = kind === 'isToBeCut' ? formatUtcSecond(at) : '';
    return `${service.serviceId} ${kind} ${second}`;
  });
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const named = group.slice(0, maxNamedEndpoints).map(({ connection: { endpointId } }) => endpointId);
    const others = group.length - named.length;
    const ids = named.join(', ') + (others === 0 ? '' : ` and ${others.toLocaleString('en')} more`);
    return [`${ids} at ${first.service.name}: ${predictedOutcomeTexts[first.kind](first)}`];
  });
}

function toPredictedDisconnect({
  connection: { endpointId, serviceId },
  service,
  at = '',
}: PredictedConnection): PredictedDisconnect {
  return { endpointId, serviceId, service: service.name, at };
}

/** People are asked about what is beyond the budget of cuts. What others use up of it meanwhile nobody knows yet. */
async function warnOverQuota(
  cuts: readonly PredictedConnection[],
  deps: PredictDisconnectsDeps,
): Promise<string[]> {
  const byPolicy = cuts.filter(({ isByPolicy }) => isByPolicy);
  const now = deps.now();
  const claims: Parameters<typeof remainingQuota>[2][number][] = [];
  const warnings: string[] = [];
  for (const [service, theirs] of Map.groupBy(byPolicy, (each) => each.service)) {
    const { serviceId, name } = service;
    const live =
      theirs.length > disconnectQuota.atService
        ? await countConnected(service.serviceId, deps.connectionsClient(service.location))
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
