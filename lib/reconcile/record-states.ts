import type { AuditAction } from '../audit/audit.ts';
import type { ConnectionEvent } from '../connections/connection-event.ts';
import { type ConnectionRecord, readRecord, recordKey } from '../connections/connection-record.ts';
import { recordState } from '../connections/record-state.ts';
import { type Transition, transitionWrites } from '../connections/transition.ts';
import { endpointQuotaKey, quotaWrite, readEndpointQuota } from '../policy/endpoint-quota.ts';
import { isHeldBack, updateWaitingLine } from '../policy/held-back.ts';
import { type Connection, isEnded } from '../privatelink/connection.ts';
import { type Runtime, settleEach } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach, type ReadDeps } from '../storage/entity.ts';
import { conflict, retryOnConflict } from '../storage/optimistic-lock.ts';
import type { Table, Write } from '../storage/table.ts';

export interface RecordStateDeps extends Runtime {
  readonly table: Table;
}

/** Records the states that EC2 shows: an applied verdict, an ended connection, a change outside linkgate. */
export async function recordStates(events: readonly ConnectionEvent[], deps: RecordStateDeps) {
  return settleEach(events, (event) => recordConnectionState(event, deps));
}

/**
 * Records one state. The event contains the record, so that the usual case needs one write and no read. If the record has
 * changed, the function reads it again.
 * @returns the recorded audit actions, for the log.
 * @throws OptimisticLockError
 */
async function recordConnectionState(event: ConnectionEvent, deps: RecordStateDeps): Promise<AuditAction[]> {
  const { connection, record } = event;
  return retryOnConflict(connection.endpointId, async (isFirst) => {
    const stored =
      isFirst && record ? { record, registeredAt: '' } : await readRecordAndService(connection, deps.table);
    if (stored.registeredAt === undefined) return [];
    const transition = recordState(stored.record, event, stored.registeredAt, deps.now());
    if (!transition) return [];
    const isWritten = await writeStateTransition(stored.record, transition, deps);
    return isWritten ? transition.auditEvents.map(({ action }) => action) : conflict;
  });
}

/** Writes a transition. An ended endpoint leaves the endpoint quota. */
export async function writeStateTransition(
  before: ConnectionRecord | undefined,
  { record, auditEvents }: Transition,
  { table, requestId, reportError }: RecordStateDeps,
): Promise<boolean> {
  const usesQuota = before?.countsTowardQuota === true || isHeldBack(before?.verdict);
  const ended = usesQuota && (isEnded(record.state) || record.state === 'rejected');
  const after = ended ? { ...record, countsTowardQuota: false } : record;
  return table.write([
    ...transitionWrites(before, { record: after, auditEvents }, requestId),
    ...(ended ? await releaseEndpointQuota(record, { table, reportError }) : []),
  ]);
}

async function releaseEndpointQuota(
  record: ConnectionRecord,
  { table, reportError }: ReadDeps,
): Promise<Write[]> {
  const [storedQuota] = parseEach(
    await table.get([endpointQuotaKey(record)]),
    readEndpointQuota,
    reportError,
  );
  if (!storedQuota) return [];
  const endpointIds = storedQuota.endpointIds.filter((id) => id !== record.endpointId);
  const heldBack = updateWaitingLine(storedQuota.heldBack ?? [], record, false);
  return [quotaWrite(record, storedQuota, { ...storedQuota, endpointIds, heldBack })];
}

async function readRecordAndService(connection: Connection, table: Table) {
  const keys = [recordKey(connection.endpointId), serviceKey(connection.serviceId)] as const;
  const items = indexByKey(await table.get(keys));
  const [recordItem, serviceItem] = [items.find(keys[0]), items.find(keys[1])];
  const record = recordItem && readRecord(recordItem);
  // Only a connection without a record needs the registration time.
  if (record) return { record, registeredAt: serviceItem && '' };
  return { record, registeredAt: serviceItem && readService(serviceItem).registeredAt };
}
