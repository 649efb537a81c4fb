import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { endpointText } from './phrases.ts';

export const received: CustomerMessages['received'] = (news) => ({
  subject: `Received: ${news.endpointId} to ${news.service}`,
  body: `We received the request of your ${endpointText(news)}. It is not connected yet.`,
  nextSteps: [
    'You are told when it is decided, and need not do anything. Till then EC2 shows it as pendingAcceptance.',
  ],
});
