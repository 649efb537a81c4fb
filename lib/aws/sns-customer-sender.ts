import {
  type MessageAttributeValue,
  PublishCommand,
  type SNSClient,
  SNSServiceException,
} from '@aws-sdk/client-sns';
import type { EmailSender } from '../channels/email/email-sender.ts';
import type { EndpointEvent } from '../customer-notifications/customer-email.ts';
import {
  buildCustomerMessage,
  type CustomerSender,
  DeliveryRejectedError,
} from '../customer-notifications/customer-sender.ts';

/**
 * Sends to an e-mail address through linkgate's own topic, and to a customer's topic in the Region of that topic.
 * @param snsIn the client of a Region
 */
export function snsCustomerSender(mails: EmailSender, snsIn: (region: string) => SNSClient): CustomerSender {
  return {
    async send(contact, mail, news) {
      if ('email' in contact) return mails.send(contact.email, mail);
      const [, , , region = ''] = contact.topicArn.split(':');
      try {
        await snsIn(region).send(
          new PublishCommand({
            TopicArn: contact.topicArn,
            Subject: mail.subject,
            Message: mail.text,
            MessageAttributes: customerMessageAttributes(news),
          }),
        );
      } catch (error) {
        throw isDeliveryRejected(error) ? new DeliveryRejectedError(contact, error) : error;
      }
    },
  };
}

/**
 * Subscription filter policies match `event`, `serviceId` and `endpointId`. `linkgate` contains the whole notification as JSON.
 */
function customerMessageAttributes(news: readonly EndpointEvent[]): Record<string, MessageAttributeValue> {
  const [first] = news;
  return {
    event: stringAttribute(news.map(({ event }) => event)),
    serviceId: stringAttribute(news.map(({ serviceId }) => serviceId)),
    ...(first && news.length === 1 && { endpointId: stringAttribute([first.endpointId]) }),
    linkgate: { DataType: 'String', StringValue: JSON.stringify(buildCustomerMessage(news)) },
  };
}

function stringAttribute(all: readonly string[]): MessageAttributeValue {
  const [text = '', ...otherTexts] = new Set(all);
  return otherTexts.length === 0
    ? { DataType: 'String', StringValue: text }
    : { DataType: 'String.Array', StringValue: JSON.stringify([text, ...otherTexts]) };
}

/** Whether the contact's topic rejected the message: a client error other than throttling. */
function isDeliveryRejected(error: unknown): error is SNSServiceException {
  return error instanceof SNSServiceException && error.$fault === 'client' && !/Throttl/.test(error.name);
}
