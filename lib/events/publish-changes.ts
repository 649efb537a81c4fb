import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connections/connection-record.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { readService, serviceKey, servicesPartition } from '../services/service.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
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
  const waitingRecords = parseEach(changes, findNewlyWaiting, reportError).flat();
  const services = indexByKey(await table.get(waitingRecords.map(({ serviceId }) => serviceKey(serviceId))));
  const readWaitingEvent = (record: ConnectionRecord) =>
    connectionWaitingEvent(record, services.find(serviceKey(record.serviceId)));
  const domainEvents = [
    ...parseEach(waitingRecords, readWaitingEvent, reportError),
    ...parseEach(changes, serviceDriftedEvent, reportError),
  ].flat();
  await bus.publish(domainEvents);
  return domainEvents.length;
}

/** @returns the record, or nothing if it does not begin to wait. */
function findNewlyWaiting({ before, after }: TableChange): ConnectionRecord[] {
  if (!after || !recordPartitions.includes(after.pk)) return [];
  const record = readRecord(after);
  const outcome = waitingOutcome(record);
  const isNew = outcome !== undefined && outcome !== (before && waitingOutcome(readRecord(before)));
  return isNew ? [record] : [];
}

/** Returns the outcome of a waiting request; undefined for any other. */
function waitingOutcome({ state, verdict }: ConnectionRecord): 'ask' | 'hold' | undefined {
  const outcome = verdict?.outcome;
  return state === 'pendingAcceptance' && (outcome === 'ask' || outcome === 'hold') ? outcome : undefined;
}

/** @returns nothing if the service is no longer registered, because nobody decides its requests. */
function connectionWaitingEvent(record: ConnectionRecord, service: Item | undefined): DomainEvent[] {
  if (!service) return [];
  const detail = v.parse(ConnectionWaiting, {
    deduplicationId: `${record.endpointId}/${record.version}`,
    connection: record,
    service: readService(service),
    verdict: record.verdict,
  });
  return [{ type: 'Connection Waiting', ...detail }];
}

/** @returns nothing if the drift of no service changed. */
function serviceDriftedEvent({ before, after }: TableChange): DomainEvent[] {
  if (after?.pk !== servicesPartition) return [];
  const service = readService(after);
  if (isDeepStrictEqual(service.drift, before ? readService(before).drift : [])) return [];
  const detail = v.parse(ServiceDrifted, {
    ...service,
    deduplicationId: `${service.serviceId}/${service.checkedAt}`,
    service,
  });
  return [{ type: 'Service Drifted', ...detail }];
}
