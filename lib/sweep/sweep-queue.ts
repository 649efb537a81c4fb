import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { SweepScope } from './lease.ts';

/** A message that requests one sweep of one location. */
export const SweepRequest = v.object({
  location: AccountRegion,
  scope: SweepScope,
  /** The job that collects the result. */
  jobId: v.exactOptional(v.string()),
  /** Try again after a running sweep ends: that one may already have passed the connections in question. */
  queueIfRunning: v.exactOptional(v.literal(true)),
});
export type SweepRequest = v.InferOutput<typeof SweepRequest>;

/** The queue of sweep requests. */
export interface SweepQueue {
  enqueue(sweep: SweepRequest, options?: { readonly afterSeconds: number }): Promise<void>;
}
