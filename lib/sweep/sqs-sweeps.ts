import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Sweeps } from './sweeps.ts';

export function sqsSweeps(sqs: SQSClient, queueUrl: string): Sweeps {
  return {
    async request(sweep, { afterSeconds } = { afterSeconds: 0 }) {
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
