import type { CustomerMessages } from '../../lib/customers/message.ts';
import { because, deleteIt, endpoint } from './phrases.ts';

export const cut: CustomerMessages['disconnected'] = (news) => {
  const { endpointId, service, reason, isClosing } = news;
  const why = because(reason, isClosing ? 'The service is closed.' : 'The provider ended it.');
  return {
    subject: `Cut: ${endpointId} to ${service}`,
    says: `Your ${endpoint(news)} was cut and is no longer connected. ${why}`,
    next: deleteIt(news),
  };
};
