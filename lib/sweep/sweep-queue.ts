import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';
import { SweepScope } from './sweep.ts';

/** A message that requests one sweep of one location. */
export const SweepRequest = v.object({
  location: AccountRegion,
  scope: SweepScope,
  /** The job that collects the result. */
  jobId: v.exactOptional(v.string()),
  /** ISO 8601: only a sweep that starts after this time covers the request. Without it a running sweep is sufficient. */
  requestedAt: v.exactOptional(v.string()),
});
export type SweepRequest = v.InferOutput<typeof SweepRequest>;

/** The queue of sweep requests. */
export interface SweepQueue {
  enqueue(sweep: SweepRequest, options?: { readonly afterSeconds: number }): Promise<void>;
}
