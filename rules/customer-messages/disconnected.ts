import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { deleteEndpoint, endpointText, reasonText } from './phrases.ts';

export const disconnectedMessage: CustomerMessages['disconnected'] = (news) => {
  const { endpointId, service, reason, isDeregistering } = news;
  const why = reasonText(
    reason,
    isDeregistering ? 'The provider shuts the service down.' : 'The provider ended the connection.',
  );
  return {
    subject: `Disconnected: ${endpointId} to ${service}`,
    body: `Your ${endpointText(news)} was disconnected. ${why}`,
    nextSteps: deleteEndpoint(news),
  };
};
