import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connection/connection-record.ts';
import { type Invocation, orReport } from '../invocation.ts';
import { allDriftOf } from '../service/drift.ts';
import { allServices, readService, serviceKey } from '../service/service.ts';
import { byKey } from '../table/item.ts';
import type { Item, Table } from '../table/table.ts';
import { ConnectionWaiting, ServiceDrifted } from './bus-event.ts';

/** What is said on the bus for others than linkgate itself, after the table has it. */
export type Announcement =
  | (ConnectionWaiting & { readonly type: 'Connection Waiting' })
  | (ServiceDrifted & { readonly type: 'Service Drifted' });

export interface Announcer {
  /** @throws when an event could not be delivered. */
  publish(events: readonly Announcement[]): Promise<void>;
}

/** An item of the table before and after it was written. */
export interface Change {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

interface Announcing extends Pick<Invocation, 'report'> {
  readonly table: Table;
  readonly bus: Announcer;
}

/**
 * Says on the bus which requests have begun to wait and which services drifted.
 * A change that is delivered again is announced again, under the same id.
 * @returns how many were announced.
 */
export async function announce(
  changes: readonly Change[],
  { table, bus, report }: Announcing,
): Promise<number> {
  const waiting = await eachReadable(changes, newlyWaiting, report);
  const services = byKey(await table.get(waiting.map(({ serviceId }) => serviceKey(serviceId))));
  const announcements = [
    ...(await eachReadable(
      waiting,
      (record) => connectionWaiting(record, services.find(serviceKey(record.serviceId))),
      report,
    )),
    ...(await eachReadable(changes, newlyDrifted, report)),
  ];
  await bus.publish(announcements);
  return announcements.length;
}

/** What this version cannot read is reported, and keeps nothing else from being announced. */
async function eachReadable<Input, Output>(
  inputs: readonly Input[],
  read: (input: Input) => Output | undefined,
  report: Invocation['report'],
): Promise<Output[]> {
  const outputs = await Promise.all(inputs.map((input) => orReport(report, () => read(input))));
  return outputs.filter((output) => output !== undefined);
}

function newlyWaiting({ before, after }: Change): ConnectionRecord | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  const outcome = waitsBy(record);
  return outcome !== undefined && outcome !== (before && waitsBy(readRecord(before))) ? record : undefined;
}

/** The verdict by which a request waits, where it does. */
function waitsBy({ state, verdict }: ConnectionRecord): 'ask' | 'wait' | undefined {
  const outcome = verdict?.outcome;
  return state === 'pendingAcceptance' && (outcome === 'ask' || outcome === 'wait') ? outcome : undefined;
}

/** Nothing, where the service was unregistered meanwhile: then nobody is to decide it any more. */
function connectionWaiting(record: ConnectionRecord, service: Item | undefined): Announcement | undefined {
  if (!service) return undefined;
  const waiting = v.parse(ConnectionWaiting, {
    deduplicationId: `${record.endpointId}/${record.version}`,
    connection: record,
    service: readService(service),
    verdict: record.verdict,
  });
  return { type: 'Connection Waiting', ...waiting };
}

function newlyDrifted({ before, after }: Change): Announcement | undefined {
  if (after?.pk !== allServices) return undefined;
  const service = readService(after);
  const drift = allDriftOf(service);
  if (isDeepStrictEqual(drift, before ? allDriftOf(readService(before)) : [])) return undefined;
  const drifted = v.parse(ServiceDrifted, {
    ...service,
    drift,
    deduplicationId: `${service.serviceId}/${service.checkedAt}`,
    service,
  });
  return { type: 'Service Drifted', ...drifted };
}
