import * as v from 'valibot';
import { contactAddress, type NotifiableCustomer } from '../customers/customer.ts';
import { EndpointId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import type { EndpointEvent } from './customer-email.ts';
import { connectedEvents, customerEvents, type LastEvent } from './customer-event.ts';

/** The last event of an endpoint in its customer's notifications, so that linkgate sends each event once. */
export const LastNotification = v.object({
  endpointId: EndpointId,
  event: v.picklist(customerEvents),
  /** The customer's name, and the address or topic of its contact, at the time of the notification. */
  customer: v.string(),
  contact: v.string(),
  /** ISO 8601 */
  at: v.string(),
  /** The provider's name for the service, for messages after its deregistration. */
  service: v.exactOptional(v.string()),
  /** The details that distinguish events of one kind. */
  disconnectAt: v.exactOptional(v.string()),
  until: v.exactOptional(v.string()),
  daysBefore: v.exactOptional(v.number()),
  version: v.number(),
});
export type LastNotification = v.InferOutput<typeof LastNotification>;

const notifiedStateEntity = entity(LastNotification.entries);

export function lastNotificationKey(endpointId: string): Key {
  return { pk: `CUSTOMER_NOTIFICATION#${endpointId}`, sk: 'CONSUMER' };
}

export function readLastNotification(item: Item): LastNotification {
  return notifiedStateEntity.read(item);
}

/**
 * @returns the last event from the contact's view: a new contact does not know the events of a connected endpoint, and needs no
 * past ones.
 */
export function selectLastEvent(
  { name, contact }: NotifiableCustomer,
  lastNotification: LastNotification | undefined,
): LastEvent | undefined {
  const isSameContact =
    lastNotification?.customer === name && lastNotification.contact === contactAddress(contact);
  return !lastNotification || isSameContact || !connectedEvents.includes(lastNotification.event)
    ? lastNotification
    : { event: 'accepted' };
}

export function lastNotificationItem(
  endpointId: string,
  { name, contact }: NotifiableCustomer,
  news: EndpointEvent,
  before: LastNotification | undefined,
  now: Date,
): Item {
  return notifiedStateEntity.item(lastNotificationKey(endpointId), {
    endpointId,
    event: news.event,
    customer: name,
    contact: contactAddress(contact),
    at: now.toISOString(),
    service: news.service,
    ...(news.event === 'disconnect-scheduled' && { disconnectAt: news.disconnectAt }),
    ...(news.event === 'expiring' && { until: news.until, daysBefore: news.daysBefore }),
    version: (before?.version ?? 0) + 1,
  });
}
