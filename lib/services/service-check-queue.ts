import * as v from 'valibot';
import { ServiceId } from '../privatelink/connection.ts';
import { Instant } from '../values/instant.ts';

/** The queue of check-service. */
export interface ServiceCheckQueue {
  /** @param options.afterSeconds at most 900 */
  enqueue(serviceIds: readonly string[], options?: { readonly afterSeconds: number }): Promise<void>;
}

/** A message that requests a check of one service. A check that started after `enqueuedAt` covers it. */
export const ServiceCheckRequest = v.object({ serviceId: ServiceId, enqueuedAt: Instant });
export type ServiceCheckRequest = v.InferOutput<typeof ServiceCheckRequest>;
