import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Runtime, settleEach } from '../runtime/runtime.ts';
import type { MalformedMessage } from '../runtime/sqs-records.ts';

/** The dead-letter queue, for messages that no further delivery makes readable. */
export interface DeadLetterQueue {
  send(message: MalformedMessage): Promise<void>;
}

/** The most of what is wrong that goes with a message, in characters. */
const maxProblemsLength = 1_000;

/** The dead-letter queue of a FIFO queue. What is wrong with a message goes with it as an attribute. */
export function sqsDeadLetterQueue(sqs: SQSClient, queueUrl: string): DeadLetterQueue {
  return {
    async send({ messageId, body, attributes: { MessageGroupId }, problems }) {
      // SQS takes no control characters in attributes; the body came through it as it is.
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
 * Takes what is malformed out of a FIFO queue at once: there each failed delivery keeps its whole group waiting.
 * @returns what could not be taken out, to be delivered again.
 */
export async function deadLetterMalformed(
  malformed: readonly MalformedMessage[],
  deadLetters: DeadLetterQueue,
  reportError: Runtime['reportError'],
): Promise<MalformedMessage[]> {
  const results = await settleEach(malformed, (message) => deadLetters.send(message));
  return results.flatMap((result) => {
    if (!('error' in result)) return [];
    reportError(result.error);
    return [result.input];
  });
}
