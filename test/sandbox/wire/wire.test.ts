import { CloudWatch } from '@aws-sdk/client-cloudwatch';
import { EC2 } from '@aws-sdk/client-ec2';
import { EventBridge } from '@aws-sdk/client-eventbridge';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { SSM } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AwsError, type AwsService } from '../../../sandbox/aws/aws-service.ts';
import { createCloudWatch } from '../../../sandbox/aws/cloudwatch.ts';
import { createEvents } from '../../../sandbox/aws/events.ts';
import { createSns } from '../../../sandbox/aws/sns.ts';
import { createSqs } from '../../../sandbox/aws/sqs.ts';
import { createSsm } from '../../../sandbox/aws/ssm.ts';
import { createIds, manualClock } from '../aws/manual-clock.ts';
import { serveServices, type TestServer } from './server.ts';

const clock = manualClock();
const id = createIds();
const { now } = clock;
const sqs = createSqs({ clock, id });
const sns = createSns({
  clock,
  id,
  origin: 'http://sandbox',
  deliver: ({ subscription, body }) => void sqs.deliver(subscription.endpoint, { body }),
});
const events = createEvents({ clock, id, deliver() {} });
const ssm = createSsm({ now });
const cloudwatch = createCloudWatch({ now });
const queueArn = 'arn:aws:sqs:us-east-1:111111111111:jobs';

const ec2: AwsService = {
  signingName: 'ec2',
  loadClient: () => import('@aws-sdk/client-ec2'),
  protocol: 'ec2Query',
  xmlNamespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  operations: {
    DescribeVpcEndpointConnections: (input) => ({
      VpcEndpointConnections: [{ ServiceId: JSON.stringify(input), CreationTimestamp: new Date(1000) }],
      NextToken: 'more',
    }),
    AcceptVpcEndpointConnections() {
      throw new AwsError('RequestLimitExceeded', 'slow down, <please>', 503);
    },
  },
};

let server: TestServer;
beforeAll(async () => {
  sqs.createQueue(queueArn);
  cloudwatch.createAlarm('arn:aws:cloudwatch:us-east-1:111111111111:alarm:old', {
    AlarmName: 'old',
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateAgeOfOldestMessage',
    Dimensions: [{ Name: 'QueueName', Value: 'jobs' }],
    Period: 60,
    Statistic: 'Maximum',
    EvaluationPeriods: 1,
    Threshold: 300,
    ComparisonOperator: 'GreaterThanThreshold',
  });
  server = await serveServices(
    [ec2, sqs.service, sns.service, events.service, ssm.service, cloudwatch.service],
    now,
  );
});
afterAll(() => server.close());

const provider = () => server.clientConfig('111111111111');

test('JSON 1.0: a message sent is received with its attributes, and gone once deleted', async () => {
  const client = new SQS(provider());
  const { QueueUrl } = await client.getQueueUrl({ QueueName: 'jobs' });
  const MessageAttributes = { colour: { DataType: 'String', StringValue: 'blue' } };
  await client.sendMessage({ QueueUrl, MessageBody: 'hello <&>', MessageAttributes });
  const { Messages = [] } = await client.receiveMessage({
    QueueUrl,
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['All'],
  });
  expect(Messages).toMatchObject([
    { Body: 'hello <&>', MessageAttributes, Attributes: { ApproximateReceiveCount: '1' } },
  ]);
  await client.deleteMessage({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle });
  expect(sqs.counts(queueArn)).toMatchObject({ visible: 0, handled: 0 });
});

test('JSON 1.0: errors have the code of the query protocol too', async () => {
  const client = new SQS(provider());
  const error = await client.getQueueUrl({ QueueName: 'none' }).catch((caught) => caught);
  expect(error).toMatchObject({
    name: 'QueueDoesNotExist',
    Code: 'AWS.SimpleQueueService.NonExistentQueue',
    $metadata: { httpStatusCode: 400 },
  });
});

test('an empty batch, an operation that is not modelled and a missing member are refused', async () => {
  const client = new SQS(provider());
  const QueueUrl = `${server.url}/111111111111/jobs`;
  await expect(client.sendMessageBatch({ QueueUrl, Entries: [] })).rejects.toThrow(
    expect.objectContaining({ name: 'EmptyBatchRequest' }),
  );
  await expect(client.tagQueue({ QueueUrl, Tags: {} })).rejects.toThrow(
    expect.objectContaining({ name: 'UnknownOperationException' }),
  );
  await expect(new SSM(provider()).getParameter({ Name: undefined })).rejects.toThrow(
    expect.objectContaining({ name: 'ValidationException' }),
  );
});

