import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { deleteEndpoint, endpointText, reasonText } from './phrases.ts';

export const disconnected: CustomerMessages['disconnected'] = (news) => {
  const { endpointId, service, reason, isDeregistering } = news;
  const why = reasonText(reason, isDeregistering ? 'The service is closed.' : 'The provider ended it.');
  return {
    subject: `Cut: ${endpointId} to ${service}`,
    body: `Your ${endpointText(news)} was cut and is no longer connected. ${why}`,
    nextSteps: deleteEndpoint(news),
  };
};
