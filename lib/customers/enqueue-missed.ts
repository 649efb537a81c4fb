import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connections/connection-record.ts';
import { AccountId, EndpointId, isConnected } from '../privatelink/connection.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, Table } from '../storage/table.ts';
import { hasContact } from './customer.ts';
import { findCustomersByAccount } from './customer-by-account.ts';
import { mayHaveCustomerEvent, nextCustomerEvent } from './customer-event.ts';
import { lastNotificationKey, readLastNotification, selectLastEvent } from './last-notification.ts';

/** An endpoint of which its owner may have to be told something. */
export const CustomerEndpoint = v.object({ endpointId: EndpointId, ownerAccountId: AccountId });
export type CustomerEndpoint = Readonly<v.InferOutput<typeof CustomerEndpoint>>;

/** Has customers notified; a ring too many finds that they know it already. */
export interface CustomerNotificationQueue {
  enqueue(endpoints: readonly CustomerEndpoint[]): Promise<void>;
}

/** The endpoint of which a change of the table may be news. */
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
 * Rings for what must not go unsaid because a stream record was lost or the contact became another: that a connection is to be cut,
 * or its permission ends. Of other records it reads nothing, of those once or twice a page.
 */
export async function enqueueMissedNotifications(
  records: readonly ConnectionRecord[],
  { table, customerNotificationQueue, reportError }: EnqueueMissedDeps,
): Promise<void> {
  const ending = records.filter(
    ({ state, revocation, expiryWarning }) =>
      (revocation ?? expiryWarning) !== undefined && isConnected(state),
  );
  if (ending.length === 0) return;
  await orReported(reportError, async () => {
    const customers = await findCustomersByAccount(
      ending.map(({ ownerAccountId }) => ownerAccountId),
      { table, reportError },
    );
    const theirs = ending.flatMap((record) => {
      const customer = customers.get(record.ownerAccountId);
      return hasContact(customer) ? [{ record, customer }] : [];
    });
    if (theirs.length === 0) return;
    const found = indexByKey(
      await table.get(theirs.map(({ record }) => lastNotificationKey(record.endpointId))),
    );
    const notNotified = theirs.filter(({ record, customer }) => {
      const items = found.all([lastNotificationKey(record.endpointId)]);
      const told = parseEach(items, readLastNotification, reportError);
      // What cannot be read may say that they know it.
      return (
        told.length === items.length &&
        nextCustomerEvent(record, selectLastEvent(customer, told[0])) !== undefined
      );
    });
    if (notNotified.length > 0)
      await customerNotificationQueue.enqueue(notNotified.map(({ record }) => toCustomerEndpoint(record)));
  });
}

function toCustomerEndpoint({ endpointId, ownerAccountId }: ConnectionRecord): CustomerEndpoint {
  return { endpointId, ownerAccountId };
}
