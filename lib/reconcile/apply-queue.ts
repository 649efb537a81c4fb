import type { AccountRegion } from '../locations/account-region.ts';

/** The queue of apply-verdicts. One message means that a location has pending effects. The sweep replaces a lost message. */
export interface ApplyQueue {
  enqueue(location: AccountRegion): Promise<void>;
}
