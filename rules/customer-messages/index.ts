import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { accepted } from './accepted.ts';
import { disconnectCancelled } from './disconnect-cancelled.ts';
import { disconnectExtended } from './disconnect-extended.ts';
import { disconnectScheduled } from './disconnect-scheduled.ts';
import { disconnected } from './disconnected.ts';
import { expiring } from './expiring.ts';
import { received } from './received.ts';
import { rejected } from './rejected.ts';
import { waiting } from './waiting.ts';

/** The message to a customer's contact for each event. Change the texts as you like. */
export const customerMessages: CustomerMessages = {
  received,
  waiting,
  accepted,
  rejected,
  'disconnect-scheduled': disconnectScheduled,
  'disconnect-extended': disconnectExtended,
  'disconnect-cancelled': disconnectCancelled,
  expiring,
  disconnected: disconnected,
};
