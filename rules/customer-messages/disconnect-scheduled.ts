import { formatTime } from '../../lib/approvals/status-text.ts';
import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { askProviderToKeep, endpointText, reasonText } from './phrases.ts';

export const disconnectScheduled: CustomerMessages['disconnect-scheduled'] = (news) => {
  const { endpointId, service, disconnectAt, previousDisconnectAt, reason, isDeregistering } = news;
  const moved = previousDisconnectAt === undefined ? '' : `, and not on ${formatTime(previousDisconnectAt)}`;
  const why = reasonText(reason, isDeregistering ? 'The service is closed.' : 'Its permission has ended.');
  return {
    subject: `Will be cut at ${formatTime(disconnectAt)}: ${endpointId} to ${service}`,
    body: `Your ${endpointText(news)} will be cut on ${formatTime(disconnectAt)}${moved}. ${why}`,
    nextSteps: [askProviderToKeep, 'Move whatever uses it before it is cut: open connections end then.'],
  };
};
