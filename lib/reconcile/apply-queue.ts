import type { AccountRegion } from '../locations/account-region.ts';

/** Tells the actor that a place has verdicts to apply. A lost ring is made good by the sweep. */
export interface ApplyQueue {
  enqueue(location: AccountRegion): Promise<void>;
}
