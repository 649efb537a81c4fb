import {
  type ConnectionRecord,
  readRecord,
  recordKey,
  recordPartitions,
} from '../connections/connection-record.ts';
import { contactAddress, hasContact, type NotifiableCustomer } from '../customers/customer.ts';
import { findCustomersByAccount } from '../customers/customer-by-account.ts';
import { awsServiceName } from '../locations/account-region.ts';
import {
  type Notification,
  type NotificationQueue,
  type NotificationTarget,
  notificationKey,
  parseNotification,
} from '../outbox/notification.ts';
import { isConnected } from '../privatelink/connection.ts';
import { orReported } from '../runtime/runtime.ts';
import { readService, serviceKey } from '../services/service.ts';
import { indexByKey, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { TableChange } from '../storage/table.ts';
import type { EndpointEvent } from './customer-email.ts';
import {
  mayHaveCustomerEvent,
  type NextEvent,
  nextCustomerEvent,
  selectKnownEvent,
} from './customer-event.ts';

/** Names the account too, so that linkgate reads no items of accounts without a customer. */
export function customerEventTarget({
  ownerAccountId,
  endpointId,
}: Pick<ConnectionRecord, 'ownerAccountId' | 'endpointId'>): NotificationTarget {
  return { kind: 'customer-event', id: `${ownerAccountId}#${endpointId}` };
}

/** @returns the target of a changed record that may have a new event. */
export function selectChangedTarget({ before, after }: TableChange): NotificationTarget | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  return mayHaveCustomerEvent(before && readRecord(before), record) ? customerEventTarget(record) : undefined;
}

/** An event that the contact of a customer does not know. */
export interface DueEvent {
  readonly customer: NotifiableCustomer;
  readonly received: Notification;
  readonly event: EndpointEvent;
}

/**
 * Loads the events of targets. It costs one read if no account has a customer.
 * @param hasItems whether targets without a contact may have items too, which wait for an attempt.
 * @returns also the notifications of the targets without an event.
 */
export async function loadDueEvents(
  targets: readonly NotificationTarget[],
  deps: ReadDeps,
  hasItems = false,
): Promise<{ readonly due: readonly DueEvent[]; readonly idle: readonly Notification[] }> {
  const endpoints = targets.map((target) => {
    const [accountId = '', endpointId = ''] = target.id.split('#');
    return { target, accountId, recordKey: recordKey(endpointId), notificationKey: notificationKey(target) };
  });
  const accountIds = endpoints.map(({ accountId }) => accountId);
  const customers = await findCustomersByAccount(accountIds, deps);
  const candidates = endpoints.filter(({ accountId }) => hasItems || hasContact(customers.get(accountId)));
  if (candidates.length === 0) return { due: [], idle: [] };
  const keys = candidates.flatMap((each) => [each.recordKey, each.notificationKey]);
  const items = indexByKey(await deps.table.get(keys));
  // Omits a target with an unreadable item: the customer would receive the same event repeatedly.
  const loaded = parseEach(
    candidates,
    (each) => {
      const received = parseNotification(each.target, items.find(each.notificationKey));
      const [record] = items.all([each.recordKey]).map(readRecord);
      const customer = customers.get(each.accountId);
      if (!record || !hasContact(customer)) return { received };
      const known = selectKnownEvent(received.emailed, contactAddress(customer.contact));
      return { customer, received, record, event: nextCustomerEvent(record, known) };
    },
    deps.reportError,
  );
  return {
    due: await addEndpoints(
      loaded.flatMap((each) => (each.event ? { ...each, event: each.event } : [])),
      deps,
    ),
    idle: loaded.flatMap(({ received, event }) => (event ? [] : received)),
  };
}

type UndescribedEvent = Omit<DueEvent, 'event'> & {
  readonly record: ConnectionRecord;
  readonly event: NextEvent;
};

/** Adds the attributes of the endpoint. A deregistered service keeps the name of the last message, or its id. */
async function addEndpoints(
  due: readonly UndescribedEvent[],
  { table, reportError }: ReadDeps,
): Promise<DueEvent[]> {
  if (due.length === 0) return [];
  const items = indexByKey(await table.get(due.map(({ record }) => serviceKey(record.serviceId))));
  return due.map(({ customer, received, record, event }) => {
    const { serviceId, endpointId, ownerAccountId, endpointRegion, location } = record;
    const [service] = parseEach(items.all([serviceKey(serviceId)]), readService, reportError);
    const endpoint = {
      endpointId,
      ownerAccountId,
      region: endpointRegion ?? location.region,
      serviceId,
      service: service?.name ?? received.service ?? serviceId,
      serviceName: service?.serviceName ?? awsServiceName(location, serviceId),
    };
    return { customer, received, event: { ...endpoint, ...event } };
  });
}

export interface EnqueueMissedDeps extends ReadDeps {
  readonly customerNotificationQueue: NotificationQueue;
}

/**
 * Enqueues the events that a lost stream record or a changed contact must not suppress: a scheduled disconnect and an expiring
 * entry. Reads nothing for other records.
 */
export async function enqueueMissedEvents(
  records: readonly ConnectionRecord[],
  deps: EnqueueMissedDeps,
): Promise<void> {
  const targets = records
    .filter(({ state, revocation, expiryWarning }) => (revocation ?? expiryWarning) && isConnected(state))
    .map(customerEventTarget);
  if (targets.length === 0) return;
  await orReported(deps.reportError, 'enqueue customer notifications', async () => {
    const { due } = await loadDueEvents(targets, deps);
    await deps.customerNotificationQueue.enqueue(due.map(({ received: { kind, id } }) => ({ kind, id })));
  });
}
