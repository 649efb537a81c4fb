import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Runtime, settleEach } from '../runtime/runtime.ts';
import type { Malformed } from '../runtime/sqs-records.ts';

/** The dead-letter queue, for messages that no further delivery makes readable. */
export interface DeadLetters {
  send(message: Malformed): Promise<void>;
}

/** The most of what is wrong that goes with a message, in characters. */
const longestProblems = 1_000;

/** The dead-letter queue of a FIFO queue. What is wrong with a message goes with it as an attribute. */
export function sqsDeadLetters(sqs: SQSClient, queueUrl: string): DeadLetters {
  return {
    async send({ messageId, body, attributes: { MessageGroupId }, problems }) {
      // SQS takes no control characters in attributes; the body came through it as it is.
      const StringValue = problems.slice(0, longestProblems).replace(/[^\n\x20-\x7e]/g, '?');
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
 * Takes what is malformed out of a FIFO queue at once: there each failed delivery keeps its whole group waiting.
 * @returns what could not be taken out, to be delivered again.
 */
export async function dropMalformed(
  malformed: readonly Malformed[],
  deadLetters: DeadLetters,
  reportError: Runtime['reportError'],
): Promise<Malformed[]> {
  const results = await settleEach(malformed, (message) => deadLetters.send(message));
  return results.flatMap((result) => {
    if (!('error' in result)) return [];
    reportError(result.error);
    return [result.input];
  });
}
