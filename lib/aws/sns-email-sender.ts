import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { EmailSender } from '../channels/email/email-sender.ts';

/** The attribute of a message that says whose it is, by the topic that it goes to. */
export type Recipient = 'approver' | 'consumer';

/** Publishes on a topic to which each address is subscribed with a filter policy that names it, in lower case. */
export function snsEmailSender(sns: SNSClient, topicArn: string, recipient: Recipient): EmailSender {
  return {
    async send(address, { subject, text }) {
      await sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: subject,
          Message: text,
          MessageAttributes: { [recipient]: { DataType: 'String', StringValue: address.toLowerCase() } },
        }),
      );
    },
  };
}
