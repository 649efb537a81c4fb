import * as v from 'valibot';
import { ServiceId } from '../privatelink/connection.ts';
import { Instant } from '../values/instant.ts';

/** Has services checked. */
export interface ServiceCheckQueue {
  /** @param options.afterSeconds 900 at most */
  enqueue(serviceIds: readonly string[], options?: { readonly afterSeconds: number }): Promise<void>;
}

/** What a ring says. A check that began after it has seen what was rung for. */
export const ServiceCheckRequest = v.object({ serviceId: ServiceId, enqueuedAt: Instant });
export type ServiceCheckRequest = v.InferOutput<typeof ServiceCheckRequest>;
