import type { CustomerMessages } from '../../lib/customers/message.ts';
import { endpoint } from './phrases.ts';

export const received: CustomerMessages['received'] = (news) => ({
  subject: `Received: ${news.endpointId} to ${news.service}`,
  says: `We received the request of your ${endpoint(news)}. It is not connected yet.`,
  next: [
    'You are told when it is decided, and need not do anything. Till then EC2 shows it as pendingAcceptance.',
  ],
});
