import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connections/connection-record.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { allDrift } from '../services/drift.ts';
import { readService, serviceKey, servicesPartition } from '../services/service.ts';
import { indexByKey } from '../storage/entity.ts';
import type { Item, Table, TableChange } from '../storage/table.ts';
import { ConnectionWaiting, ServiceDrifted } from './bus-event.ts';

/** What is said on the bus for others than linkgate itself, after the table has it. */
export type DomainEvent =
  | (ConnectionWaiting & { readonly type: 'Connection Waiting' })
  | (ServiceDrifted & { readonly type: 'Service Drifted' });

export interface DomainEventBus {
  /** @throws when an event could not be delivered. */
  publish(events: readonly DomainEvent[]): Promise<void>;
}

interface PublishChangesDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly bus: DomainEventBus;
}

/**
 * Says on the bus which requests have begun to wait and which services drifted.
 * A change that is delivered again is announced again, under the same id.
 * @returns how many were announced.
 */
export async function publishDomainEvents(
  changes: readonly TableChange[],
  { table, bus, reportError }: PublishChangesDeps,
): Promise<number> {
  const waiting = await eachReadable(changes, newlyWaiting, reportError);
  const services = indexByKey(await table.get(waiting.map(({ serviceId }) => serviceKey(serviceId))));
  const announcements = [
    ...(await eachReadable(
      waiting,
      (record) => connectionWaiting(record, services.find(serviceKey(record.serviceId))),
      reportError,
    )),
    ...(await eachReadable(changes, newlyDrifted, reportError)),
  ];
  await bus.publish(announcements);
  return announcements.length;
}

/** What this version cannot read is reported, and keeps nothing else from being announced. */
async function eachReadable<Input, Output>(
  inputs: readonly Input[],
  read: (input: Input) => Output | undefined,
  reportError: Runtime['reportError'],
): Promise<Output[]> {
  const outputs = await Promise.all(inputs.map((input) => orReported(reportError, () => read(input))));
  return outputs.filter((output) => output !== undefined);
}

function newlyWaiting({ before, after }: TableChange): ConnectionRecord | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  const outcome = waitsBy(record);
  return outcome !== undefined && outcome !== (before && waitsBy(readRecord(before))) ? record : undefined;
}

/** The verdict by which a request waits, where it does. */
function waitsBy({ state, verdict }: ConnectionRecord): 'ask' | 'hold' | undefined {
  const outcome = verdict?.outcome;
  return state === 'pendingAcceptance' && (outcome === 'ask' || outcome === 'hold') ? outcome : undefined;
}

/** Nothing, where the service was unregistered meanwhile: then nobody is to decide it any more. */
function connectionWaiting(record: ConnectionRecord, service: Item | undefined): DomainEvent | undefined {
  if (!service) return undefined;
  const waiting = v.parse(ConnectionWaiting, {
    deduplicationId: `${record.endpointId}/${record.version}`,
    connection: record,
    service: readService(service),
    verdict: record.verdict,
  });
  return { type: 'Connection Waiting', ...waiting };
}

function newlyDrifted({ before, after }: TableChange): DomainEvent | undefined {
  if (after?.pk !== servicesPartition) return undefined;
  const service = readService(after);
  const drift = allDrift(service);
  if (isDeepStrictEqual(drift, before ? allDrift(readService(before)) : [])) return undefined;
  const drifted = v.parse(ServiceDrifted, {
    ...service,
    drift,
    deduplicationId: `${service.serviceId}/${service.checkedAt}`,
    service,
  });
  return { type: 'Service Drifted', ...drifted };
}
