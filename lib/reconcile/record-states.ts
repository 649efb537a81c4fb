import type { AuditAction, AuditEvent } from '../audit/audit.ts';
import { isNotificationExpected } from '../connections/backoff.ts';
import type { ConnectionEvent } from '../connections/connection-event.ts';
import {
  type ConnectionRecord,
  isFulfilledBy,
  readRecord,
  recordKey,
} from '../connections/connection-record.ts';
import { recordState } from '../connections/record-state.ts';
import { type Transition, transitionWrites } from '../connections/transition.ts';
import { endpointQuotaKey, quotaWrite, readEndpointQuota } from '../policy/endpoint-quota.ts';
import { isHeldBack, updateWaitingLine } from '../policy/held-back.ts';
import { isEnded } from '../privatelink/connection.ts';
import { type Settled, settleEach } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { TableDeps, Write } from '../storage/table.ts';
import { type Prepared, writeBatch } from '../storage/write-batch.ts';

interface StoredState {
  readonly record: ConnectionRecord | undefined;
  /** ISO 8601; undefined if the service is not registered. linkgate needs it only for a connection without a record. */
  readonly registeredAt: string | undefined;
}

/**
 * Records the states that EC2 shows: an applied verdict, an ended connection, a change outside linkgate. All events of a
 * connection are one change, and one transaction writes several connections.
 * @returns for each event the recorded audit actions, for the log; none if an earlier event is recorded with it.
 */
export async function recordStates(
  events: readonly ConnectionEvent[],
  deps: TableDeps,
): Promise<Settled<ConnectionEvent, AuditAction[]>[]> {
  const groups = [...Map.groupBy(events, ({ connection }) => connection.endpointId).values()];
  const results = await writeBatch(
    groups,
    deps.table,
    async (open, isFirst) => {
      const readState =
        isFirst && open.flat().every(isFirstReport) ? eventState : await readStates(open, deps);
      return settleEach(open, (group) => prepareState(group, readState(group), deps));
    },
    ([event]) => event?.connection.endpointId ?? '',
  );
  const settled = new Map(
    results.flatMap((result) =>
      result.input.map((input, index) => [
        input,
        'error' in result ? { ...result, input } : { input, output: index === 0 ? result.output : [] },
      ]),
    ),
  );
  return events.flatMap((event) => settled.get(event) ?? []);
}

/**
 * Whether the record in the event is probably the stored one: it has linkgate's call, and EC2 shows the effect soon after it.
 * Another event may repeat what is recorded already.
 */
function isFirstReport({ connection, observedAt, record }: ConnectionEvent): boolean {
  const effect = record?.pendingEffect;
  return (
    effect !== undefined &&
    isFulfilledBy(effect.action, connection.state) &&
    isNotificationExpected(effect, new Date(observedAt))
  );
}

function eventState([event]: readonly ConnectionEvent[]): StoredState {
  return { record: event?.record, registeredAt: '' };
}

/** Applies all events of a connection, in the order of their describe calls. */
async function prepareState(
  events: readonly ConnectionEvent[],
  stored: StoredState,
  deps: TableDeps,
): Promise<Prepared<AuditAction[]>> {
  let record = stored.record;
  const auditEvents: AuditEvent[] = [];
  if (stored.registeredAt !== undefined)
    for (const event of events.toSorted((a, b) => a.observedAt.localeCompare(b.observedAt))) {
      const transition = recordState(record, event, stored.registeredAt, deps.now());
      record = transition?.record ?? record;
      auditEvents.push(...(transition?.auditEvents ?? []));
    }
  return {
    output: auditEvents.map(({ action }) => action),
    writes:
      record && record !== stored.record
        ? await stateWrites(stored.record, { record, auditEvents }, deps)
        : [],
  };
}

/** Builds the writes of a transition. An ended endpoint leaves the endpoint quota. */
export async function stateWrites(
  before: ConnectionRecord | undefined,
  { record, auditEvents }: Transition,
  { table, requestId, reportError }: TableDeps,
): Promise<Write[]> {
  const usesQuota = before?.countsTowardQuota === true || isHeldBack(before?.verdict);
  const ended = usesQuota && (isEnded(record.state) || record.state === 'rejected');
  const after = ended ? { ...record, countsTowardQuota: false } : record;
  return [
    ...transitionWrites(before, { record: after, auditEvents }, requestId),
    ...(ended ? await releaseEndpointQuota(record, { table, reportError }) : []),
  ];
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
  return [quotaWrite(storedQuota, { ...storedQuota, endpointIds, heldBack })];
}

/** Reads the records and services of all connections at once. */
async function readStates(groups: readonly (readonly ConnectionEvent[])[], { table }: TableDeps) {
  const connections = groups.flatMap(([event]) => event?.connection ?? []);
  const keys = connections.flatMap(({ endpointId, serviceId }) => [
    recordKey(endpointId),
    serviceKey(serviceId),
  ]);
  const items = indexByKey(await table.get(keys));
  return ([event]: readonly ConnectionEvent[]): StoredState => {
    const { endpointId = '', serviceId = '' } = event?.connection ?? {};
    const [recordItem, serviceItem] = [items.find(recordKey(endpointId)), items.find(serviceKey(serviceId))];
    const record = recordItem && readRecord(recordItem);
    // Only a connection without a record needs the registration time.
    if (record) return { record, registeredAt: serviceItem && '' };
    return { record, registeredAt: serviceItem && readService(serviceItem).registeredAt };
  };
}
