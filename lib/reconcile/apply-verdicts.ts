import { nextAttemptTime } from '../connections/backoff.ts';
import type { Bus, ConnectionEvent } from '../connections/connection-event.ts';
import {
  type ConnectionRecord,
  isFulfilledBy,
  isManagedByUs,
  isRevokedWhilePending,
  isVerdictCurrent,
  type PendingEffect,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { type PendingEffectPointer, pendingEffects } from '../connections/indexes.ts';
import { markRefused, markRequested } from '../connections/transition.ts';
import type { AccountRegion } from '../locations/account-region.ts';
import type { ReadMode } from '../mode/mode.ts';
import { policyInputKeys, readPolicyInputs } from '../policy/policy-inputs.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import {
  type ChangeableConnections,
  type Connections,
  type EndpointResult,
  listAllConnections,
  RefusedCallError,
  ThrottledError,
} from '../privatelink/connections.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { Table } from '../storage/table.ts';
import { readRestoreTime } from '../storage/table-identity.ts';
import { chunks } from '../values/chunks.ts';
import type { ApplyQueue } from './apply-queue.ts';
import { isToDisconnect, reserveDisconnects } from './reserve-disconnects.ts';
import { writeTransitions } from './write-transitions.ts';

export interface ApplyDeps extends Runtime {
  readonly table: Table;
  readonly connectionsClient: (location: AccountRegion) => ChangeableConnections;
  readonly bus: Bus;
  readonly applyQueue: ApplyQueue;
  /** Reads the mode directly before each call. An unreadable mode counts as `observe`. */
  readonly mode: ReadMode;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds until the end of this run. */
  readonly remainingMs: () => number;
}

/** The counts of one run. `timedOut`: pending effects remain, and the run enqueues the location again. */
export interface ApplyCounts {
  requested: number;
  refused: number;
  redecided: number;
  changed: number;
  timedOut: boolean;
}

/** The initial number of ids in a call. AWS publishes no maximum. */
const maxIdsPerCall = 100;
/** The number of pointers in memory at a time. */
const pageSize = 1_000;
/** The time that a run reserves for its last batch, in milliseconds. */
const applyReserveMs = 10_000;
/** Accept and Reject refill one token a second (EC2 API throttling, per account and Region). */
const tokenRefillMs = 1_000;

/** The effects of one call: one service, one action. */
interface EffectBatch {
  readonly action: PendingEffect['action'];
  readonly serviceId: string;
  readonly pointers: readonly PendingEffectPointer[];
  /** The time of a throttled call, which EC2 may have performed. */
  readonly uncertainSince?: Date;
  /** The endpoints that the disconnect quota permits linkgate to disconnect. */
  readonly granted?: ReadonlySet<string>;
}

type PendingRecord = ConnectionRecord & { readonly pendingEffect: PendingEffect };

/**
 * Applies the pending effects of one location, if the policy versions and EC2's state still match the verdict. No other code
 * calls Accept and Reject, and no location has two concurrent runs. A throttled run waits for tokens. A run that is out of time
 * enqueues its location again.
 */
export async function applyVerdicts(location: AccountRegion, deps: ApplyDeps): Promise<ApplyCounts> {
  const applied: ApplyCounts = { requested: 0, refused: 0, redecided: 0, changed: 0, timedOut: false };
  const connections = deps.connectionsClient(location);
  let size = maxIdsPerCall;
  for await (const pointers of pendingEffects.list(location, deps, { limit: pageSize })) {
    const queue = roundRobinByService(pointers, size);
    for (let batch = queue.shift(); batch; batch = queue.shift()) {
      if (deps.remainingMs() < applyReserveMs) {
        applied.timedOut = true;
        await deps.applyQueue.enqueue(location);
        return applied;
      }
      if (batch.pointers.length > size) {
        queue.unshift(...splitBatch(batch));
        continue;
      }
      const result = await applyBatch(batch, connections, deps, applied);
      if (result === 'observe') return applied;
      if (result === 'recheck-throttled' || result === 'call-throttled') {
        const uncertainSince = deps.now();
        await deps.sleep(tokenRefillMs);
        queue.unshift(result === 'call-throttled' ? { ...batch, uncertainSince } : batch);
      } else if (result === 'too-many-ids') {
        size = Math.ceil(batch.pointers.length / 2);
        queue.unshift(batch);
      } else if (result === 'one-id-refused') queue.unshift(...splitBatch(batch));
      else if (result !== 'done') queue.unshift({ ...batch, ...result });
    }
  }
  return applied;
}

