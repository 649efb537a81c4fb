import type { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { deadLetterMalformed, sqsDeadLetterQueue } from '../../lib/aws/sqs-dead-letter-queue.ts';
import type { MalformedMessage } from '../../lib/runtime/sqs-records.ts';
import { awsError, stubSdkClient } from '../doubles/sdk-client.ts';

function aMalformed(messageId: string, problems = 'no JSON'): MalformedMessage {
  const attributes = { MessageGroupId: '111111111111/us-east-1' };
  return { messageId, body: '{', attributes, problems } as unknown as MalformedMessage & SQSRecord;
}

test('a malformed message goes to the dead-letter queue unchanged, with its problems as an attribute', async () => {
  const { client, sent } = stubSdkClient<SQSClient>();
  const remaining = await deadLetterMalformed(
    [aMalformed('m-1')],
    sqsDeadLetterQueue(client, 'https://dead'),
    () => {},
  );
  expect(remaining).toEqual([]);
  expect(sent.map(({ input }) => input)).toEqual([
    {
      QueueUrl: 'https://dead',
      MessageBody: '{',
      MessageGroupId: '111111111111/us-east-1',
      MessageDeduplicationId: 'm-1',
      MessageAttributes: { problems: { DataType: 'String', StringValue: 'no JSON' } },
    },
  ]);
});

test('the problems are truncated and contain only characters that SQS allows', async () => {
  const { client, sent } = stubSdkClient<SQSClient>();
  const problems = `received "\u001b\u0000ü"${'!'.repeat(2_000)}`;
  await sqsDeadLetterQueue(client, 'https://dead').send(aMalformed('m-1', problems));
  const attributeValue = `received "???"${'!'.repeat(1_000)}`.slice(0, 1_000);
  expect(sent).toMatchObject([
    { input: { MessageAttributes: { problems: { StringValue: attributeValue } } } },
  ]);
});

test('a message that the dead-letter queue does not accept is delivered again, and the others are moved', async () => {
  const { client, sent } = stubSdkClient<SQSClient>(awsError('RequestThrottled'), {});
  const errors: unknown[] = [];
  const two = [aMalformed('m-1'), aMalformed('m-2')];
  const remaining = await deadLetterMalformed(two, sqsDeadLetterQueue(client, 'https://dead'), (error) =>
    errors.push(error),
  );
  expect(remaining.map(({ messageId }) => messageId)).toEqual(['m-1']);
  expect(sent).toHaveLength(2);
  expect(errors).toMatchObject([{ name: 'RequestThrottled' }]);
});
