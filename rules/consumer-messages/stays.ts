import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { endpoint } from './words.ts';

export const stays: ConsumerMessages['stays'] = (news) => ({
  subject: `Stays connected: ${news.endpointId} to ${news.service}`,
  says: `Your ${endpoint(news)} stays connected. It was to be cut, as you were told, and is not any more.`,
  next: ['You need not do anything.'],
});
