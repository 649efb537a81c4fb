import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ServiceCheckQueue, ServiceCheckRequest } from '../services/service-check-queue.ts';
import { chunks } from '../values/chunks.ts';

/** SQS did not accept some messages of a batch. */
export class ServiceChecksNotSentError extends Error {
  override readonly name = 'ServiceChecksNotSentError';
}

/** Sends one message for each service, ten in a SendMessageBatch call. */
export function sqsServiceCheckQueue(sqs: SQSClient, queueUrl: string, now: () => Date): ServiceCheckQueue {
  return {
    async enqueue(serviceIds, { afterSeconds } = { afterSeconds: 0 }) {
      for (const chunk of chunks(serviceIds, 10)) {
        const enqueuedAt = now().toISOString();
        const Entries = chunk.map((serviceId, index) => ({
          Id: String(index),
          MessageBody: JSON.stringify({ serviceId, enqueuedAt } satisfies ServiceCheckRequest),
          ...(afterSeconds > 0 && { DelaySeconds: afterSeconds }),
        }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        if (Failed.length > 0)
          throw new ServiceChecksNotSentError(
            `${Failed.length} of ${chunk.length} messages were not accepted by SQS: ${Failed[0]?.Message}`,
          );
      }
    },
  };
}
