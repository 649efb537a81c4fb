import type { MessageAttributeValue } from '@aws-sdk/client-sns';
import type { Subscription } from './sns-subscriptions.ts';

export interface Publication {
  readonly message: string;
  readonly subject?: string;
  readonly attributes?: Readonly<Record<string, MessageAttributeValue>>;
}

/** An email to an email subscription. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
}

const noReply =
  'Please do not reply directly to this email. If you have any questions or comments regarding this email, please contact us at https://aws.amazon.com/support';

/** Formats the email of a message with SNS's own text: its recipient can unsubscribe the address. */
export function messageMail(
  { arn }: Subscription,
  { subject = 'AWS Notification Message', message }: Publication,
  origin: string,
): Mail {
  const link = `${origin}/?${new URLSearchParams({ Action: 'Unsubscribe', SubscriptionArn: arn })}`;
  const text = `${message}

--
If you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:
${link}

${noReply}
`;
  return { subject, text };
}

export function confirmationMail({ topicArn, pending }: Subscription, origin: string): Mail {
  const query = { Action: 'ConfirmSubscription', TopicArn: topicArn, Token: pending?.token ?? '' };
  const text = `You have chosen to subscribe to the topic:
${topicArn}

To confirm this subscription, click or visit the link below (If this was in error no action is necessary):
${origin}/?${new URLSearchParams(query)}

${noReply}
`;
  return { subject: 'AWS Notification - Subscription Confirmation', text };
}

/** Formats the envelope of a delivery that is not raw, with a dummy signature. */
export function envelope(
  { arn, topicArn }: Subscription,
  publication: Publication,
  messageId: string,
  now: number,
): string {
  const { message, subject, attributes = {} } = publication;
  const region = topicArn.split(':')[3];
  const host = `https://sns.${region}.amazonaws.com`;
  const MessageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue }]) => [
      name,
      { Type: DataType, Value: StringValue },
    ]),
  );
  return JSON.stringify({
    Type: 'Notification',
    MessageId: messageId,
    TopicArn: topicArn,
    Subject: subject,
    Message: message,
    Timestamp: new Date(now).toISOString(),
    SignatureVersion: '1',
    Signature: 'EXAMPLE',
    SigningCertURL: `${host}/SimpleNotificationService-example.pem`,
    UnsubscribeURL: `${host}/?Action=Unsubscribe&SubscriptionArn=${arn}`,
    ...(Object.keys(MessageAttributes).length > 0 && { MessageAttributes }),
  });
}
