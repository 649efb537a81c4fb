import { formatTime } from '../../lib/approvals/status-text.ts';
import type { CustomerMessages } from '../../lib/customers/message.ts';
import { endpoint } from './phrases.ts';

export const expiring: CustomerMessages['expiring'] = (news) => {
  const { endpointId, service, until, days } = news;
  const left = days === 1 ? 'a day' : `${days} days`;
  return {
    subject: `Permission ends within ${left}: ${endpointId} to ${service}`,
    says: `The permission of your ${endpoint(news)} ends on ${formatTime(until)}. It is cut some time after that, and you are told when.`,
    next: ['If it should stay, have the provider renew it before then.'],
  };
};
