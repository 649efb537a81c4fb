import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import {
  type ConnectionRecord,
  readRecord,
  recordKey,
  recordPartitions,
} from '../connections/connection-record.ts';
import { pendingEffectPartition } from '../connections/pending-effects.ts';
import { listDueReevaluations } from '../connections/reevaluations.ts';
import { markMissing } from '../connections/transition.ts';
import {
  type CustomerNotificationQueue,
  enqueueMissedNotifications,
} from '../customer-notifications/enqueue-missed.ts';
import { type AccountRegion, formatAccountRegion } from '../locations/account-region.ts';
import {
  buildNotificationTarget,
  deduplicateTargets,
  type NotificationQueue,
  needsNotification,
} from '../notifications/notification.ts';
import {
  countsTowardQuota,
  type EndpointQuota,
  quotaPartition,
  quotaWrite,
  readEndpointQuota,
} from '../policy/endpoint-quota.ts';
import { type HeldBackRequest, isHeldBack, updateWaitingLine } from '../policy/held-back.ts';
import type { Rule } from '../policy/rule.ts';
import { type Connection, isConnected } from '../privatelink/connection.ts';
import { type Connections, listAllConnections } from '../privatelink/connections.ts';
import type { ApplyQueue } from '../reconcile/apply-queue.ts';
import {
  addCounts,
  ChangeCounts,
  type DetectDeps,
  detectChanges,
  noChanges,
} from '../reconcile/detect-changes.ts';
import { writeStateTransition } from '../reconcile/record-states.ts';
import { orReported } from '../runtime/runtime.ts';
import { ExpiredTokenError } from '../storage/cursor.ts';
import { parseEach } from '../storage/entity.ts';
import { trackIdentity } from '../storage/table-identity.ts';
import { chunks } from '../values/chunks.ts';
import { acquireSweepLease, type SweepCheckpoint, type SweepLease, type SweepScope } from './lease.ts';

export interface SweepDeps extends DetectDeps {
  readonly notificationQueue: NotificationQueue;
  readonly customerNotificationQueue: CustomerNotificationQueue;
  readonly connectionsClient: (location: AccountRegion) => Connections;
  readonly applyQueue: ApplyQueue;
  readonly rules: readonly Rule[];
  /** Milliseconds until Lambda stops this invocation. */
  readonly remainingMs: () => number;
}

export const SweepResult = v.object({
  ...ChangeCounts.entries,
  /** Connections that EC2 no longer lists. */
  ended: v.number(),
  /** Endpoint quotas that differed from EC2. */
  quotasRepaired: v.number(),
});
export type SweepResult = v.InferOutput<typeof SweepResult>;

export function emptySweep(): SweepResult {
  return { ...noChanges(), ended: 0, quotasRepaired: 0 };
}

/** `already-running`: another run holds the lease. `unfinished`: the time is up; the next run resumes from the checkpoint. */
export type SweepOutcome =
  | { readonly status: 'done'; readonly result: SweepResult }
  | { readonly status: 'already-running' }
  | { readonly status: 'unfinished' };

/** A run saves its checkpoint and stops when less time than this remains. */
const minRemainingToSweepMs = 10_000;

/**
 * Sweeps the connections of one location. `pending` reads the connections that wait for acceptance. `full` reads all
 * connections, compares the policy versions of their verdicts, marks ended records and repairs endpoint quotas. Both enqueue
 * apply-verdicts if there are pending effects.
 */
