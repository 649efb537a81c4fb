import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { formatTime } from '../../lib/values/styled-text.ts';
import { askProviderToKeep, endpointText, reasonText } from './phrases.ts';

export const disconnectScheduledMessage: CustomerMessages['disconnect-scheduled'] = (news) => {
  const { endpointId, service, disconnectAt, previousDisconnectAt, reason, isDeregistering } = news;
  const moved = previousDisconnectAt === undefined ? '' : `, not on ${formatTime(previousDisconnectAt)}`;
  const why = reasonText(
    reason,
    isDeregistering ? 'The provider shuts the service down.' : 'The provider no longer allows it.',
  );
  return {
    subject: `Will be disconnected on ${formatTime(disconnectAt)}: ${endpointId} to ${service}`,
    body: `Your ${endpointText(news)} will be disconnected on ${formatTime(disconnectAt)}${moved}. ${why}`,
    nextSteps: [askProviderToKeep, 'Move your workloads before then. The disconnect ends open connections.'],
  };
};
