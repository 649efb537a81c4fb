import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { sqsApplyQueue } from '../../lib/aws/sqs-apply-queue.ts';
import { hub } from '../builders.ts';
import { sdkClient } from '../doubles/sdk-client.ts';

test('rings of a place are one message group, and no ring is taken for a repetition of another', async () => {
  const { client, sent } = sdkClient<SQSClient>();
  const ids = ['first', 'second'];
  const bell = sqsApplyQueue(client, 'https://queue', () => ids.shift() ?? '');
  await bell.enqueue(hub);
  await bell.enqueue(hub);
  expect(sent.map(({ input }) => input)).toEqual(
    ['first', 'second'].map((MessageDeduplicationId) => ({
      QueueUrl: 'https://queue',
      MessageBody: JSON.stringify({ location: hub }),
      MessageGroupId: '111111111111/us-east-1',
      MessageDeduplicationId,
    })),
  );
});