export async function sweepConnections(
  location: AccountRegion,
  scope: SweepScope,
  deps: SweepDeps,
): Promise<SweepOutcome> {
  const lease = await acquireSweepLease(location, scope, deps);
  if (!lease) return { status: 'already-running' };

  const isFirstRun = lease.checkpoint === undefined;
  // Without a table identity policy disconnects no endpoint. All other work continues.
  if (isFirstRun) await orReported(deps.reportError, 'record table identity', () => trackIdentity(deps));
  const dueCounts = isFirstRun ? await reevaluateDue(location, deps) : noChanges();
  const inventory = scope === 'full' && !lease.checkpoint ? await startInventory(location, deps) : undefined;
  const counts = await sweepPages(location, scope, lease, inventory, deps);
  if (!counts) return { status: 'unfinished' };
  if (await hasPendingEffects(location, deps)) await deps.applyQueue.enqueue(location);
  const result: SweepResult = {
    ...counts,
    decided: counts.decided + dueCounts.decided,
    ended: 0,
    quotasRepaired: 0,
  };
  if (inventory) {
    result.ended = await markEnded(location, lease.startedAt, inventory, deps);
    const { repaired, freed } = await repairQuotas(location, lease.startedAt, inventory, deps);
    result.quotasRepaired = repaired;
    result.decided += freed;
  }
  await lease.release();
  return { status: 'done', result };
}

/** Re-evaluates the connections whose scheduled time has come, for a disconnect or an expiry warning. */
async function reevaluateDue(location: AccountRegion, deps: SweepDeps): Promise<ChangeCounts> {
  const connections = deps.connectionsClient(location);
  let counts = noChanges();
  for await (const due of listDueReevaluations(location, deps.now(), deps))
    for (const endpointIds of chunks(due, maxEndpointsPerDescribe)) {
      const dueConnections = await listAllConnections(connections, { endpointIds });
      counts = addCounts(counts, await detectChanges(dueConnections, deps, { force: true }));
    }
  return counts;
}

/** The maximum number of values in one EC2 filter. */
const maxEndpointsPerDescribe = 200;

/** The connections of a full sweep that completes in one run. They show ended records and wrong quotas. */
interface Inventory {
  readonly endpointIds: Set<string>;
  /** The connections of each account at a service that has an endpoint quota. */
  readonly connectionsByQuota: Map<string, Connection[]>;
}

async function startInventory(
  location: AccountRegion,
  { table, reportError }: SweepDeps,
): Promise<Inventory> {
  const connectionsByQuota = new Map<string, Connection[]>();
  for await (const page of table.query(quotaPartition(location)))
    for (const { serviceId, accountId } of parseEach(page, readEndpointQuota, reportError))
      connectionsByQuota.set(`${serviceId} ${accountId}`, []);
  return { endpointIds: new Set(), connectionsByQuota };
}

/** @returns undefined when the time is up; the next run resumes from the checkpoint. */
async function sweepPages(
  location: AccountRegion,
  scope: SweepScope,
  lease: SweepLease,
  inventory: Inventory | undefined,
  deps: SweepDeps,
): Promise<ChangeCounts | undefined> {
  const connections = deps.connectionsClient(location);
  const filter = scope === 'pending' ? { state: 'pendingAcceptance' as const } : {};
  let { nextToken, counts }: SweepCheckpoint = lease.checkpoint ?? { counts: noChanges() };
  for (;;) {
    const page = await readPage(connections, filter, nextToken);
    if (page === 'expired') {
      nextToken = undefined;
      counts = noChanges();
      continue;
    }
    const records: ConnectionRecord[] = [];
    const onRecord = (record: ConnectionRecord) => records.push(record);
    const pageCounts = await detectChanges(page.connections, deps, {
      ...(scope === 'full' && { recheckPolicy: deps }),
      onRecord,
    });
    const toNotify = records.filter((record) => needsNotification(record, deps.now()));
    await deps.notificationQueue.enqueue(deduplicateTargets(toNotify.map(buildNotificationTarget)));
    if (scope === 'full') await enqueueMissedNotifications(records, deps);
    counts = addCounts(counts, pageCounts);
    for (const connection of page.connections) {
      inventory?.endpointIds.add(connection.endpointId);
      inventory?.connectionsByQuota
        .get(`${connection.serviceId} ${connection.ownerAccountId}`)
        ?.push(connection);
    }
    for (const endpointId of page.unreadable ?? []) inventory?.endpointIds.add(endpointId);
    nextToken = page.nextToken;
    if (nextToken === undefined) return counts;
    const isOutOfTime = deps.remainingMs() < minRemainingToSweepMs;
    await lease.save({ nextToken, counts }, { release: isOutOfTime });
    if (isOutOfTime) return undefined;
  }
}

