import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { endpointText } from './phrases.ts';

export const receivedMessage: CustomerMessages['received'] = (news) => ({
  subject: `Received: ${news.endpointId} to ${news.service}`,
  body: `We received the request of your ${endpointText(news)}. It is not connected yet.`,
  nextSteps: [
    'You need not do anything. We notify you of the decision. Until then EC2 shows it as pendingAcceptance.',
  ],
});
