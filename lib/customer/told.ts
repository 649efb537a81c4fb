import * as v from 'valibot';
import { EndpointId } from '../connection/connection.ts';
import { itemKind } from '../table/item.ts';
import type { Item, Key } from '../table/table.ts';
import { addressOf, type Reader } from './customer.ts';
import type { EndpointNews } from './message.ts';
import { consumerEvents, eventsOfConnected, type Known } from './news.ts';

/** What the owner of an endpoint was told of it last, so that they are told once. */
export const Told = v.object({
  endpointId: EndpointId,
  event: v.picklist(consumerEvents),
  /** The name of the customer who was told, and the address or topic of their contact. */
  customer: v.string(),
  contact: v.string(),
  /** ISO 8601 */
  at: v.string(),
  /** The provider's name for the service, which is still known by it after it was taken out. */
  service: v.exactOptional(v.string()),
  /** What tells the news from others of its kind. */
  cutAt: v.exactOptional(v.string()),
  until: v.exactOptional(v.string()),
  days: v.exactOptional(v.number()),
  version: v.number(),
});
export type Told = v.InferOutput<typeof Told>;

const kind = itemKind(Told.entries);

export function toldKey(endpointId: string): Key {
  return { pk: `TOLD#${endpointId}`, sk: 'CONSUMER' };
}

export function readTold(item: Item): Told {
  return kind.read(item);
}

/** What a reader knows of what was told. Somebody else was told what is to come; what became of the request is past all the same. */
export function knownTo({ name, contact }: Reader, told: Told | undefined): Known | undefined {
  const isTheirs = told?.customer === name && told.contact === addressOf(contact);
  return !told || isTheirs || !eventsOfConnected.includes(told.event) ? told : { event: 'accepted' };
}

export function toldItem(
  endpointId: string,
  { name, contact }: Reader,
  news: EndpointNews,
  before: Told | undefined,
  now: Date,
): Item {
  return kind.item(toldKey(endpointId), {
    endpointId,
    event: news.event,
    customer: name,
    contact: addressOf(contact),
    at: now.toISOString(),
    service: news.service,
    ...(news.event === 'will-be-cut' && { cutAt: news.cutAt }),
    ...(news.event === 'expiring' && { until: news.until, days: news.days }),
    version: (before?.version ?? 0) + 1,
  });
}
