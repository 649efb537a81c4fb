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
  newNotification,
  notificationKey,
  readNotification,
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

interface DueEvents {
  readonly due: readonly DueEvent[];
  /** The notifications of the other targets. */
  readonly idle: readonly Notification[];
}

/**
 * Loads the events of targets. It costs one read if no account has a customer.
 * @param hasItems whether targets without a contact may have items too, which wait for an attempt.
 */
export async function loadDueEvents(
  targets: readonly NotificationTarget[],
  deps: ReadDeps,
  hasItems = false,
): Promise<DueEvents> {
  const endpoints = targets.map((target) => {
    const [accountId = '', endpointId = ''] = target.id.split('#');
    return { target, accountId, endpointId };
  });
  const accountIds = endpoints.map(({ accountId }) => accountId);
  const customers = await findCustomersByAccount(accountIds, deps);
  const candidates = endpoints.filter(({ accountId }) => hasItems || hasContact(customers.get(accountId)));
  const keys = candidates.map(({ target, endpointId }) => [recordKey(endpointId), notificationKey(target)]);
  const items = indexByKey(keys.length === 0 ? [] : await deps.table.get(keys.flat()));
  const idle: Notification[] = [];
  const due = candidates.flatMap(({ target, accountId, endpointId }) => {
    const customer = customers.get(accountId);
    const [record] = parseEach(items.all([recordKey(endpointId)]), readRecord, deps.reportError);
    const stored = items.all([notificationKey(target)]);
    const [received] =
      stored.length === 0 ? [newNotification(target)] : parseEach(stored, readNotification, deps.reportError);
    // With an unreadable item the customer would receive the same event repeatedly.
    if (!received) return [];
    const event =
      record &&
      hasContact(customer) &&
      nextCustomerEvent(record, selectKnownEvent(received.emailed, contactAddress(customer.contact)));
    if (event) return [{ customer, received, record, event }];
    idle.push(received);
    return [];
  });
  return { due: await addServices(due, deps), idle };
}

/** Adds the attributes of the endpoint and its service to each event. */
async function addServices(
  due: readonly (Omit<DueEvent, 'event'> & {
    readonly record: ConnectionRecord;
    readonly event: NextEvent;
  })[],
  { table, reportError }: ReadDeps,
): Promise<DueEvent[]> {
  if (due.length === 0) return [];
  const items = indexByKey(await table.get(due.map(({ record }) => serviceKey(record.serviceId))));
  return due.map(({ record, event, ...rest }) => {
    const { serviceId, endpointId, ownerAccountId, endpointRegion, location } = record;
    const [service] = parseEach(items.all([serviceKey(serviceId)]), readService, reportError);
    return {
      ...rest,
      event: {
        endpointId,
        ownerAccountId,
        region: endpointRegion ?? location.region,
        serviceId,
        service: service?.name ?? rest.received.service ?? serviceId,
        serviceName: service?.serviceName ?? awsServiceName(location, serviceId),
        ...event,
      },
    };
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
