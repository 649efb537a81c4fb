import type { PolicyVersions } from '../audit/audit.ts';
import { isNotificationExpected, nextAttemptTime } from '../connections/backoff.ts';
import { type Bus, type ConnectionEvent, publishConnections } from '../connections/connection-event.ts';
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
import { orReported } from '../runtime/runtime.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { TableDeps } from '../storage/table.ts';
import { readRestoreTime } from '../storage/table-identity.ts';
import { chunks } from '../values/chunks.ts';
import type { ApplyQueue } from './apply-queue.ts';
import { isToDisconnect, reserveDisconnects } from './reserve-disconnects.ts';
import { writeTransitions } from './write-transitions.ts';

export interface ApplyDeps extends TableDeps {
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

/** The result of one batch. All but `done` and `mode-observe` leave the batch, or its parts, to be tried again. */
type BatchResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'mode-observe' }
  | { readonly kind: 'describe-throttled' }
  | { readonly kind: 'call-throttled' }
  | { readonly kind: 'batch-too-large' }
  | { readonly kind: 'one-id-refused' }
  | { readonly kind: 'quota-reserved'; readonly granted: ReadonlySet<string> };

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
        await deps.applyQueue.enqueue(location);
        return { ...applied, timedOut: true };
      }
      if (batch.pointers.length > size) {
        queue.unshift(...splitBatch(batch));
        continue;
      }
      const result = await applyBatch(batch, connections, deps, applied);
      if (result.kind === 'mode-observe') return applied;
      queue.unshift(...remainingBatches(batch, result, deps.now()));
      if (result.kind === 'batch-too-large') size = Math.ceil(batch.pointers.length / 2);
      if (result.kind === 'describe-throttled' || result.kind === 'call-throttled')
        await deps.sleep(tokenRefillMs);
    }
  }
  return applied;
}

/** Returns the batches that the run tries after the result of a batch. */
function remainingBatches(batch: EffectBatch, result: BatchResult, now: Date): EffectBatch[] {
  switch (result.kind) {
    case 'done':
    case 'mode-observe':
      return [];
    case 'call-throttled':
      return [{ ...batch, uncertainSince: now }];
    case 'one-id-refused':
      return splitBatch(batch);
    case 'quota-reserved':
      return [{ ...batch, granted: result.granted }];
    default:
      return [batch];
  }
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
): Promise<BatchResult> {
  const lookedAt = deps.now();
  const ready = await undefinedIfThrottled(() => recheckBatch(batch, connections, deps, applied));
  if (!ready) return { kind: 'describe-throttled' };
  if (ready.length === 0 || !(await isTableIdentityKnown(ready, deps))) return { kind: 'done' };
  if ((await deps.mode(lookedAt)) === 'observe') return { kind: 'mode-observe' };
  const disconnects = ready.filter(isToDisconnect);
  if (disconnects.length > 0 && !batch.granted) {
    const reservation = await undefinedIfThrottled(() =>
      reserveDisconnects(disconnects, batch.serviceId, connections, deps),
    );
    if (!reservation) return { kind: 'describe-throttled' };
    applied.redecided += reservation.redecided;
    return { kind: 'quota-reserved', granted: reservation.granted };
  }
  const due = ready.filter((record) => !isToDisconnect(record) || batch.granted?.has(record.endpointId));
  if (due.length === 0) return { kind: 'done' };
  const calledAt = deps.now();
  const results = await callEc2(batch.action, batch.serviceId, due, connections);
  if ('kind' in results) return results;
  await recordCall(batch, due, results, calledAt, connections, deps, applied);
  return { kind: 'done' };
}

/** A restored table lacks the results of earlier calls. The next sweep records an unknown or changed table identity. */
async function isTableIdentityKnown(ready: readonly PendingRecord[], deps: ApplyDeps): Promise<boolean> {
  if (!ready.some((record) => isRevokedWhilePending(record))) return true;
  const restoredAt = await orReported(deps.reportError, 'read table identity', () =>
    readRestoreTime(deps.table),
  );
  return Boolean(restoredAt);
}

/** Records a call, and publishes an event for each endpoint that already had the wanted state. */
async function recordCall(
  { action, serviceId }: EffectBatch,
  due: readonly PendingRecord[],
  results: readonly EndpointResult[],
  calledAt: Date,
  connections: Connections,
  deps: ApplyDeps,
  applied: ApplyCounts,
): Promise<void> {
  const unconfirmedIds = results.flatMap(({ endpointId, successful }) =>
    successful === true ? [] : [endpointId],
  );
  // A failed describe call does not prevent the record of linkgate's calls.
  const described =
    (await orReported(deps.reportError, 'describe connections', () =>
      describeById(connections, serviceId, unconfirmedIds),
    )) ?? new Map<string, Connection>();
  const fulfilled = [...described.values()].filter(({ state }) => isFulfilledBy(action, state));
  const refusalReasons = new Map(
    results.flatMap((result) => (result.successful === false ? [[result.endpointId, result.reason]] : [])),
  );
  for (const { endpointId } of fulfilled) refusalReasons.delete(endpointId);
  await writeTransitions(due, deps, (record) => {
    const reason = refusalReasons.get(record.endpointId);
    return reason === undefined
      ? markRequested(record, action, calledAt)
      : markRefused(record, action, reason, calledAt);
  });
  await publishConnections('Connection Changed', fulfilled, deps);
  applied.refused += refusalReasons.size;
  applied.requested += due.length - refusalReasons.size;
}

