import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { placeName } from '../place.ts';
import type { WorkBell } from './work-bell.ts';

/**
 * Rings through a FIFO queue with one message group a place, so that a place is never worked on twice at once.
 * @param id makes each ring its own: an equal one within five minutes would be swallowed as a duplicate.
 */
export function sqsWorkBell(sqs: SQSClient, queueUrl: string, id: () => string): WorkBell {
  return {
    async ring(place) {
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify({ place }),
          MessageGroupId: placeName(place),
          MessageDeduplicationId: id(),
        }),
      );
    },
  };
}
