import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Mails } from './mails.ts';

/** The attribute of a message that says whose it is, by the topic that it goes to. */
export type Recipient = 'approver' | 'consumer';

/** Publishes on a topic to which each address is subscribed with a filter policy that names it, in lower case. */
export function snsMails(sns: SNSClient, topicArn: string, recipient: Recipient): Mails {
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
