import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { endpoint } from './words.ts';

export const waiting: ConsumerMessages['waiting'] = (news) => ({
  subject: `Waiting for a person: ${news.endpointId} to ${news.service}`,
  says: `Your ${endpoint(news)} waits for a person at the provider to approve it.`,
  next: [
    'You are told when it is decided, and need not do anything. A new endpoint would not be decided faster.',
    'If you did not mean to create it, delete it.',
  ],
});