/** Calls Accept or Reject. Returns a result for each endpoint, or the result of the batch if EC2 refused the whole call. */
async function callEc2(
  action: PendingEffect['action'],
  serviceId: string,
  due: readonly PendingRecord[],
  connections: ChangeableConnections,
): Promise<readonly EndpointResult[] | BatchResult> {
  const endpointIds = due.map(({ endpointId }) => endpointId);
  try {
    return await connections[action](serviceId, endpointIds);
  } catch (error) {
    if (error instanceof ThrottledError) return { kind: 'call-throttled' };
    if (!(error instanceof RefusedCallError))
      return endpointIds.map((endpointId) => ({ endpointId, successful: 'unknown' }));
    if (due.length > 1 && error.reason === 'size') return { kind: 'batch-too-large' };
    if (due.length > 1 && error.reason === 'endpoint') return { kind: 'one-id-refused' };
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

/** A record of a batch with the inputs of its recheck. */
interface RecheckedRecord {
  readonly record: ConnectionRecord;
  /** Undefined if EC2 does not list the endpoint. */
  readonly connection: Connection | undefined;
  readonly policyVersions: PolicyVersions;
  readonly restoredAt: string;
}

/**
 * `call-confirmed`: EC2 shows the result of an uncertain call. `state-changed` and `policy-changed`: linkgate first records the
 * state, or decides again. `wait`: there is nothing to do now.
 */
type RecheckResult = 'ready' | 'call-confirmed' | 'state-changed' | 'policy-changed' | 'wait';

/** Selects the effects for which linkgate may call EC2 now. Publishes an event for each connection that has changed. */
async function recheckBatch(
  batch: EffectBatch,
  connections: Connections,
  deps: ApplyDeps,
  applied: ApplyCounts,
): Promise<PendingRecord[]> {
  const rechecked = await readBatch(batch, connections, deps);
  const time = deps.now();
  const byResult = Map.groupBy(rechecked, (each) => recheckEffect(each, batch, time));
  const toEvents = (result: RecheckResult, type: ConnectionEvent['type']) =>
    (byResult.get(result) ?? []).flatMap(({ connection, record }) =>
      connection
        ? [
            {
              type,
              connection,
              observedAt: time.toISOString(),
              ...(result === 'state-changed' && { record }),
            },
          ]
        : [],
    );
  const changed = toEvents('state-changed', 'Connection Changed');
  const redecided = toEvents('policy-changed', 'Connection Request');
  await deps.bus.publish([...changed, ...redecided]);
  applied.changed += changed.length;
  applied.redecided += redecided.length;
  const confirmed = byResult.get('call-confirmed') ?? [];
  if (batch.uncertainSince) await recordUncertainCall(batch.action, confirmed, batch.uncertainSince, deps);
  applied.requested += confirmed.length;
  return (byResult.get('ready') ?? []).map(({ record }) => record).filter(hasPendingEffect);
}

/** Describes the connections of a batch, and reads their records and policy. Reports and omits an unreadable record. */
async function readBatch(
  { serviceId, pointers }: EffectBatch,
  connections: Connections,
  { table, reportError }: ApplyDeps,
): Promise<RecheckedRecord[]> {
  const endpointIds = pointers.map(({ endpointId }) => endpointId);
  const [described, items] = await Promise.all([
    describeById(connections, serviceId, endpointIds),
    table.get(pointers.flatMap((pointer) => [recordKey(pointer.endpointId), ...policyInputKeys(pointer)])),
  ]);
  const itemIndex = indexByKey(items);
  return parseEach(
    itemIndex.all(endpointIds.map(recordKey)),
    (item) => {
      const record = readRecord(item);
      const { policyVersions, restoredAt } = readPolicyInputs(record, itemIndex);
      return { record, connection: described.get(record.endpointId), policyVersions, restoredAt };
    },
    reportError,
  );
}

function recheckEffect(
  { record, connection, policyVersions, restoredAt }: RecheckedRecord,
  { action, uncertainSince }: EffectBatch,
  now: Date,
): RecheckResult {
  if (!connection) return 'wait';
  if (uncertainSince && isFulfilledBy(action, connection.state)) return 'call-confirmed';
  // The verdict changed after the read of this page: the decider has already enqueued the location again.
  if (!hasPendingEffect(record) || record.pendingEffect.action !== action) return 'wait';
  const canCall = isActionable(record, connection, restoredAt);
  if (!canCall && !needsReevaluationFirst(record, connection))
    return isNotificationExpected(record.pendingEffect, now) ? 'wait' : 'state-changed';
  if (!isVerdictCurrent(record.verdict, policyVersions, now)) return 'policy-changed';
  // A paused service has a verdict of hold, and its scheduled disconnects stay pending.
  if (record.verdict.outcome !== action) return 'wait';
  if (!canCall) return 'policy-changed';
  const nextAttempt = nextAttemptTime(record.pendingEffect);
  return nextAttempt && now < nextAttempt ? 'wait' : 'ready';
}

/**
 * Records a throttled call that EC2 performed. If its connection notification arrived first, the verdict is already applied, and
 * only the call is missing.
 */
async function recordUncertainCall(
  action: PendingEffect['action'],
  confirmed: readonly RecheckedRecord[],
  uncertainSince: Date,
  deps: ApplyDeps,
): Promise<void> {
  const records = confirmed.map(({ record }) => record);
  await writeTransitions(records, deps, (record) => markRequested(record, action, uncertainSince));
  const changed = confirmed.flatMap(({ connection }) => connection ?? []);
  await publishConnections('Connection Changed', changed, deps);
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

async function describeById(connections: Connections, serviceId: string, endpointIds: readonly string[]) {
  if (endpointIds.length === 0) return new Map<string, Connection>();
  const described = await listAllConnections(connections, { serviceIds: [serviceId], endpointIds });
  return new Map(described.map((connection) => [connection.endpointId, connection]));
}
