import * as v from 'valibot';
import { ServiceId } from '../connection/connection.ts';
import { Instant } from '../instant.ts';

/** Has services checked. */
export interface ServiceBell {
  /** @param options.afterSeconds 900 at most */
  ring(serviceIds: readonly string[], options?: { readonly afterSeconds: number }): Promise<void>;
}

/** What a ring says. A check that began after it has seen what was rung for. */
export const ServiceRing = v.object({ serviceId: ServiceId, rungAt: Instant });
export type ServiceRing = v.InferOutput<typeof ServiceRing>;
