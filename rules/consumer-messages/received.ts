import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { endpoint } from './words.ts';

export const received: ConsumerMessages['received'] = (news) => ({
  subject: `Received: ${news.endpointId} to ${news.service}`,
  says: `We received the request of your ${endpoint(news)}. It is not connected yet.`,
  next: [
    'You are told when it is decided, and need not do anything. Till then EC2 shows it as pendingAcceptance.',
  ],
});
