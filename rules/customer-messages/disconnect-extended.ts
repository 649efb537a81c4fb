import type { CustomerMessages } from '../../lib/customers/customer-email.ts';
import { endpointText } from './phrases.ts';

export const disconnectExtended: CustomerMessages['disconnect-extended'] = (news) => ({
  subject: `Not cut for now: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} is not cut at the time that you were told: a person at the provider decides whether it stays connected.`,
  nextSteps: [
    'You are told what becomes of it. It may be cut as soon as that is decided: have what uses it moved by then.',
    'If it should stay, tell the provider.',
  ],
});
