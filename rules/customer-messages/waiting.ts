import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { endpointText } from './phrases.ts';

export const waitingMessage: CustomerMessages['waiting'] = (news) => ({
  subject: `Waiting for approval: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} waits for approval by the provider.`,
  nextSteps: [
    'You need not do anything. We notify you of the decision. A new endpoint does not get a faster decision.',
    'If you did not mean to create it, delete it.',
  ],
});
