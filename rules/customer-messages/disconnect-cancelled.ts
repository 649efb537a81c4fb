import type { CustomerMessages } from '../../lib/customers/message.ts';
import { endpoint } from './phrases.ts';

export const stays: CustomerMessages['disconnect-cancelled'] = (news) => ({
  subject: `Stays connected: ${news.endpointId} to ${news.service}`,
  says: `Your ${endpoint(news)} stays connected. It was to be cut, as you were told, and is not any more.`,
  next: ['You need not do anything.'],
});
