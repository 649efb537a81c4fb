import { allServicesScope, type EntryTarget } from '../allowlist/entry.ts';
import { readRecord, recordKey } from '../connections/connection-record.ts';
import type { ReadMode } from '../mode/mode.ts';
import { omitDisconnecting } from '../policy/connected/counted-endpoints.ts';
import { decideConnected } from '../policy/connected/decide-connected.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import type { Rule } from '../policy/rule.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { listAllConnections } from '../privatelink/connections.ts';
import { disconnectQuota, remainingQuota } from '../reconcile/disconnect-quota.ts';
import type { FindDeps } from '../reconcile/find-connection.ts';
import { countConnected } from '../reconcile/reserve-disconnects.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { listRegisteredServices, uniqueLocations } from '../services/registered-services.ts';
import type { Service } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import { shellWord } from '../values/shell-word.ts';
import { isPaused } from '../verdicts/verdict.ts';

type AllowlistAction = 'allow' | 'block' | 'remove';

interface PredictDisconnectsDeps extends FindDeps, Runtime {
  readonly rules: readonly Rule[];
  readonly mode: ReadMode;
}

/** A connection that linkgate disconnects now or later, according to the current state. */
interface PredictedDisconnect {
  readonly endpointId: string;
  readonly serviceId: string;
  readonly service: string;
  /** ISO 8601 */
  readonly at: string;
}

/** The predicted impact of a change on connections. */
export interface DisconnectPrediction {
  /** At most `maxListedDisconnects`. */
  readonly disconnects: readonly PredictedDisconnect[];
  readonly warnings: readonly string[];
}

/** DynamoDB limits the size of an item, and the idempotency item stores the response for replay. */
const maxListedDisconnects = 100;
const maxNamedEndpoints = 20;

/**
 * Evaluates the connected endpoints of an account by the new policy, as the sweep will do. A failed prediction does not undo the
 * change.
 */
export async function predictDisconnects(
  change: AllowlistAction,
  scope: EntryTarget,
  deps: PredictDisconnectsDeps,
): Promise<DisconnectPrediction> {
  const prediction = await orReported(deps.reportError, 'predict disconnects', () =>
    predictForEntry(change, scope, deps),
  );
  return prediction ?? { disconnects: [], warnings: [predictionFailedWarning] };
}

/** The warning that replaces a failed prediction. */
export const predictionFailedWarning =
  'the change is done; linkgate could not predict its impact on connections: see `linkgate connections`';

/**
 * Predicts the disconnects when a paused service resumes: those that became due during the pause, and those that somebody
 * requested.
 */
export async function predictDisconnectsOnResume(
  service: Service,
  deps: PredictDisconnectsDeps,
): Promise<DisconnectPrediction> {
  if (service.pausedAt === undefined) return { disconnects: [], warnings: [] };
  const { location, serviceId } = service;
  const connections = await listAllConnections(deps.connectionsClient(location), { serviceIds: [serviceId] });
  const outcomes = await predictOutcomes(connections, deps, ({ pausedAt: _pausedAt, ...resumed }) => resumed);
  return summarizePrediction(
    attachOutcomes(service, connections, outcomes).filter(({ kind }) => kind === 'disconnectedNow'),
    deps,
  );
}

/** The predicted outcome of a connection; `at` is the time of its disconnect. */
interface PredictedOutcome {
  readonly kind: keyof typeof predictedOutcomeTexts;
  readonly at?: string;
  /** The policy requests the disconnect, so the disconnect quota applies. */
  readonly isByPolicy?: boolean;
}

interface PredictedConnection extends PredictedOutcome {
  readonly connection: Connection;
  readonly service: Service;
}

