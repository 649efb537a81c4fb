import type { CustomerMessages } from '../../lib/customers/message.ts';
import { endpoint } from './phrases.ts';

export const waiting: CustomerMessages['waiting'] = (news) => ({
  subject: `Waiting for a person: ${news.endpointId} to ${news.service}`,
  says: `Your ${endpoint(news)} waits for a person at the provider to approve it.`,
  next: [
    'You are told when it is decided, and need not do anything. A new endpoint would not be decided faster.',
    'If you did not mean to create it, delete it.',
  ],
});
