import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { chunks } from '../chunks.ts';
import type { Notices, Subject } from './notice.ts';

/** Some messages of a batch were not taken. */
export class NoticesNotSentError extends Error {
  override readonly name = 'NoticesNotSentError';
}

/** Rings through a queue, ten subjects a call. */
export function sqsNotices(sqs: SQSClient, queueUrl: string): Notices {
  async function send(subjects: readonly Subject[], DelaySeconds: number): Promise<void> {
    for (const chunk of chunks(subjects, 10)) {
      const Entries = chunk.map((subject, index) => ({
        Id: String(index),
        MessageBody: JSON.stringify(subject),
        ...(DelaySeconds > 0 && { DelaySeconds }),
      }));
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      if (Failed.length > 0)
        throw new NoticesNotSentError(
          `${Failed.length} of ${chunk.length} were not sent: ${Failed[0]?.Message}`,
        );
    }
  }
  return {
    ring: (subjects) => send(subjects, 0),
    ringAfter: (seconds, subjects) => send(subjects, Math.min(Math.max(Math.ceil(seconds), 1), 900)),
  };
}
