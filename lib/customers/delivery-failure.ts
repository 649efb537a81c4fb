import * as v from 'valibot';
import { entity, type ReadDeps, readPartition } from '../storage/entity.ts';
import type { Item, Key } from '../storage/table.ts';

/** SNS's last error for a customer's contact. */
export const DeliveryFailure = v.object({
  customer: v.string(),
  /** ISO 8601 */
  at: v.string(),
  /** SNS's error message. */
  why: v.string(),
  version: v.number(),
});
export type DeliveryFailure = v.InferOutput<typeof DeliveryFailure>;

const deliveryFailureEntity = entity(DeliveryFailure.entries, ({ customer }) => deliveryFailureKey(customer));
export const readDeliveryFailure = deliveryFailureEntity.read;
export const deliveryFailurePartition = 'CONTACT_DELIVERY_FAILURE';

export function deliveryFailureKey(customer: string): Key {
  return { pk: deliveryFailurePartition, sk: customer };
}

export function deliveryFailureItem(customer: string, why: string, now: Date): Item {
  return deliveryFailureEntity.item({ customer, at: now.toISOString(), why, version: 1 });
}

export function listDeliveryFailures(deps: ReadDeps): Promise<DeliveryFailure[]> {
  return readPartition(deliveryFailurePartition, readDeliveryFailure, deps);
}
