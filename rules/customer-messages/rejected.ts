import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { deleteEndpoint, endpointText, reasonText } from './phrases.ts';

export const rejected: CustomerMessages['rejected'] = (news) => ({
  subject: `Rejected: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} is rejected. ${reasonText(news.reason, 'The provider does not admit it.')}`,
  nextSteps: [
    ...deleteEndpoint(news),
    'If you expected to be accepted, ask the provider, and create a new endpoint once they admit you.',
  ],
});
