import { formatTime } from '../../lib/approvals/status-text.ts';
import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { endpointText } from './phrases.ts';

export const expiring: CustomerMessages['expiring'] = (news) => {
  const { endpointId, service, until, daysBefore } = news;
  const left = daysBefore === 1 ? 'a day' : `${daysBefore} days`;
  return {
    subject: `Permission ends within ${left}: ${endpointId} to ${service}`,
    body: `The permission of your ${endpointText(news)} ends on ${formatTime(until)}. It is cut some time after that, and you are told when.`,
    nextSteps: ['If it should stay, have the provider renew it before then.'],
  };
};
