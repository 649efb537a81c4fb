import * as v from 'valibot';
import type { EmailMessage } from '../channels/email/email-sender.ts';
import { type Contact, contactAddress } from '../customers/customer.ts';
import type { EndpointEvent } from './customer-email.ts';

/** Sends emails and SNS messages to the contacts of customers. */
export interface CustomerSender {
  /**
   * @param news the events of the email, as JSON
   * @throws DeliveryRejectedError if a retry is useless, any other error if it may help
   */
  send(contact: Contact, mail: EmailMessage, news: readonly EndpointEvent[]): Promise<void>;
}

/**
 * SNS rejects messages to this contact until somebody fixes its topic: it is deleted, or its topic policy does not allow
 * linkgate.
 */
export class DeliveryRejectedError extends Error {
  override readonly name = 'DeliveryRejectedError';

  constructor(contact: Contact, cause: Error) {
    super(`SNS refused a message to \`${contactAddress(contact)}\`: ${cause.name}: ${cause.message}`, {
      cause,
    });
  }
}

/** The maximum number of events in the JSON attribute: SNS limits a message to 256 KiB. */
const maxEventsPerMessage = 200;

/** The JSON attribute next to the email, a contract with the subscribers of a topic. A minor version only adds fields. */
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
      reason: v.exactOptional(v.string()),
      disconnectAt: v.exactOptional(v.string()),
      until: v.exactOptional(v.string()),
    }),
  ),
  /** The number of omitted events. */
  more: v.number(),
});
export type CustomerMessage = v.InferOutput<typeof CustomerMessage>;

/** Builds the attribute. The schema omits the fields of an event that it does not name. */
export function buildCustomerMessage(all: readonly EndpointEvent[]): CustomerMessage {
  const listed = all.slice(0, maxEventsPerMessage);
  return v.parse(CustomerMessage, {
    schemaVersion: '1.0',
    news: listed.map((news) => ({ ...news, accountId: news.ownerAccountId })),
    more: all.length - listed.length,
  });
}
