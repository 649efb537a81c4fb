import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { sqsApplyQueue } from '../../lib/aws/sqs-apply-queue.ts';
import { hub } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

test('messages of a location form one message group, and each has its own deduplication id', async () => {
  const { client, sent } = stubSdkClient<SQSClient>();
  const ids = ['first', 'second'];
  const applyQueue = sqsApplyQueue(client, 'https://queue', () => ids.shift() ?? '');
  await applyQueue.enqueue(hub);
  await applyQueue.enqueue(hub);
  expect(sent.map(({ input }) => input)).toEqual(
    ['first', 'second'].map((MessageDeduplicationId) => ({
      QueueUrl: 'https://queue',
      MessageBody: JSON.stringify({ location: hub }),
      MessageGroupId: '111111111111/us-east-1',
      MessageDeduplicationId,
    })),
  );
});
