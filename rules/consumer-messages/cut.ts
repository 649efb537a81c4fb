import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { because, deleteIt, endpoint } from './words.ts';

export const cut: ConsumerMessages['cut'] = (news) => {
  const { endpointId, service, reason, isClosing } = news;
  const why = because(reason, isClosing ? 'The service is closed.' : 'The provider ended it.');
  return {
    subject: `Cut: ${endpointId} to ${service}`,
    says: `Your ${endpoint(news)} was cut and is no longer connected. ${why}`,
    next: deleteIt(news),
  };
};
