import type { SNSClient } from '@aws-sdk/client-sns';
import { expect, test } from '@jest/globals';
import { snsEmailSender } from '../../lib/aws/sns-email-sender.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

test('an e-mail is published with its address in lower case, as in the filter policy', async () => {
  const { client, sent } = stubSdkClient<SNSClient>();
  await snsEmailSender(client, 'arn:topic', 'approver').send('Alice@example.com', {
    subject: 'A request',
    text: 'It waits.',
  });
  expect(sent).toEqual([
    {
      command: 'Publish',
      input: {
        TopicArn: 'arn:topic',
        Subject: 'A request',
        Message: 'It waits.',
        MessageAttributes: { approver: { DataType: 'String', StringValue: 'alice@example.com' } },
      },
    },
  ]);
});
