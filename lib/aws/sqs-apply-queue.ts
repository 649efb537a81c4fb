import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { formatAccountRegion } from '../locations/account-region.ts';
import type { ApplyQueue } from '../reconcile/apply-queue.ts';

/**
 * Sends to a FIFO queue with one message group for each location, so that no two invocations process a location at the same time.
 * @param id generates the deduplication id: SQS drops a message with an id of the last five minutes.
 */
export function sqsApplyQueue(sqs: SQSClient, queueUrl: string, id: () => string): ApplyQueue {
  return {
    async enqueue(location) {
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify({ location }),
          MessageGroupId: formatAccountRegion(location),
          MessageDeduplicationId: id(),
        }),
      );
    },
  };
}
