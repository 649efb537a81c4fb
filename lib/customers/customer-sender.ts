import * as v from 'valibot';
import type { EmailMessage } from '../channels/email/email-sender.ts';
import { type Contact, contactAddress } from './customer.ts';
import type { EndpointEvent } from './customer-email.ts';

/** Writes to contacts. */
export interface CustomerSender {
  /**
   * @param news what the mail is about, for machines
   * @throws DeliveryRejectedError, or what may be tried again
   */
  send(contact: Contact, mail: EmailMessage, news: readonly EndpointEvent[]): Promise<void>;
}

/** SNS will not deliver to this contact before somebody changes something: its topic is gone, or does not admit linkgate. */
export class DeliveryRejectedError extends Error {
  override readonly name = 'DeliveryRejectedError';

  constructor(contact: Contact, cause: Error) {
    super(`SNS refused to write to \`${contactAddress(contact)}\`: ${cause.name}: ${cause.message}`, {
      cause,
    });
  }
}

/** How many news a message tells machines of: SNS takes 256 KiB. */
const maxEventsPerMessage = 200;

const Reason = v.exactOptional(v.string());

/** What machines read beside the mail: the contract with whoever subscribes to a topic. Within a major version fields are only added. */
export const CustomerMessage = v.object({
  schemaVersion: v.literal('1.0'),
  news: v.array(
    v.object({
      event: v.string(),
      endpointId: v.string(),
      accountId: v.string(),
      region: v.string(),
      serviceId: v.string(),
      serviceName: v.string(),
      reason: Reason,
      disconnectAt: v.exactOptional(v.string()),
      until: v.exactOptional(v.string()),
    }),
  ),
  /** How many more there are than are listed. */
  more: v.number(),
});
export type CustomerMessage = v.InferOutput<typeof CustomerMessage>;

export function buildCustomerMessage(all: readonly EndpointEvent[]): CustomerMessage {
  const listed = all.slice(0, maxEventsPerMessage);
  return {
    schemaVersion: '1.0',
    news: listed.map((news) => ({
      event: news.event,
      endpointId: news.endpointId,
      accountId: news.ownerAccountId,
      region: news.region,
      serviceId: news.serviceId,
      serviceName: news.serviceName,
      ...('reason' in news && news.reason !== undefined && { reason: news.reason }),
      ...('disconnectAt' in news && { disconnectAt: news.disconnectAt }),
      ...('until' in news && { until: news.until }),
    })),
    more: all.length - listed.length,
  };
}