async function predictForEntry(
  change: AllowlistAction,
  { serviceId, accountId }: EntryTarget,
  deps: PredictDisconnectsDeps,
) {
  const services = await listRegisteredServices(deps);
  const isInScope = (each: Connection) => serviceId === allServicesScope || each.serviceId === serviceId;
  const pages = await Promise.all(
    uniqueLocations(services).map((location) =>
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
  predicted: readonly PredictedConnection[],
  deps: PredictDisconnectsDeps,
): Promise<DisconnectPrediction> {
  const disconnects = predicted.filter(({ at }) => at !== undefined);
  const isObserveMode = disconnects.length > 0 && (await deps.mode()) === 'observe';
  return {
    disconnects: isObserveMode ? [] : disconnects.slice(0, maxListedDisconnects).map(toPredictedDisconnect),
    warnings: [
      ...(isObserveMode ? [observeModeWarning] : []),
      ...formatOutcomeWarnings(predicted),
      ...(await warnOverQuota(disconnects, deps)),
    ],
  };
}

const observeModeWarning =
  "linkgate's mode is observe, so it disconnects nothing until `linkgate mode enforce`, which decides everything again; in the mode enforce:";

/** @param adjustService changes the service before the evaluation. */
async function predictOutcomes(
  connections: readonly Connection[],
  { table, rules, now, reportError }: PredictDisconnectsDeps,
  adjustService: (service: Service) => Service = (service) => service,
): Promise<ReadonlyMap<Connection, PredictedOutcome>> {
  const connected = connections.filter(({ state }) => isConnected(state));
  const keys = connected.flatMap((each) => [recordKey(each.endpointId), ...policyInputKeys(each)]);
  const itemsByKey = indexByKey(await table.get(keys));
  const records = new Map(
    parseEach(
      itemsByKey.all(connected.map(({ endpointId }) => recordKey(endpointId))),
      readRecord,
      reportError,
    ).map((record) => [record.endpointId, record]),
  );
  const quotaGroups = Map.groupBy(
    [...connected]
      .sort(compareRequestedAt)
      .map((connection) => ({ connection, record: records.get(connection.endpointId) })),
    ({ connection }) => quotaGroupKey(connection),
  );
  const countedByGroup = new Map<string, readonly string[]>();
  const outcomes = connected.flatMap((connection) => {
    const { service, entries, unreadable, ...policyInputs } = readPolicyInputs(connection, itemsByKey);
    const record = records.get(connection.endpointId);
    const isRecordUnreadable = !record && itemsByKey.find(recordKey(connection.endpointId)) !== undefined;
    for (const error of unreadable) reportError(error, 'read item');
    // linkgate does not change a connection while an item that its verdict needs is unreadable.
    if (!service || unreadable.length > 0 || isRecordUnreadable) return [];
    const context = { ...policyInputs, isObserving: false, now: now() };
    const key = quotaGroupKey(connection);
    const group = quotaGroups.get(key) ?? [];
    const all = group.map((each) => each.connection.endpointId);
    const uncounted = { service: adjustService(service), entries, countedEndpointIds: all, rules };
    const countedEndpointIds = countedByGroup.get(key) ?? omitDisconnecting(uncounted, group, context);
    countedByGroup.set(key, countedEndpointIds);
    const policy = { ...uncounted, countedEndpointIds };
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
  if (isPaused(verdict)) return { kind: 'paused' };
  if (verdict.outcome === 'ask') return { kind: 'awaitsApproval' };
  if (verdict.outcome === 'accept') return record?.revocation && { kind: 'disconnectCancelled' };
  const { until } = verdict;
  const isByPolicy = revocation?.cause === 'policy';
  return until === undefined
    ? { kind: 'disconnectedNow', at: revocation?.disconnectAt ?? context.now.toISOString(), isByPolicy }
    : { kind: 'disconnectScheduled', at: until, isByPolicy };
}

const predictedOutcomeTexts = {
  disconnectedNow: () => 'disconnected now',
  disconnectScheduled: ({ at = '' }: PredictedOutcome) =>
    `disconnected at ${formatUtcSecond(at)}, unless the account is allowed again or somebody extends it (\`linkgate extend\`) before`,
  disconnectCancelled: () => 'stays connected; its scheduled disconnect is cancelled',
  awaitsApproval: () => 'stays connected until an approver decides',
  paused: ({ service }: PredictedConnection) =>
    `stays connected while ${service.name} is paused, and is decided after that: \`linkgate service show ${shellWord(service.name)}\``,
  staysRejected: () => 'stays rejected; the consumer has to delete it and create a new endpoint',
} as const satisfies Record<string, (predicted: PredictedConnection) => string>;

/** `2027-01-31 12:00:00 UTC` */
function formatUtcSecond(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Formats one warning for all connections of a service with the same outcome in the same second. */
function formatOutcomeWarnings(predicted: readonly PredictedConnection[]): string[] {
  const groups = Map.groupBy(predicted, ({ service, kind, at = '' }) => {
    const second = kind === 'disconnectScheduled' ? formatUtcSecond(at) : '';
    return `${service.serviceId} ${kind} ${second}`;
  });
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const listedIds = group.slice(0, maxNamedEndpoints).map(({ connection: { endpointId } }) => endpointId);
    const omittedCount = group.length - listedIds.length;
    const ids =
      listedIds.join(', ') + (omittedCount === 0 ? '' : ` and ${omittedCount.toLocaleString('en')} more`);
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

/** Warns of disconnects beyond the disconnect quota, which need approval. Concurrent disconnects may use up the quota first. */
async function warnOverQuota(
  disconnects: readonly PredictedConnection[],
  deps: PredictDisconnectsDeps,
): Promise<string[]> {
  const byPolicy = disconnects.filter(({ isByPolicy }) => isByPolicy);
  const now = deps.now();
  const reservations: Parameters<typeof remainingQuota>[2][number][] = [];
  const warnings: string[] = [];
  for (const [service, ofService] of Map.groupBy(byPolicy, (each) => each.service)) {
    const { serviceId, name } = service;
    const connectedCount =
      ofService.length > disconnectQuota.atService
        ? await countConnected(service.serviceId, deps.connectionsClient(service.location))
        : ofService.length;
    const granted = ofService.slice(0, remainingQuota(serviceId, connectedCount, reservations, now));
    reservations.push(
      ...granted.map(({ connection: { endpointId } }) => ({
        endpointId,
        serviceId,
        since: now.toISOString(),
        at: now.toISOString(),
      })),
    );
    if (granted.length < ofService.length)
      warnings.push(
        `linkgate disconnects at most ${granted.length} of these ${ofService.length.toLocaleString('en')} at ${name} in 24 hours (disconnect quota); approvers decide on the others`,
      );
  }
  return warnings;
}
