import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { endpoint } from './words.ts';

export const stays: ConsumerMessages['stays'] = (news) => ({
  subject: `Stays connected: ${news.endpointId} to ${news.service}`,
  says: `Your ${endpoint(news)} stays connected: that it will be cut, as you were told, holds no longer.`,
  next: ['You need not do anything.'],
});
