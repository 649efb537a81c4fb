import type { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { MessagesNotSentError, sqsQueue } from '../../lib/aws/sqs-queue.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const QueueUrl = 'https://queue';
const messages = Array.from({ length: 12 }, (_, number) => ({ number }));

function createStubbedQueue(...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<SQSClient>(...answers);
  return { client, queue: sqsQueue<{ number: number }>(client, QueueUrl), sent };
}

describe('messages are sent', () => {
  test('in batches of ten', async () => {
    const { queue, sent } = createStubbedQueue();
    await queue.enqueue(messages);
    expect(sent.map(({ command }) => command)).toEqual(['SendMessageBatch', 'SendMessageBatch']);
    expect(sent[1]?.input).toEqual({
      QueueUrl,
      Entries: [
        { Id: '0', MessageBody: '{"number":10}' },
        { Id: '1', MessageBody: '{"number":11}' },
      ],
    });
  });

  test('without a call for an empty list', async () => {
    const { queue, sent } = createStubbedQueue();
    await queue.enqueue([], { afterSeconds: 5 });
    expect(sent).toEqual([]);
  });

  test.each([
    [0.2, 1],
    [30, 30],
    [3_600, 900],
  ])('with a delay within the limits of SQS: %d seconds become %d', async (afterSeconds, DelaySeconds) => {
    const { queue, sent } = createStubbedQueue();
    await queue.enqueue([{ number: 1 }], { afterSeconds });
    expect(sent[0]?.input).toMatchObject({ Entries: [{ DelaySeconds }] });
  });

  test('to a FIFO queue with a group, and each with its own deduplication id', async () => {
    const { client, sent } = createStubbedQueue();
    const ids = ['first', 'second'];
    const newDeduplicationId = () => ids.shift() ?? '';
    const groupId = ({ number }: { number: number }) => `group ${number}`;
    await sqsQueue(client, QueueUrl, { groupId, newDeduplicationId }).enqueue([{ number: 7 }, { number: 7 }]);
    expect(sent[0]?.input).toMatchObject({
      Entries: ['first', 'second'].map((MessageDeduplicationId) => ({
        MessageGroupId: 'group 7',
        MessageDeduplicationId,
      })),
    });
  });

  test('or an error names the messages that SQS did not accept', async () => {
    const { queue } = createStubbedQueue({ Failed: [{ Id: '0', Message: 'throttled' }] });
    await expect(queue.enqueue(messages.slice(0, 2))).rejects.toThrow(
      new MessagesNotSentError('1 of 2 messages were not accepted by SQS: throttled'),
    );
  });
});
