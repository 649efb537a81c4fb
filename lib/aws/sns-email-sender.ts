import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { EmailSender } from '../channels/email/email-sender.ts';

/** The message attribute that names the recipient. Each topic has its own. */
export type Recipient = 'approver' | 'customer' | 'operations';

/** Publishes to a topic. The filter policy of each subscription matches its own address in lower case. */
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
