import { countedKey, countedWrite, readCounted } from '../allowlist/counted-endpoints.ts';
import { isHeldBack, lineWith } from '../allowlist/held-back.ts';
import type { Action } from '../audit/audit.ts';
import { eachOnItsOwn, type Invocation } from '../invocation.ts';
import { readService, serviceKey } from '../service/service.ts';
import { lost, untilWon } from '../table/contention.ts';
import { byKey, type ReadDeps, readEach } from '../table/item.ts';
import type { Table, Write } from '../table/table.ts';
import { type Connection, isGone } from './connection.ts';
import type { ConnectionEvent } from './connection-event.ts';
import { type ConnectionRecord, readRecord, recordKey } from './connection-record.ts';
import { observed } from './observed.ts';
import { type Transition, transitionWrites } from './transition.ts';

export interface Tending extends Invocation {
  readonly table: Table;
}

/** Records what EC2 was seen to show: an effect applied, a connection gone, a change from outside. */
export async function tendConnections(events: readonly ConnectionEvent[], deps: Tending) {
  return eachOnItsOwn(events, (event) => tendConnection(event, deps));
}

/**
 * The event carries the record as it was observed beside, so that the usual case costs one write and no read;
 * where the record moved on since, it is read anew.
 * @returns what was recorded, for the log.
 * @throws ContendedError
 */
async function tendConnection(event: ConnectionEvent, deps: Tending): Promise<Action[]> {
  const { connection, record } = event;
  return untilWon(connection.endpointId, async (isFirst) => {
    const known = isFirst && record ? { record, registeredAt: '' } : await readBoth(connection, deps.table);
    if (known.registeredAt === undefined) return [];
    const transition = observed(known.record, event, known.registeredAt, deps.now());
    if (!transition) return [];
    const isWritten = await writeTransition(known.record, transition, deps);
    return isWritten ? transition.happenings.map(({ action }) => action) : lost;
  });
}

/** Writes a transition, and where an endpoint ended that was counted, or waited for one of these to end, that it does so no longer. */
export async function writeTransition(
  before: ConnectionRecord | undefined,
  { record, happenings }: Transition,
  { table, requestId, report }: Tending,
): Promise<boolean> {
  const isKept = before?.counted === true || isHeldBack(before?.verdict);
  const ended = isKept && (isGone(record.state) || record.state === 'rejected');
  const after = ended ? { ...record, counted: false } : record;
  return table.write([
    ...transitionWrites(before, { record: after, happenings }, requestId),
    ...(ended ? await countedNoLonger(record, { table, report }) : []),
  ]);
}

async function countedNoLonger(record: ConnectionRecord, { table, report }: ReadDeps): Promise<Write[]> {
  const [kept] = readEach(await table.get([countedKey(record)]), readCounted, report);
  if (!kept) return [];
  const endpointIds = kept.endpointIds.filter((id) => id !== record.endpointId);
  const heldBack = lineWith(kept.heldBack ?? [], record, false);
  return [countedWrite(record, kept, { ...kept, endpointIds, heldBack })];
}

async function readBoth(connection: Connection, table: Table) {
  const keys = [recordKey(connection.endpointId), serviceKey(connection.serviceId)] as const;
  const items = byKey(await table.get(keys));
  const [recordItem, serviceItem] = [items.find(keys[0]), items.find(keys[1])];
  const record = recordItem && readRecord(recordItem);
  // When the service was registered matters to what is seen for the first time.
  if (record) return { record, registeredAt: serviceItem && '' };
  return { record, registeredAt: serviceItem && readService(serviceItem).registeredAt };
}