/** Orders the batches round robin by service, so that a burst at one service does not delay another. */
function roundRobinByService(pointers: readonly PendingEffectPointer[], size: number): EffectBatch[] {
  const calls = [...Map.groupBy(pointers, ({ serviceId, action }) => `${serviceId} ${action}`).values()];
  const turns = calls.map((some) => chunks(some, size).flatMap(toBatch));
  const rounds = Math.max(0, ...turns.map((batches) => batches.length));
  return Array.from({ length: rounds }, (_, round) =>
    turns.flatMap((batches) => batches[round] ?? []),
  ).flat();
}

function toBatch(pointers: readonly PendingEffectPointer[]): EffectBatch[] {
  const [first] = pointers;
  return first ? [{ action: first.action, serviceId: first.serviceId, pointers }] : [];
}

function splitBatch({ pointers, ...call }: EffectBatch): EffectBatch[] {
  return chunks(pointers, Math.ceil(pointers.length / 2)).map((half) => ({ ...call, pointers: half }));
}

/**
 * Reads mode, policy and EC2 directly before the call, calls EC2, and records the result. A batch with disconnects first reserves
 * the disconnect quota and returns: then the run reads everything again.
 */
async function applyBatch(
  batch: EffectBatch,
  connections: ChangeableConnections,
  deps: ApplyDeps,
  applied: ApplyCounts,
): Promise<
  | 'done'
  | 'observe'
  | 'recheck-throttled'
  | 'call-throttled'
  | 'too-many-ids'
  | 'one-id-refused'
  | Required<Pick<EffectBatch, 'granted'>>
> {
  const lookedAt = deps.now();
  const pendingRecords = await undefinedIfThrottled(() => recheckBatch(batch, connections, deps, applied));
  if (!pendingRecords) return 'recheck-throttled';
  if (pendingRecords.length === 0) return 'done';
  // The table identity is unknown or changed. The next sweep records it.
  if (
    pendingRecords.some((record) => isRevokedWhilePending(record)) &&
    !(await orReported(deps.reportError, 'read table identity', () => readRestoreTime(deps.table)))
  )
    return 'done';
  if ((await deps.mode(lookedAt)) === 'observe') return 'observe';
  const disconnects = pendingRecords.filter(isToDisconnect);
  if (disconnects.length > 0 && !batch.granted) {
    const reservation = await undefinedIfThrottled(() =>
      reserveDisconnects(disconnects, batch.serviceId, connections, deps),
    );
    if (!reservation) return 'recheck-throttled';
    applied.redecided += reservation.redecided;
    return { granted: reservation.granted };
  }
  const due = pendingRecords.filter(
    (record) => !isToDisconnect(record) || batch.granted?.has(record.endpointId),
  );
  if (due.length === 0) return 'done';

  const lastAttemptAt = deps.now();
  const answers = await callEc2(batch.action, batch.serviceId, due, connections);
  if (typeof answers === 'string') return answers;
  const unconfirmedIds = answers
    .filter(({ successful }) => successful !== true)
    .map(({ endpointId }) => endpointId);
  // A failed describe call does not prevent the record of linkgate's calls.
  const described =
    (await orReported(deps.reportError, 'describe connections', () =>
      describeById(connections, batch.serviceId, unconfirmedIds),
    )) ?? new Map();
  const fulfilled = [...described.values()].filter((connection) =>
    isFulfilledBy(batch.action, connection.state),
  );
  const refusalReasons = new Map(
    answers.flatMap((answer) => (answer.successful === false ? [[answer.endpointId, answer.reason]] : [])),
  );
  for (const { endpointId } of fulfilled) refusalReasons.delete(endpointId);
  await writeTransitions(due, deps, (record) => {
    const reason = refusalReasons.get(record.endpointId);
    return reason === undefined
      ? markRequested(record, batch.action, lastAttemptAt)
      : markRefused(record, batch.action, reason, lastAttemptAt);
  });
  const observedAt = deps.now().toISOString();
  await deps.bus.publish(
    fulfilled.map((connection) => ({ type: 'Connection Changed', connection, observedAt })),
  );
  applied.refused += refusalReasons.size;
  applied.requested += due.length - refusalReasons.size;
  return 'done';
}

/** Calls Accept or Reject. Returns a result for each endpoint, or the error of the whole call. */
async function callEc2(
  action: PendingEffect['action'],
  serviceId: string,
  due: readonly PendingRecord[],
  connections: ChangeableConnections,
): Promise<EndpointResult[] | 'call-throttled' | 'too-many-ids' | 'one-id-refused'> {
  const endpointIds = due.map(({ endpointId }) => endpointId);
  try {
    return await connections[action](serviceId, endpointIds);
  } catch (error) {
    if (error instanceof ThrottledError) return 'call-throttled';
    if (!(error instanceof RefusedCallError))
      return endpointIds.map((endpointId) => ({ endpointId, successful: 'unknown' }));
    if (due.length > 1 && error.reason === 'size') return 'too-many-ids';
    if (due.length > 1 && error.reason === 'endpoint') return 'one-id-refused';
    const reason = `${error.code}: ${error.message}`;
    return endpointIds.map((endpointId) => ({ endpointId, successful: false, reason }));
  }
}

