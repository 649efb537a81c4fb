import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { deleteEndpoint, endpointText, reasonText } from './phrases.ts';

export const rejectedMessage: CustomerMessages['rejected'] = (news) => ({
  subject: `Rejected: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} is rejected. ${reasonText(news.reason, 'The provider does not allow it.')}`,
  nextSteps: [
    ...deleteEndpoint(news),
    'If you expected it to be accepted, contact the provider. Create a new endpoint once they allow your account.',
  ],
});
