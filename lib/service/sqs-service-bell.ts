import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { chunks } from '../chunks.ts';
import type { ServiceBell, ServiceRing } from './service-bell.ts';

/** Some rings were not taken. */
export class ServicesNotRungError extends Error {
  override readonly name = 'ServicesNotRungError';
}

/** Rings through a queue, ten services a call. */
export function sqsServiceBell(sqs: SQSClient, queueUrl: string, now: () => Date): ServiceBell {
  return {
    async ring(serviceIds, { afterSeconds } = { afterSeconds: 0 }) {
      for (const chunk of chunks(serviceIds, 10)) {
        const rungAt = now().toISOString();
        const Entries = chunk.map((serviceId, index) => ({
          Id: String(index),
          MessageBody: JSON.stringify({ serviceId, rungAt } satisfies ServiceRing),
          ...(afterSeconds > 0 && { DelaySeconds: afterSeconds }),
        }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        if (Failed.length > 0)
          throw new ServicesNotRungError(
            `${Failed.length} of ${chunk.length} were not sent: ${Failed[0]?.Message}`,
          );
      }
    },
  };
}