async function undefinedIfThrottled<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ThrottledError) return undefined;
    throw error;
  }
}

/** Selects the effects for which linkgate may call EC2 now. Publishes an event for each connection that has changed. */
async function recheckBatch(
  batch: EffectBatch,
  connections: Connections,
  deps: ApplyDeps,
  applied: ApplyCounts,
): Promise<PendingRecord[]> {
  const { action, serviceId, pointers, uncertainSince } = batch;
  const endpointIds = pointers.map(({ endpointId }) => endpointId);
  const [described, items] = await Promise.all([
    describeById(connections, serviceId, endpointIds),
    deps.table.get(
      pointers.flatMap((pointer) => [recordKey(pointer.endpointId), ...policyInputKeys(pointer)]),
    ),
  ]);
  const itemIndex = indexByKey(items);
  const records = parseEach(
    itemIndex.all(endpointIds.map(recordKey)),
    (item) => {
      const record = readRecord(item);
      const { policyVersions, restoredAt } = readPolicyInputs(record, itemIndex);
      return { record, policyVersions, restoredAt };
    },
    deps.reportError,
  );
  const time = deps.now();
  const observedAt = time.toISOString();
  const events: ConnectionEvent[] = [];
  const ready: PendingRecord[] = [];
  const carriedOut: ConnectionRecord[] = [];
  for (const { record, policyVersions, restoredAt } of records) {
    const connection = described.get(record.endpointId);
    if (!connection) continue;
    if (uncertainSince && isFulfilledBy(action, connection.state)) {
      carriedOut.push(record);
      continue;
    }
    // The verdict changed after the read of this page: the decider has already enqueued the location again.
    if (!hasPendingEffect(record) || record.pendingEffect.action !== action) continue;
    if (!isActionable(record, connection, restoredAt) && !needsReevaluationFirst(record, connection))
      events.push({ type: 'Connection Changed', connection, observedAt, record });
    else if (!isVerdictCurrent(record.verdict, policyVersions, time))
      events.push({ type: 'Connection Request', connection, observedAt });
    // A paused service has a verdict of hold, and its scheduled disconnects stay pending.
    else if (record.verdict.outcome !== action) continue;
    else if (!isActionable(record, connection, restoredAt))
      events.push({ type: 'Connection Request', connection, observedAt });
    else if (!isInBackoff(record, time)) ready.push(record);
  }
  for (const { type } of events) applied[type === 'Connection Request' ? 'redecided' : 'changed']++;
  await deps.bus.publish(events);
  if (uncertainSince) await recordUncertainCall(batch, carriedOut, described, uncertainSince, deps);
  applied.requested += carriedOut.length;
  return ready;
}

/**
 * Records a throttled call that EC2 performed. If its connection notification arrived first, the verdict is already applied, and
 * only the call is missing.
 */
async function recordUncertainCall(
  { action }: EffectBatch,
  carriedOut: readonly ConnectionRecord[],
  described: ReadonlyMap<string, Connection>,
  uncertainSince: Date,
  deps: ApplyDeps,
) {
  await writeTransitions(carriedOut, deps, (record) => markRequested(record, action, uncertainSince));
  const observedAt = deps.now().toISOString();
  const connections = carriedOut.flatMap(({ endpointId }) => described.get(endpointId) ?? []);
  await deps.bus.publish(
    connections.map((connection) => ({ type: 'Connection Changed', connection, observedAt })),
  );
}

function isActionable(record: PendingRecord, { state }: Connection, restoredAt: string): boolean {
  return state === 'pendingAcceptance' || (isConnected(state) && isManagedByUs(record, restoredAt));
}

/** Whether a connected endpoint has a pending reject from before the restore of the table. linkgate decides it again. */
function needsReevaluationFirst(record: PendingRecord, { state }: Connection): boolean {
  return isConnected(state) && isConnected(record.state) && isRevokedWhilePending(record);
}

function hasPendingEffect(record: ConnectionRecord): record is PendingRecord {
  return record.pendingEffect !== undefined;
}

function isInBackoff({ pendingEffect }: PendingRecord, now: Date): boolean {
  const from = nextAttemptTime(pendingEffect);
  return from !== undefined && now < from;
}

async function describeById(connections: Connections, serviceId: string, endpointIds: readonly string[]) {
  if (endpointIds.length === 0) return new Map<string, Connection>();
  const described = await listAllConnections(connections, { serviceIds: [serviceId], endpointIds });
  return new Map(described.map((connection) => [connection.endpointId, connection]));
}
