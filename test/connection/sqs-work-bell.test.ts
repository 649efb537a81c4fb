import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { sqsDoorbell } from '../../lib/connection/sqs-doorbell.ts';
import { hub } from '../builders.ts';
import { sdkClient } from '../doubles/sdk-client.ts';

test('rings of a place are one message group, and no ring is taken for a repetition of another', async () => {
  const { client, sent } = sdkClient<SQSClient>();
  const ids = ['first', 'second'];
  const doorbell = sqsDoorbell(client, 'https://queue', () => ids.shift() ?? '');
  await doorbell.ring(hub);
  await doorbell.ring(hub);
  expect(sent.map(({ input }) => input)).toEqual(
    ['first', 'second'].map((MessageDeduplicationId) => ({
      QueueUrl: 'https://queue',
      MessageBody: JSON.stringify({ place: hub }),
      MessageGroupId: '111111111111/us-east-1',
      MessageDeduplicationId,
    })),
  );
});
