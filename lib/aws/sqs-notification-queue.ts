import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { NotificationTarget } from '../notifications/notification.ts';
import { chunks } from '../values/chunks.ts';

/** SQS did not accept some messages of a batch. */
export class NotificationsNotSentError extends Error {
  override readonly name = 'NotificationsNotSentError';
}

/** Sends one message for each target, ten in a SendMessageBatch call. */
export function sqsNotificationQueue<About extends object = NotificationTarget>(
  sqs: SQSClient,
  queueUrl: string,
) {
  async function send(subjects: readonly About[], DelaySeconds: number): Promise<void> {
    for (const chunk of chunks(subjects, 10)) {
      const Entries = chunk.map((subject, index) => ({
        Id: String(index),
        MessageBody: JSON.stringify(subject),
        ...(DelaySeconds > 0 && { DelaySeconds }),
      }));
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      if (Failed.length > 0)
        throw new NotificationsNotSentError(
          `${Failed.length} of ${chunk.length} messages were not accepted by SQS: ${Failed[0]?.Message}`,
        );
    }
  }
  return {
    enqueue: (subjects: readonly About[]) => send(subjects, 0),
    enqueueAfter: (seconds: number, subjects: readonly About[]) =>
      send(subjects, Math.min(Math.max(Math.ceil(seconds), 1), 900)),
  };
}
