import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { chunks } from '../values/chunks.ts';

/** SQS did not accept some messages of a batch. */
export class MessagesNotSentError extends Error {
  override readonly name = 'MessagesNotSentError';
}

const maxDelaySeconds = 900;
const messagesPerBatch = 10;

interface FifoOptions<Message> {
  /** No two invocations receive messages of one group at the same time. */
  readonly groupId: (message: Message) => string;
  /** SQS drops a message with a deduplication id of the last five minutes. */
  readonly newDeduplicationId: () => string;
}

/** Sends messages as JSON, ten in a SendMessageBatch call. The receiver parses them by the schema of `Message`. */
export function sqsQueue<Message extends object>(
  sqs: SQSClient,
  queueUrl: string,
  fifo?: FifoOptions<Message>,
) {
  return {
    /** @throws MessagesNotSentError */
    async enqueue(messages: readonly Message[], { afterSeconds } = { afterSeconds: 0 }): Promise<void> {
      const DelaySeconds = Math.min(Math.ceil(afterSeconds), maxDelaySeconds);
      for (const chunk of chunks(messages, messagesPerBatch)) {
        const Entries = chunk.map((message, position) => ({
          Id: String(position),
          MessageBody: JSON.stringify(message),
          ...(DelaySeconds > 0 && { DelaySeconds }),
          ...(fifo && {
            MessageGroupId: fifo.groupId(message),
            MessageDeduplicationId: fifo.newDeduplicationId(),
          }),
        }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        if (Failed.length > 0)
          throw new MessagesNotSentError(
            `${Failed.length} of ${chunk.length} messages were not accepted by SQS: ${Failed[0]?.Message}`,
          );
      }
    },
  };
}
