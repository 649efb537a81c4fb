import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Runtime, settleEach } from '../runtime/runtime.ts';
import type { MalformedMessage } from '../runtime/sqs-records.ts';

/** The dead-letter queue for malformed messages, which no retry can fix. */
export interface DeadLetterQueue {
  send(message: MalformedMessage): Promise<void>;
}

/** The maximum length of the attribute `problems`, in characters. */
const maxProblemsLength = 1_000;

/** Sends to the dead-letter queue of a FIFO queue. The attribute `problems` lists the problems of the message. */
export function sqsDeadLetterQueue(sqs: SQSClient, queueUrl: string): DeadLetterQueue {
  return {
    async send({ messageId, body, attributes: { MessageGroupId }, problems }) {
      // SQS allows no control characters in attributes. The body came from SQS and is valid.
      const StringValue = problems.slice(0, maxProblemsLength).replace(/[^\n\x20-\x7e]/g, '?');
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: body,
          MessageGroupId: MessageGroupId ?? messageId,
          MessageDeduplicationId: messageId,
          MessageAttributes: { problems: { DataType: 'String', StringValue } },
        }),
      );
    },
  };
}

/**
 * Moves malformed messages of a FIFO queue to its dead-letter queue at once, because each failed delivery would block the message
 * group.
 * @returns the messages that it could not move, for another delivery.
 */
export async function deadLetterMalformed(
  malformed: readonly MalformedMessage[],
  deadLetters: DeadLetterQueue,
  reportError: Runtime['reportError'],
): Promise<MalformedMessage[]> {
  const results = await settleEach(malformed, (message) => deadLetters.send(message));
  return results.flatMap((result) => {
    if (!('error' in result)) return [];
    reportError(result.error, 'send to dead-letter queue');
    return [result.input];
  });
}
