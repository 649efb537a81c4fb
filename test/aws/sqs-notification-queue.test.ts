import type { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { NotificationsNotSentError, sqsNotificationQueue } from '../../lib/aws/sqs-notification-queue.ts';
import { endpointId } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const subjects = Array.from({ length: 12 }, (_, index) => ({ endpointId: endpointId(index) }));

function createStubbedQueue(...answers: readonly unknown[]) {
  const { client, sent } = stubSdkClient<SQSClient>(...answers);
  return { notificationQueue: sqsNotificationQueue(client, 'https://queue'), sent };
}

describe('notifications are enqueued', () => {
  test('in batches of ten targets', async () => {
    const { notificationQueue, sent } = createStubbedQueue();
    await notificationQueue.enqueue(subjects);
    expect(sent.map(({ input }) => (input as { Entries: unknown[] }).Entries.length)).toEqual([10, 2]);
    expect(sent[1]?.input).toEqual({
      QueueUrl: 'https://queue',
      Entries: subjects
        .slice(10)
        .map((subject, index) => ({ Id: `${index}`, MessageBody: JSON.stringify(subject) })),
    });
  });

  test('without a call for an empty list', async () => {
    const { notificationQueue, sent } = createStubbedQueue();
    await notificationQueue.enqueue([]);
    await notificationQueue.enqueueAfter(5, []);
    expect(sent).toEqual([]);
  });

  test.each([
    [0.2, 1],
    [30, 30],
    [3_600, 900],
  ])('with a delay within the limits of SQS: %d seconds become %d', async (seconds, DelaySeconds) => {
    const { notificationQueue, sent } = createStubbedQueue();
    await notificationQueue.enqueueAfter(seconds, [{ digest: 'digest-1' }]);
    expect(sent[0]?.input).toMatchObject({ Entries: [{ DelaySeconds }] });
  });

  test('or an error names the messages that SQS did not accept', async () => {
    const { notificationQueue } = createStubbedQueue({ Failed: [{ Id: '0', Message: 'throttled' }] });
    await expect(notificationQueue.enqueue(subjects.slice(0, 2))).rejects.toThrow(NotificationsNotSentError);
  });
});
