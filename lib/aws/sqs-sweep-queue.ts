import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SweepQueue } from '../sweep/sweep-queue.ts';

export function sqsSweepQueue(sqs: SQSClient, queueUrl: string): SweepQueue {
  return {
    async enqueue(sweep, { afterSeconds } = { afterSeconds: 0 }) {
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(sweep),
          DelaySeconds: afterSeconds,
        }),
      );
    },
  };
}
