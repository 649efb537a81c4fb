import type { CustomerMessages } from '../../lib/customer-notifications/customer-email.ts';
import { endpointText } from './phrases.ts';

export const disconnectExtendedMessage: CustomerMessages['disconnect-extended'] = (news) => ({
  subject: `Disconnect postponed: ${news.endpointId} to ${news.service}`,
  body: `Your ${endpointText(news)} is not disconnected at the announced time. The provider decides whether it stays connected.`,
  nextSteps: [
    'We notify you of the decision. It may be disconnected right after the decision, so move your workloads before.',
    'To keep it, contact the provider.',
  ],
});
