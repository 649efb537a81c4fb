import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { endpointText } from './phrases.ts';

export const waiting: CustomerMessages['waiting'] = (news) => ({
  subject: `Waiting for a person: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} waits for a person at the provider to approve it.`,
  nextSteps: [
    'You are told when it is decided, and need not do anything. A new endpoint would not be decided faster.',
    'If you did not mean to create it, delete it.',
  ],
});