async function readPage(
  connections: Connections,
  filter: Parameters<Connections['page']>[0],
  nextToken?: string,
) {
  try {
    return await connections.page(filter, nextToken);
  } catch (error) {
    if (error instanceof ExpiredTokenError && nextToken !== undefined) return 'expired';
    throw error;
  }
}

async function hasPendingEffects(location: AccountRegion, { table }: SweepDeps): Promise<boolean> {
  for await (const page of table.query(pendingEffectPartition(location), { limit: 1 }))
    return page.length > 0;
  return false;
}

/**
 * Marks the records that EC2 does not list. A connection ends when two consecutive full sweeps did not list it. Also enqueues
 * approver notifications for these records, and for records of deregistered services: `sweepPages` does so only for listed
 * connections.
 */
async function markEnded(
  location: AccountRegion,
  startedAt: string,
  inventory: Inventory,
  deps: SweepDeps,
): Promise<number> {
  let endedCount = 0;
  for (const partition of recordPartitions)
    for await (const page of deps.table.query(partition)) {
      const records = parseEach(page, readRecord, deps.reportError).filter(
        (record) => formatAccountRegion(record.location) === formatAccountRegion(location),
      );
      const unlistedRecords = records.filter(({ endpointId }) => !inventory.endpointIds.has(endpointId));
      const deregisteredRecords = records.filter(
        ({ serviceDeregisteredAt }) => serviceDeregisteredAt !== undefined,
      );
      const toNotify = [...unlistedRecords, ...deregisteredRecords].filter((record) =>
        needsNotification(record, deps.now()),
      );
      await orReported(deps.reportError, 'enqueue notifications', () =>
        deps.notificationQueue.enqueue(deduplicateTargets(toNotify.map(buildNotificationTarget))),
      );
      for (const record of unlistedRecords)
        if (
          await orReported(deps.reportError, 'mark missing connection', () =>
            markMissingConnection(record, startedAt, deps),
          )
        )
          endedCount++;
    }
  return endedCount;
}

/** @returns whether the connection has ended. */
async function markMissingConnection(
  record: ConnectionRecord,
  startedAt: string,
  deps: SweepDeps,
): Promise<boolean> {
  if (!isMissing(record, startedAt)) return false;
  const transition = markMissing(record, startedAt, deps.now());
  const isWritten = await writeStateTransition(record, transition, deps);
  return isWritten && transition.record.endedAt !== undefined;
}

function isMissing(record: ConnectionRecord, startedAt: string): boolean {
  return (
    record.endedAt === undefined && record.requestedAt < startedAt && (record.observedAt ?? '') < startedAt
  );
}

/**
 * Repairs the endpoint quotas of a location: the endpoints that count, and the requests that the limit holds back. Re-evaluates
 * the requests of an account with a changed quota.
 */
async function repairQuotas(
  location: AccountRegion,
  startedAt: string,
  inventory: Inventory,
  deps: SweepDeps,
): Promise<{ repaired: number; freed: number }> {
  const result = { repaired: 0, freed: 0 };
  for await (const page of deps.table.query(quotaPartition(location)))
    for (const storedQuota of parseEach(page, readEndpointQuota, deps.reportError)) {
      const accountConnections = inventory.connectionsByQuota.get(
        `${storedQuota.serviceId} ${storedQuota.accountId}`,
      );
      if (!accountConnections) continue;
      const endpointIds = await recomputeQuotaEndpoints(accountConnections, storedQuota, startedAt, deps);
      const heldBack = await recomputeHeldBack(accountConnections, storedQuota, startedAt, deps);
      if (!endpointIds && !heldBack) continue;
      const corrected = {
        ...storedQuota,
        ...(endpointIds && { endpointIds }),
        ...(heldBack && { heldBack }),
      };
      const quotaOwner = {
        location,
        serviceId: storedQuota.serviceId,
        ownerAccountId: storedQuota.accountId,
      };
      if (!(await deps.table.write([quotaWrite(quotaOwner, storedQuota, corrected)]))) continue;
      result.repaired++;
      const pendingRequests = accountConnections.filter(({ state }) => state === 'pendingAcceptance');
      result.freed += (await detectChanges(pendingRequests, deps)).decided;
    }
  return result;
}

