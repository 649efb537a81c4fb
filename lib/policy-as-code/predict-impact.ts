import * as v from 'valibot';
import type { ConnectionEvent } from '../connections/connection-event.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { modeChangeItem, modeKey, readModeChange } from '../mode/mode.ts';
import { policyInputKeys } from '../policy/policy-inputs.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { decideConnection } from '../reconcile/decide-connections.ts';
import { type DecideResult, decisionKeys, type PrepareDecisionDeps } from '../reconcile/prepare-decision.ts';
import { recordStates } from '../reconcile/record-states.ts';
import { readService, type Service, serviceKey } from '../services/service.ts';
import { formatKey, omitUnreadable, parseEach } from '../storage/entity.ts';
import type { Item, Table } from '../storage/table.ts';
import { primaryReason } from '../verdicts/verdict.ts';
import { type ItemOverlay, overlayTable } from './overlay-table.ts';

/**
 * The effect on a connection. `stays`: linkgate keeps it connected. `disconnect-later`: at the end of its grace period. `ask`,
 * `hold`: a connected endpoint stays until then.
 */
export const ImpactEffect = v.picklist([
  'disconnect',
  'disconnect-later',
  'accept',
  'reject',
  'ask',
  'stays',
  'hold',
]);
export type ImpactEffect = v.InferOutput<typeof ImpactEffect>;

/** The outcome for a connection, before or after the changes. */
export interface PredictedOutcome {
  readonly effect: ImpactEffect;
  readonly reason: string;
  /** ISO 8601: the time of a later disconnect. */
  readonly at?: string;
  /** The decided record. Absent if linkgate does not decide the connection. */
  readonly record?: ConnectionRecord;
}

/** The impact of changes on one connection. */
export interface PredictedImpact {
  readonly connection: Connection;
  /** After the changes, or before them if they remove it. Absent if it is registered neither before nor after. */
  readonly service: Service | undefined;
  /** The stored record, which neither outcome changes. */
  readonly stored: ConnectionRecord | undefined;
  /** Only in a comparison. */
  readonly before?: PredictedOutcome;
  readonly after: PredictedOutcome;
}

export interface PredictImpactDeps extends PrepareDecisionDeps {
  /** Milliseconds until the end of this run. */
  readonly remainingMs: () => number;
}

/** The time that a run reserves, in milliseconds. */
const impactReserveMs = 12_000;

/**
 * Predicts the impact of changes on the connections that they concern, in the mode `enforce`: decides each connection with the
 * production code on the table after the changes, in a comparison also before them, and writes no item. Decides one after another,
 * because connections share endpoint quotas.
 * @param overlay the changes. An unchanged item stands for a change that the table already contains.
 * @returns the number of connections that it decided in time.
 */
export async function predictImpact(
  connections: readonly Connection[],
  overlay: ItemOverlay,
  deps: PredictImpactDeps,
  { isComparison = false } = {},
): Promise<{ readonly impacts: PredictedImpact[]; readonly looked: number }> {
  const concerned = new Set(connections.filter((each) => isConcerned(each, overlay)));
  const dryRun = createDryRun(overlay, deps, isComparison);
  await dryRun.stored.get([...concerned].flatMap(decisionKeys));
  const impacts: PredictedImpact[] = [];
  for (const [index, connection] of connections.entries()) {
    if (index > 0 && deps.remainingMs() < impactReserveMs) return { impacts, looked: index };
    if (!concerned.has(connection)) continue;
    // The impact on a connection with an unreadable input is unknown.
    const impact = await predictForConnection(connection, dryRun).catch(omitUnreadable(deps.reportError));
    if (impact) impacts.push(impact);
  }
  return { impacts, looked: connections.length };
}

interface DryRun {
  /** Reads each stored item once. */
  readonly stored: Table;
  /** Only in a comparison. */
  readonly before: PrepareDecisionDeps | undefined;
  readonly after: PrepareDecisionDeps;
  /** The services of earlier impacts by id. */
  readonly services: Map<string, Service | undefined>;
}

function createDryRun(overlay: ItemOverlay, deps: PredictImpactDeps, isComparison: boolean): DryRun {
  const now = deps.now();
  const stored = overlayTable(deps.table);
  const enforced = [[formatKey(modeKey), (item: Item | undefined) => enforceMode(item, now)]] as const;
  const createDeps = (changes: ItemOverlay) => ({
    ...deps,
    now: () => now,
    table: overlayTable(stored, changes),
  });
  return {
    stored,
    before: isComparison ? createDeps(new Map(enforced)) : undefined,
    after: createDeps(new Map([...enforced, ...overlay])),
    services: new Map(),
  };
}

/** Whether a change concerns an open request or a connected endpoint. */
function isConcerned(connection: Connection, overlay: ItemOverlay): boolean {
  const { state } = connection;
  return (
    (state === 'pendingAcceptance' || isConnected(state)) &&
    policyInputKeys(connection).some((key) => overlay.has(formatKey(key)))
  );
}

/** In the mode `observe` linkgate decides everything again once somebody enforces. */
function enforceMode(stored: Item | undefined, now: Date): Item | undefined {
  // Each decision reports an unreadable mode.
  const [change] = parseEach(stored ? [stored] : [], readModeChange, () => {});
  if (change?.mode !== 'observe') return stored;
  const { policyRevision, version } = change;
  return modeChangeItem({
    ...change,
    mode: 'enforce',
    since: now.toISOString(),
    policyRevision: policyRevision + 1,
    version: version + 1,
  });
}

async function predictForConnection(connection: Connection, dryRun: DryRun): Promise<PredictedImpact> {
  const { stored, before, after, services } = dryRun;
  const { endpointId, serviceId } = connection;
  const outcomes = {
    ...(before && { before: await predictOutcome(connection, before) }),
    after: await predictOutcome(connection, after),
  };
  const [record] = (await stored.get([recordKey(endpointId)])).map(readRecord);
  if (!services.has(serviceId)) {
    const key = serviceKey(serviceId);
    const [item] = [...(await after.table.get([key])), ...(await stored.get([key]))];
    services.set(serviceId, item && readService(item));
  }
  return { connection, service: services.get(serviceId), stored: record, ...outcomes };
}

/** Decides a connection as `decide-connections` does, and first records its state if EC2 shows an answer. */
async function predictOutcome(connection: Connection, deps: PrepareDecisionDeps): Promise<PredictedOutcome> {
  const observedAt = deps.now().toISOString();
  const decide = () => decideConnection(connection, deps, { observedAt });
  const first = await decide();
  if (first.outcome !== 'passed') return classifyOutcome(connection, first);
  const event: ConnectionEvent = { type: 'Connection Changed', connection, observedAt };
  await recordStates([event], deps);
  return classifyOutcome(connection, await decide());
}

function classifyOutcome({ state }: Connection, decision: DecideResult): PredictedOutcome {
  const record = 'isNew' in decision ? decision.record : undefined;
  if (!record?.verdict) {
    const reason = 'its service is not registered then, so linkgate does not decide it';
    return { effect: isConnected(state) ? 'stays' : 'hold', reason };
  }
  const { outcome, until } = record.verdict;
  const decided = { reason: primaryReason(record.verdict), record };
  if (!isConnected(state) || outcome === 'ask' || outcome === 'hold') return { effect: outcome, ...decided };
  if (outcome === 'accept') return { effect: 'stays', ...decided };
  return until === undefined
    ? { effect: 'disconnect', ...decided }
    : { effect: 'disconnect-later', ...decided, at: until };
}
