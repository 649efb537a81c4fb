import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { formatAccountRegion } from '../locations/account-region.ts';
import type { ApplyQueue } from '../reconcile/apply-queue.ts';

/**
 * Rings through a FIFO queue with one message group a place, so that a place is never worked on twice at once.
 * @param id makes each ring its own: an equal one within five minutes would be swallowed as a duplicate.
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
