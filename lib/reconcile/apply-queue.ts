import * as v from 'valibot';
import { AccountRegion } from '../locations/account-region.ts';

/** A message of the queue of apply-verdicts. */
export const ApplyMessage = v.object({ location: AccountRegion });
export type ApplyMessage = v.InferOutput<typeof ApplyMessage>;

/** The queue of apply-verdicts. One message means that a location has pending effects. The sweep replaces a lost message. */
export interface ApplyQueue {
  enqueue(location: AccountRegion): Promise<void>;
}
