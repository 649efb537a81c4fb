import { expect, test } from '@jest/globals';
import { createSns, type Delivery } from '../../../sandbox/aws/sns.ts';
import { createIds, manualClock } from './manual-clock.ts';

const topicArn = 'arn:aws:sns:us-east-1:111111111111:connections';
const queueArn = 'arn:aws:sqs:us-east-1:111111111111:notifications';
const serviceArn = 'arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/vpce-svc-1';

function aTopic() {
  const deliveries: Delivery[] = [];
  const sns = createSns({
    clock: manualClock(),
    id: createIds(),
    origin: 'http://sandbox',
    deliver: (delivery) => void deliveries.push(delivery),
  });
  const Policy = JSON.stringify({
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'vpce.amazonaws.com' },
      Action: 'SNS:Publish',
      Resource: topicArn,
      Condition: {
        StringEquals: { 'aws:SourceAccount': '111111111111' },
        ArnLike: { 'aws:SourceArn': 'arn:aws:ec2:us-east-1:111111111111:vpc-endpoint-service/*' },
      },
    },
  });
  sns.createTopic(topicArn, { Policy });
  sns.subscribe(topicArn, 'sqs', queueArn);
  return { sns, deliveries };
}

test('a subscriber gets the message in the documented envelope', () => {
  const { sns, deliveries } = aTopic();
  sns.publish(
    topicArn,
    { message: 'hello', subject: 'Hi' },
    { service: 'vpce.amazonaws.com', sourceArn: serviceArn },
  );
  expect(deliveries).toHaveLength(1);
  expect(JSON.parse(deliveries[0]?.body ?? '')).toMatchObject({
    Type: 'Notification',
    TopicArn: topicArn,
    Subject: 'Hi',
    Message: 'hello',
    Timestamp: '2026-01-01T00:00:00.000Z',
  });
});

test('a service publishes only on behalf of the sources in the policy', () => {
  const { sns, deliveries } = aTopic();
  const otherServiceArn = serviceArn.replace('111111111111', '222222222222');
  const publication = { message: 'hello' };
  expect(
    sns.publish(topicArn, publication, { service: 'vpce.amazonaws.com', sourceArn: otherServiceArn }),
  ).toBe(false);
  expect(sns.publish(topicArn, publication, { service: 's3.amazonaws.com', sourceArn: serviceArn })).toBe(
    false,
  );
  expect(deliveries).toEqual([]);
});

test('a topic policy allows another account to publish', () => {
  const { sns, deliveries } = aTopic();
  const as = (accountId: string) => ({
    caller: { accountId, region: 'us-east-1', principal: 'root', arn: `arn:aws:iam::${accountId}:root` },
    now: 0,
    origin: 'http://sandbox',
  });
  const { SetTopicAttributes, Publish } = sns.service.operations;
  const publish = () => Publish?.({ TopicArn: topicArn, Message: 'hello' } as never, as('222222222222'));
  const set = (AttributeValue: string, AttributeName = 'Policy') =>
    SetTopicAttributes?.({ TopicArn: topicArn, AttributeName, AttributeValue } as never, as('111111111111'));
  expect(publish).toThrow('not authorized');
  expect(() => set('{')).toThrow('Policy');
  expect(() => set('x', 'DeliveryPolicy')).toThrow('not modelled');
  const Principal = { AWS: 'arn:aws:iam::222222222222:root' };
  set(
    JSON.stringify({ Statement: { Effect: 'Allow', Principal, Action: 'sns:Publish', Resource: topicArn } }),
  );
  publish();
  expect(deliveries).toHaveLength(1);
});
