import { when } from '../../lib/approval/words.ts';
import type { ConsumerMessages } from '../../lib/customer/message.ts';
import { askToStay, because, endpoint } from './words.ts';

export const willBeCut: ConsumerMessages['will-be-cut'] = (news) => {
  const { endpointId, service, cutAt, before, reason, isClosing } = news;
  const moved = before === undefined ? '' : `, and not on ${when(before)}`;
  const why = because(reason, isClosing ? 'The service is closed.' : 'Its permission has ended.');
  return {
    subject: `Will be cut at ${when(cutAt)}: ${endpointId} to ${service}`,
    says: `Your ${endpoint(news)} will be cut on ${when(cutAt)}${moved}. ${why}`,
    next: [askToStay, 'Move whatever uses it before it is cut: open connections end then.'],
  };
};
