import * as v from 'valibot';
import { entity, type ReadDeps, readPartition } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';

/** Why the contact of a customer could not be written to, the last time that this was tried. */
export const DeliveryFailure = v.object({
  customer: v.string(),
  /** ISO 8601 */
  at: v.string(),
  /** What SNS answered. */
  why: v.string(),
  version: v.number(),
});
export type DeliveryFailure = v.InferOutput<typeof DeliveryFailure>;

const kind = entity(DeliveryFailure.entries);
export const readTrouble = kind.read;
export const allTroubles = 'CONTACT_DELIVERY_FAILURE';

export function deliveryFailureKey(customer: string): Key {
  return { pk: allTroubles, sk: customer };
}

export function deliveryFailureItem(customer: string, why: string, now: Date): Item {
  return kind.item(deliveryFailureKey(customer), { customer, at: now.toISOString(), why, version: 1 });
}

export function deliveryFailures(deps: ReadDeps): Promise<DeliveryFailure[]> {
  return readPartition(allTroubles, readTrouble, deps);
}
