import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { EmailMessage, EmailSender } from '../channels/email/email-sender.ts';

/** The message attribute that names the recipient. Each topic has its own. */
export type Recipient = 'approver' | 'customer' | 'operations';

/** Publishes one message to all subscribers of the operations topic. The filter policies match the addresses in lower case. */
export function snsOperationsPublisher(sns: SNSClient, topicArn: string) {
  return async ({ subject, text }: EmailMessage, addresses: readonly string[]): Promise<void> => {
    const StringValue = JSON.stringify(addresses.map((address) => address.toLowerCase()));
    await sns.send(
      new PublishCommand({
        TopicArn: topicArn,
        Subject: subject,
        Message: text,
        ...(addresses.length > 0 && {
          MessageAttributes: {
            ['operations' satisfies Recipient]: { DataType: 'String.Array', StringValue },
          },
        }),
      }),
    );
  };
}

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
