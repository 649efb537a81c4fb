import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { formatTime } from '../../lib/values/styled-text.ts';
import { endpointText } from './phrases.ts';

export const expiringMessage: CustomerMessages['expiring'] = (news) => {
  const { endpointId, service, until, daysBefore } = news;
  const remainingText = daysBefore === 1 ? 'a day' : `${daysBefore} days`;
  return {
    subject: `Access ends within ${remainingText}: ${endpointId} to ${service}`,
    body: `The access of your ${endpointText(news)} ends on ${formatTime(until)}. It is disconnected some time later, and we notify you of the time first.`,
    nextSteps: ['To keep it, ask the provider to renew its access before then.'],
  };
};
