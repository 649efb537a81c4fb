import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { acceptedMessage } from './accepted.ts';
import { disconnectCancelledMessage } from './disconnect-cancelled.ts';
import { disconnectExtendedMessage } from './disconnect-extended.ts';
import { disconnectScheduledMessage } from './disconnect-scheduled.ts';
import { disconnectedMessage } from './disconnected.ts';
import { expiringMessage } from './expiring.ts';
import { receivedMessage } from './received.ts';
import { rejectedMessage } from './rejected.ts';
import { waitingMessage } from './waiting.ts';

/** The message to a customer's contact for each event. Change the texts as you like. */
export const customerMessages: CustomerMessages = {
  received: receivedMessage,
  waiting: waitingMessage,
  accepted: acceptedMessage,
  rejected: rejectedMessage,
  'disconnect-scheduled': disconnectScheduledMessage,
  'disconnect-extended': disconnectExtendedMessage,
  'disconnect-cancelled': disconnectCancelledMessage,
  expiring: expiringMessage,
  disconnected: disconnectedMessage,
};
