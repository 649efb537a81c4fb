import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { endpointText } from './phrases.ts';

export const disconnectCancelledMessage: CustomerMessages['disconnect-cancelled'] = (news) => ({
  subject: `Stays connected: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} stays connected. The announced disconnect is cancelled.`,
  nextSteps: ['You need not do anything.'],
});
