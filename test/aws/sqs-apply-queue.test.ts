import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { sqsApplyQueue } from '../../lib/aws/sqs-apply-queue.ts';
import { hub } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

test('rings of a place are one message group, and no ring is taken for a repetition of another', async () => {
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
