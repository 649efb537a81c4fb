import type { CustomerMessages } from '../../lib/customers/message.ts';
import { accepted } from './accepted.ts';
import { stays } from './disconnect-cancelled.ts';
import { putOff } from './disconnect-extended.ts';
import { disconnectScheduled } from './disconnect-scheduled.ts';
import { cut } from './disconnected.ts';
import { expiring } from './expiring.ts';
import { received } from './received.ts';
import { rejected } from './rejected.ts';
import { waiting } from './waiting.ts';

/** What the contact of a consumer is told, by what happened. The words are yours to change. */
export const customerMessages: CustomerMessages = {
  received,
  waiting,
  accepted,
  rejected,
  'disconnect-scheduled': disconnectScheduled,
  'disconnect-extended': putOff,
  'disconnect-cancelled': stays,
  expiring,
  disconnected: cut,
};
