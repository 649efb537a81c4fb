import * as v from 'valibot';
import { type ConnectionRecord, readRecord, recordPartitions } from '../connections/connection-record.ts';
import { AccountId, EndpointId, isConnected } from '../privatelink/connection.ts';
import { orReported, type Runtime } from '../runtime/runtime.ts';
import { indexByKey, parseEach } from '../storage/entity.ts';
import type { Item, Table } from '../storage/table.ts';
import { hasContact } from './customer.ts';
import { customersOf } from './customer-by-account.ts';
import { mayHaveEvent, nextCustomerEvent } from './customer-event.ts';
import { knownTo, notifiedKey, readNotified } from './notified.ts';

/** An endpoint of which its owner may have to be told something. */
export const Endpoint = v.object({ endpointId: EndpointId, ownerAccountId: AccountId });
export type Endpoint = Readonly<v.InferOutput<typeof Endpoint>>;

/** Has customers notified; a ring too many finds that they know it already. */
export interface CustomerNotificationQueue {
  enqueue(endpoints: readonly Endpoint[]): Promise<void>;
}

/** The endpoint of which a change of the table may be news. */
export function endpointToNotify(before: Item | undefined, after: Item | undefined): Endpoint | undefined {
  if (!after || !recordPartitions.includes(after.pk)) return undefined;
  const record = readRecord(after);
  return mayHaveEvent(before && readRecord(before), record) ? endpointOf(record) : undefined;
}

interface EnqueueDeps extends Pick<Runtime, 'reportError'> {
  readonly table: Table;
  readonly consumers: CustomerNotificationQueue;
}

/**
 * Rings for what must not go unsaid because a stream record was lost or the contact became another: that a connection is to be cut,
 * or its permission ends. Of other records it reads nothing, of those once or twice a page.
 */
export async function enqueueMissed(
  records: readonly ConnectionRecord[],
  { table, consumers, reportError }: EnqueueDeps,
): Promise<void> {
  const ending = records.filter(
    ({ state, revocation, expiryWarning }) =>
      (revocation ?? expiryWarning) !== undefined && isConnected(state),
  );
  if (ending.length === 0) return;
  await orReported(reportError, async () => {
    const customers = await customersOf(
      ending.map(({ ownerAccountId }) => ownerAccountId),
      { table, reportError },
    );
    const theirs = ending.flatMap((record) => {
      const customer = customers.get(record.ownerAccountId);
      return hasContact(customer) ? [{ record, customer }] : [];
    });
    if (theirs.length === 0) return;
    const found = indexByKey(await table.get(theirs.map(({ record }) => notifiedKey(record.endpointId))));
    const notNotified = theirs.filter(({ record, customer }) => {
      const items = found.all([notifiedKey(record.endpointId)]);
      const told = parseEach(items, readNotified, reportError);
      // What cannot be read may say that they know it.
      return (
        told.length === items.length && nextCustomerEvent(record, knownTo(customer, told[0])) !== undefined
      );
    });
    if (notNotified.length > 0) await consumers.enqueue(notNotified.map(({ record }) => endpointOf(record)));
  });
}

function endpointOf({ endpointId, ownerAccountId }: ConnectionRecord): Endpoint {
  return { endpointId, ownerAccountId };
}
