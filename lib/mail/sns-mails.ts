import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Mails } from './mails.ts';

/** Publishes on a topic to which each address is subscribed with a filter policy that names it, in lower case. */
export function snsMails(sns: SNSClient, topicArn: string): Mails {
  return {
    async send(address, { subject, text }) {
      await sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: subject,
          Message: text,
          MessageAttributes: { approver: { DataType: 'String', StringValue: address.toLowerCase() } },
        }),
      );
    },
  };
}
