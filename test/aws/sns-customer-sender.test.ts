import { type SNSClient, SNSServiceException } from '@aws-sdk/client-sns';
import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { snsCustomerSender } from '../../lib/aws/sns-customer-sender.ts';
import { CustomerMessage, DeliveryRejectedError } from '../../lib/customer-notifications/customer-sender.ts';
import { consumer, endpointId, serviceId } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const topicArn = 'arn:aws:sns:eu-west-1:033333333333:linkgate-notices';
const mail = { subject: 'Waiting', text: 'It waits.' };
const buildEvent = (number: number) => ({
  event: 'waiting' as const,
  endpointId: endpointId(number),
  ownerAccountId: consumer,
  region: 'eu-west-1',
  service: 'orders',
  serviceId: serviceId(1),
  serviceName: `com.amazonaws.vpce.us-east-1.${serviceId(1)}`,
});

function aPost() {
  const { client, sent } = stubSdkClient<SNSClient>();
  const mails: unknown[] = [];
  const regions: string[] = [];
  const post = snsCustomerSender({ send: async (...all) => void mails.push(all) }, (region) => {
    regions.push(region);
    return client;
  });
  return { post, sent, mails, regions };
}

test('a notification is published in the Region of the topic, with attributes for filter policies', async () => {
  const { post, sent, regions } = aPost();
  await post.send({ topicArn }, mail, [buildEvent(1)]);
  expect(regions).toEqual(['eu-west-1']);
  expect(sent).toMatchObject([
    {
      input: {
        TopicArn: topicArn,
        Subject: 'Waiting',
        Message: 'It waits.',
        MessageAttributes: {
          event: { DataType: 'String', StringValue: 'waiting' },
          serviceId: { DataType: 'String', StringValue: serviceId(1) },
          endpointId: { DataType: 'String', StringValue: endpointId(1) },
        },
      },
    },
  ]);
});

test('several events are one message, which lists as many as fit', async () => {
  const { post, sent } = aPost();
  await post.send(
    { topicArn },
    mail,
    Array.from({ length: 250 }, (_, index) => buildEvent(index + 1)),
  );
  const [{ input }] = sent as unknown as [
    { input: { MessageAttributes: Record<string, { StringValue: string }> } },
  ];
  const { linkgate, endpointId: one } = input.MessageAttributes;
  const notice = v.parse(CustomerMessage, JSON.parse(linkgate?.StringValue ?? ''));
  expect([notice.news.length, notice.more, one]).toEqual([200, 50, undefined]);
});

test('an e-mail address is notified through linkgate’s own topic', async () => {
  const { post, sent, mails } = aPost();
  await post.send({ email: 'ops@example.com' }, mail, [buildEvent(1)]);
  expect([sent, mails]).toEqual([[], [['ops@example.com', mail]]]);
});

test.each([
  ['AuthorizationErrorException', 'client', true],
  ['NotFoundException', 'client', true],
  ['KMSAccessDeniedException', 'client', true],
  ['ThrottledException', 'client', false],
  ['InternalErrorException', 'server', false],
] as const)('the SNS error %s with the fault %s is permanent: %s', async (name, $fault, isRefusal) => {
  const error = new SNSServiceException({ name, $fault, message: 'no', $metadata: {} });
  const post = snsCustomerSender(
    { send: async () => {} },
    () => ({ send: () => Promise.reject(error) }) as never,
  );
  const thrown = await post.send({ topicArn }, mail, [buildEvent(1)]).catch((caught: unknown) => caught);
  expect(thrown instanceof DeliveryRejectedError).toBe(isRefusal);
});
