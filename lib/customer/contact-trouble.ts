import * as v from 'valibot';
import { itemKind, type ReadDeps, readPartition } from '../table/item.ts';
import type { Item, Key } from '../table/table.ts';

/** Why the contact of a customer could not be written to, the last time that this was tried. */
export const ContactTrouble = v.object({
  customer: v.string(),
  /** ISO 8601 */
  at: v.string(),
  /** What SNS answered. */
  why: v.string(),
  version: v.number(),
});
export type ContactTrouble = v.InferOutput<typeof ContactTrouble>;

const kind = itemKind(ContactTrouble.entries);
export const readTrouble = kind.read;
export const allTroubles = 'CONTACT_TROUBLES';

export function troubleKey(customer: string): Key {
  return { pk: allTroubles, sk: customer };
}

export function troubleItem(customer: string, why: string, now: Date): Item {
  return kind.item(troubleKey(customer), { customer, at: now.toISOString(), why, version: 1 });
}

export function contactTroubles(deps: ReadDeps): Promise<ContactTrouble[]> {
  return readPartition(allTroubles, readTrouble, deps);
}
