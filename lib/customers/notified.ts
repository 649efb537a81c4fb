import * as v from 'valibot';
import { EndpointId } from '../privatelink/connection.ts';
import { entity } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';
import { addressOf, type NotifiableCustomer } from './customer.ts';
import { customerEvents, eventsOfConnected, type LastEvent } from './customer-event.ts';
import type { EndpointEvent } from './message.ts';

/** What the owner of an endpoint was told of it last, so that they are told once. */
export const NotifiedState = v.object({
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
  days: v.exactOptional(v.number()),
  version: v.number(),
});
export type NotifiedState = v.InferOutput<typeof NotifiedState>;

const kind = entity(NotifiedState.entries);

export function notifiedKey(endpointId: string): Key {
  return { pk: `CUSTOMER_NOTIFICATION#${endpointId}`, sk: 'CONSUMER' };
}

export function readNotified(item: Item): NotifiedState {
  return kind.read(item);
}

/** What a reader knows of what was told. Somebody else was told what is to come; what became of the request is past all the same. */
export function knownTo(
  { name, contact }: NotifiableCustomer,
  told: NotifiedState | undefined,
): LastEvent | undefined {
  const isTheirs = told?.customer === name && told.contact === addressOf(contact);
  return !told || isTheirs || !eventsOfConnected.includes(told.event) ? told : { event: 'accepted' };
}

export function notifiedItem(
  endpointId: string,
  { name, contact }: NotifiableCustomer,
  news: EndpointEvent,
  before: NotifiedState | undefined,
  now: Date,
): Item {
  return kind.item(notifiedKey(endpointId), {
    endpointId,
    event: news.event,
    customer: name,
    contact: addressOf(contact),
    at: now.toISOString(),
    service: news.service,
    ...(news.event === 'disconnect-scheduled' && { disconnectAt: news.disconnectAt }),
    ...(news.event === 'expiring' && { until: news.until, days: news.days }),
    version: (before?.version ?? 0) + 1,
  });
}