test('AWS query: a topic is created, subscribed to and published to, with maps and special characters', async () => {
  const client = new SNS(provider());
  const { TopicArn } = await client.createTopic({ Name: 'news' });
  const Attributes = { FilterPolicy: '{"colour":["<blue>"]}' };
  const subscribe = { TopicArn, Protocol: 'sqs', Endpoint: queueArn, Attributes };
  const { SubscriptionArn } = await client.subscribe(subscribe);
  const described = await client.getSubscriptionAttributes({ SubscriptionArn });
  expect(described.Attributes).toMatchObject({ ...Attributes, Owner: '111111111111' });
  const MessageAttributes = { colour: { DataType: 'String', StringValue: '<blue>' } };
  await client.publish({ TopicArn, Message: 'a & b', MessageAttributes });
  expect(sqs.receive(queueArn, 10).map(({ body }) => JSON.parse(body).Message)).toEqual(['a & b']);
});

test('AWS query: errors have the query code and status', async () => {
  const TopicArn = 'arn:aws:sns:us-east-1:111111111111:none';
  const sent = new SNS(provider()).publish({ TopicArn, Message: 'a' });
  await expect(sent).rejects.toMatchObject({
    name: 'NotFoundException',
    message: 'Topic does not exist',
    $metadata: { httpStatusCode: 404 },
  });
});

test('JSON 1.1: parameters have versions, dates and pages', async () => {
  const client = new SSM(provider());
  for (let count = 0; count < 12; count += 1)
    await client.putParameter({ Name: `/app/p${count}`, Value: 'secret', Type: 'SecureString' });
  const again = { Name: '/app/p0', Value: 'new', Type: 'SecureString' } as const;
  await expect(client.putParameter(again)).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
  await client.putParameter({ Name: '/app/p0', Value: 'new', Overwrite: true });

  const get = { Name: '/app/p0', WithDecryption: true };
  expect((await client.getParameter(get)).Parameter).toMatchObject({
    Value: 'new',
    Version: 2,
    LastModifiedDate: new Date(now()),
  });
  const first = await client.getParametersByPath({ Path: '/app' });
  const second = await client.getParametersByPath({ Path: '/app', NextToken: first.NextToken });
  expect([first.Parameters?.length, second.Parameters?.length, second.NextToken]).toEqual([10, 2, undefined]);
  expect(first.Parameters?.map(({ Value }) => Value)).not.toContain('secret');
  const none = { Name: '/app/none' };
  await expect(client.getParameter(none)).rejects.toMatchObject({ name: 'ParameterNotFound' });
});

test('JSON 1.1: each event of a call has its own result', async () => {
  const { FailedEntryCount, Entries = [] } = await new EventBridge(provider()).putEvents({
    Entries: [
      { Source: 'app', DetailType: 'happened', Detail: '{}' },
      { Source: 'app', DetailType: 'happened', Detail: 'no JSON' },
    ],
  });
  expect(FailedEntryCount).toBe(1);
  expect(Entries.map(({ ErrorCode }) => ErrorCode)).toEqual([undefined, 'MalformedDetail']);
});

test('CloudWatch returns JSON for JSON requests and XML for query requests', async () => {
  const { MetricAlarms = [] } = await new CloudWatch(provider()).describeAlarms({});
  expect(MetricAlarms).toMatchObject([{ AlarmName: 'old', StateValue: 'INSUFFICIENT_DATA' }]);
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      authorization: 'AWS4-HMAC-SHA256 Credential=111111111111/20260101/us-east-1/monitoring/aws4_request',
    },
    body: 'Action=DescribeAlarms&AlarmNames.member.1=old',
  });
  expect(await answer.text()).toContain('<MetricAlarms><member><AlarmName>old</AlarmName>');
});

test('EC2 query: requests have flat lists, responses have lists of items', async () => {
  const input = { Filters: [{ Name: 'service-id', Values: ['a', 'b'] }], MaxResults: 5 };
  const answer = await new EC2(provider()).describeVpcEndpointConnections(input);
  const [connection, ...otherConnections] = answer.VpcEndpointConnections ?? [];
  expect(JSON.parse(connection?.ServiceId ?? '')).toEqual(input);
  expect(connection?.CreationTimestamp).toEqual(new Date(1000));
  expect([otherConnections, answer.NextToken]).toEqual([[], 'more']);
});

test('EC2 query: errors have the form of EC2, also for an unknown action', async () => {
  const client = new EC2(provider());
  const accept = { ServiceId: 'a', VpcEndpointIds: ['b'] };
  await expect(client.acceptVpcEndpointConnections(accept)).rejects.toMatchObject({
    name: 'RequestLimitExceeded',
    message: 'slow down, <please>',
    $metadata: { httpStatusCode: 503 },
  });
  await expect(client.describeVpcs({})).rejects.toMatchObject({ name: 'InvalidAction' });
});
