import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { SweepScope } from './lease.ts';

/** One pass over one place is to be made. */
export const SweepRequest = v.object({
  location: AccountRegion,
  scope: SweepScope,
  /** The job that waits for its result. */
  jobId: v.exactOptional(v.string()),
  /** While another pass is under way it waits for its turn, as that one may have gone past what this one is for. */
  queueIfRunning: v.exactOptional(v.literal(true)),
});
export type SweepRequest = v.InferOutput<typeof SweepRequest>;

/** The queue of passes to be made. */
export interface SweepQueue {
  enqueue(sweep: SweepRequest, options?: { readonly afterSeconds: number }): Promise<void>;
}