/**
 * Recomputes the requests that the limit holds back: EC2 lists them as pending acceptance, and their verdict names the limit.
 * @returns undefined when the stored list is correct.
 */
async function recomputeHeldBack(
  accountConnections: readonly Connection[],
  { heldBack = [] }: EndpointQuota,
  startedAt: string,
  { table, reportError }: SweepDeps,
): Promise<HeldBackRequest[] | undefined> {
  const pendingRequests = accountConnections.filter(({ state }) => state === 'pendingAcceptance');
  const keys = [...pendingRequests, ...heldBack].map(({ endpointId }) => recordKey(endpointId));
  const records = parseEach(await table.get(keys), readRecord, reportError).filter(({ verdict }) =>
    isHeldBack(verdict),
  );
  const heldBackIds = new Set(records.map(({ endpointId }) => endpointId));
  const isListed = (id: string) => pendingRequests.some(({ endpointId }) => endpointId === id);
  const corrected = [
    ...pendingRequests,
    ...heldBack.filter(({ endpointId, requestedAt }) => !isListed(endpointId) && requestedAt >= startedAt),
  ]
    .filter(({ endpointId }) => heldBackIds.has(endpointId))
    .reduce<HeldBackRequest[]>((line, each) => updateWaitingLine(line, each, true), []);
  return isDeepStrictEqual(corrected, heldBack) ? undefined : corrected;
}

/**
 * Recomputes the endpoints that count. If the quota differs from EC2's list, the record decides, because decisions continue
 * during the sweep.
 * @returns undefined if the stored list is correct.
 */
async function recomputeQuotaEndpoints(
  accountConnections: readonly Connection[],
  storedQuota: EndpointQuota,
  startedAt: string,
  { table, now, reportError }: SweepDeps,
): Promise<string[] | undefined> {
  const listedStates = new Map(accountConnections.map(({ endpointId, state }) => [endpointId, state]));
  const connectedIds = accountConnections
    .filter(({ state }) => isConnected(state))
    .map(({ endpointId }) => endpointId);
  const doubtful = storedQuota.endpointIds.filter((id) => !connectedIds.includes(id));
  const lacking = connectedIds.filter((id) => !storedQuota.endpointIds.includes(id));
  const items = await table.get([...doubtful, ...lacking].map(recordKey));
  const records = new Map(
    parseEach(items, readRecord, reportError).map((record) => [record.endpointId, record]),
  );
  const recordedIds = new Set(items.map(({ sk }) => sk));
  const time = now();
  const doesCount = (id: string) => {
    const record = records.get(id);
    // A record that linkgate observed after the sweep began is newer than EC2's list.
    const state = (record?.observedAt ?? '') >= startedAt ? record?.state : listedStates.get(id);
    return countsTowardQuota(state, record ?? (recordedIds.has(id) ? 'unreadable' : undefined), time);
  };
  const isRecent = (id: string) => (records.get(id)?.requestedAt ?? '') >= startedAt;
  const remove = doubtful.filter((id) => !isRecent(id) && !doesCount(id));
  const add = lacking.filter(doesCount);
  if (remove.length === 0 && add.length === 0) return undefined;
  return [...storedQuota.endpointIds.filter((id) => !remove.includes(id)), ...add];
}
