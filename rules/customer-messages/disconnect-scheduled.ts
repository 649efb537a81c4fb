import { formatTime } from '../../lib/approvals/status-text.ts';
import type { CustomerMessages } from '../../lib/customers/message.ts';
import { askToStay, because, endpoint } from './phrases.ts';

export const disconnectScheduled: CustomerMessages['disconnect-scheduled'] = (news) => {
  const { endpointId, service, disconnectAt, before, reason, isClosing } = news;
  const moved = before === undefined ? '' : `, and not on ${formatTime(before)}`;
  const why = because(reason, isClosing ? 'The service is closed.' : 'Its permission has ended.');
  return {
    subject: `Will be cut at ${formatTime(disconnectAt)}: ${endpointId} to ${service}`,
    says: `Your ${endpoint(news)} will be cut on ${formatTime(disconnectAt)}${moved}. ${why}`,
    next: [askToStay, 'Move whatever uses it before it is cut: open connections end then.'],
  };
};
