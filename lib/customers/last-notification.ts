import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { contactAddress, type NotifiableCustomer } from './customer.ts';
import type { EndpointEvent } from './customer-email.ts';
import { connectedEvents, customerEvents, type LastEvent } from './customer-event.ts';

/** What the owner of an endpoint was told of it last, so that they are told once. */
export const LastNotification = v.object({
  endpointId: EndpointId,
  event: v.picklist(customerEvents),
  /** The name of the customer who was told, and the address or topic of their contact. */
  customer: v.string(),
  contact: v.string(),
  /** ISO 8601 */
  at: v.string(),
  /** The provider's name for the service, which is still known by it after it was taken out. */
  service: v.exactOptional(v.string()),
  /** What tells the news from others of its kind. */
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

/** What a reader knows of what was told. Somebody else was told what is to come; what became of the request is past all the same. */
export function selectLastEvent(
  { name, contact }: NotifiableCustomer,
  told: LastNotification | undefined,
): LastEvent | undefined {
  const isTheirs = told?.customer === name && told.contact === contactAddress(contact);
  return !told || isTheirs || !connectedEvents.includes(told.event) ? told : { event: 'accepted' };
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
