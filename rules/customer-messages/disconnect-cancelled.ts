import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { endpointText } from './phrases.ts';

export const disconnectCancelled: CustomerMessages['disconnect-cancelled'] = (news) => ({
  subject: `Stays connected: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} stays connected. It was to be cut, as you were told, and is not any more.`,
  nextSteps: ['You need not do anything.'],
});
