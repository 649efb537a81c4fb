import type { CustomerMessages } from '../../lib/customers/message.ts';
import { because, deleteIt, endpoint } from './phrases.ts';

export const rejected: CustomerMessages['rejected'] = (news) => ({
  subject: `Rejected: ${news.endpointId} to ${news.service}`,
  says: `Your ${endpoint(news)} is rejected. ${because(news.reason, 'The provider does not admit it.')}`,
  next: [
    ...deleteIt(news),
    'If you expected to be accepted, ask the provider, and create a new endpoint once they admit you.',
  ],
});
