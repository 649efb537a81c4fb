import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connections/connection-record.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { readService, serviceKey, servicesPartition } from '../services/service.ts';
import { indexByKey } from '../storage/entity.ts';
import type { Item, Table, TableChange } from '../storage/table.ts';
import { ConnectionWaiting, ServiceDrifted } from './bus-event.ts';

/** An event for other systems, published after the table changed. */
export type DomainEvent =
  | (ConnectionWaiting & { readonly type: 'Connection Waiting' })
  | (ServiceDrifted & { readonly type: 'Service Drifted' });

export interface DomainEventBus {
  /** @throws when it could not deliver an event. */
  publish(events: readonly DomainEvent[]): Promise<void>;
}

interface PublishDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly bus: DomainEventBus;
}

/**
 * Publishes an event for each request that begins to wait and for each service with new drift. A redelivered change is published
 * again with the same `deduplicationId`.
 * @returns the number of published events.
 */
export async function publishDomainEvents(
  changes: readonly TableChange[],
  { table, bus, reportError }: PublishDeps,
): Promise<number> {
  const waitingRecords = await mapReadable(changes, findNewlyWaiting, reportError);
  const services = indexByKey(await table.get(waitingRecords.map(({ serviceId }) => serviceKey(serviceId))));
  const domainEvents = [
    ...(await mapReadable(
      waitingRecords,
      (record) => connectionWaitingEvent(record, services.find(serviceKey(record.serviceId))),
      reportError,
    )),
    ...(await mapReadable(changes, serviceDriftedEvent, reportError)),
  ];
  await bus.publish(domainEvents);
  return domainEvents.length;
}

/** Maps the inputs, and reports the unreadable ones. */
async function mapReadable<Input, Output>(
  inputs: readonly Input[],
  read: (input: Input) => Output | undefined,
  reportError: Runtime['reportError'],
): Promise<Output[]> {
  const outputs = await Promise.all(
    inputs.map((input) => orReported(reportError, 'read item', () => read(input))),
  );
  return outputs.filter((output) => output !== undefined);
}

function findNewlyWaiting({ before, after }: TableChange): ConnectionRecord | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  const outcome = waitingOutcome(record);
  return outcome !== undefined && outcome !== (before && waitingOutcome(readRecord(before)))
    ? record
    : undefined;
}

/** Returns the outcome of a waiting request; undefined for any other. */
function waitingOutcome({ state, verdict }: ConnectionRecord): 'ask' | 'hold' | undefined {
  const outcome = verdict?.outcome;
  return state === 'pendingAcceptance' && (outcome === 'ask' || outcome === 'hold') ? outcome : undefined;
}

/** @returns undefined if the service is no longer registered, because nobody decides its requests. */
function connectionWaitingEvent(
  record: ConnectionRecord,
  service: Item | undefined,
): DomainEvent | undefined {
  if (!service) return undefined;
  const detail = v.parse(ConnectionWaiting, {
    deduplicationId: `${record.endpointId}/${record.version}`,
    connection: record,
    service: readService(service),
    verdict: record.verdict,
  });
  return { type: 'Connection Waiting', ...detail };
}

function serviceDriftedEvent({ before, after }: TableChange): DomainEvent | undefined {
  if (after?.pk !== servicesPartition) return undefined;
  const service = readService(after);
  if (isDeepStrictEqual(service.drift, before ? readService(before).drift : [])) return undefined;
  const detail = v.parse(ServiceDrifted, {
    ...service,
    deduplicationId: `${service.serviceId}/${service.checkedAt}`,
    service,
  });
  return { type: 'Service Drifted', ...detail };
}
