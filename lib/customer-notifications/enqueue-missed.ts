import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connections/connection-record.ts';
import { hasContact } from '../customers/customer.ts';
import { findCustomersByAccount } from '../customers/customer-by-account.ts';
import { AccountId, EndpointId, isConnected } from '../privatelink/connection.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, Table } from '../storage/table.ts';
import { mayHaveCustomerEvent, nextCustomerEvent } from './customer-event.ts';
import { lastNotificationKey, readLastNotification, selectLastEvent } from './last-notification.ts';

/** An endpoint with a possible event for its customer. */
export const CustomerEndpoint = v.object({ endpointId: EndpointId, ownerAccountId: AccountId });
export type CustomerEndpoint = Readonly<v.InferOutput<typeof CustomerEndpoint>>;

/** The queue of notify-customers. A duplicate message is harmless: the run finds no new event. */
export interface CustomerNotificationQueue {
  enqueue(endpoints: readonly CustomerEndpoint[]): Promise<void>;
}

/** @returns the endpoint of a changed record that may have a new event. */
export function selectEndpointToNotify(
  before: Item | undefined,
  after: Item | undefined,
): CustomerEndpoint | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  return mayHaveCustomerEvent(before && readRecord(before), record) ? toCustomerEndpoint(record) : undefined;
}

interface EnqueueMissedDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly customerNotificationQueue: CustomerNotificationQueue;
}

/**
 * Enqueues the events that a lost stream record or a changed contact must not suppress: a scheduled disconnect and an expiring
 * entry. Reads the table at most three times per page, and not at all for other records.
 */
export async function enqueueMissedNotifications(
  records: readonly ConnectionRecord[],
  { table, customerNotificationQueue, reportError }: EnqueueMissedDeps,
): Promise<void> {
  const endingRecords = records.filter(
    ({ state, revocation, expiryWarning }) =>
      (revocation ?? expiryWarning) !== undefined && isConnected(state),
  );
  if (endingRecords.length === 0) return;
  await orReported(reportError, 'enqueue customer notifications', async () => {
    const customers = await findCustomersByAccount(
      endingRecords.map(({ ownerAccountId }) => ownerAccountId),
      { table, reportError },
    );
    const recordsWithCustomer = endingRecords.flatMap((record) => {
      const customer = customers.get(record.ownerAccountId);
      return hasContact(customer) ? [{ record, customer }] : [];
    });
    if (recordsWithCustomer.length === 0) return;
    const itemsByKey = indexByKey(
      await table.get(recordsWithCustomer.map(({ record }) => lastNotificationKey(record.endpointId))),
    );
    const notNotified = recordsWithCustomer.filter(({ record, customer }) => {
      const items = itemsByKey.all([lastNotificationKey(record.endpointId)]);
      const lastNotifications = parseEach(items, readLastNotification, reportError);
      // An unreadable item may already record the notification.
      return (
        lastNotifications.length === items.length &&
        nextCustomerEvent(record, selectLastEvent(customer, lastNotifications[0])) !== undefined
      );
    });
    if (notNotified.length > 0)
      await customerNotificationQueue.enqueue(notNotified.map(({ record }) => toCustomerEndpoint(record)));
  });
}

function toCustomerEndpoint({ endpointId, ownerAccountId }: ConnectionRecord): CustomerEndpoint {
  return { endpointId, ownerAccountId };
}
