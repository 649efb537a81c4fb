import { when } from '../../lib/approval/words.ts';
import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { endpoint } from './words.ts';

export const expiring: ConsumerMessages['expiring'] = (news) => {
  const { endpointId, service, until, days } = news;
  const left = days === 1 ? 'a day' : `${days} days`;
  return {
    subject: `Permission ends within ${left}: ${endpointId} to ${service}`,
    says: `The permission of your ${endpoint(news)} ends on ${when(until)}. It is cut some time after that, and you are told when.`,
    next: ['If it should stay, have the provider renew it before then.'],
  };
};
