import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, test } from '@jest/globals';
import { awsDeployment } from '../../lib/aws/aws-deployment.ts';
import { topicArn } from '../builders.ts';
import { awsError } from '../doubles/sdk-client.ts';

const queueArn = 'arn:aws:sqs:us-east-1:111111111111:linkgate-test-apply-verdicts.fifo';

/** A deployment whose clients respond by command; paginators require instances of the real client classes. */
function createStubbedDeployment(answers: Readonly<Record<string, unknown>>) {
  const sent: unknown[] = [];
  function stubSend<Client extends object>(client: Client): Client {
    return Object.assign(client, {
      async send(command: { input: unknown }) {
        sent.push(command.input);
        const answer = answers[command.constructor.name.replace(/Command$/, '')] ?? {};
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
  }
  const region = { region: 'us-east-1' };
  const deployment = awsDeployment(
    {
      dynamodb: stubSend(new DynamoDBClient(region)),
      sns: stubSend(new SNSClient(region)),
      sqs: stubSend(new SQSClient(region)),
      ssm: stubSend(new SSMClient(region)),
    },
    { stage: 'test', tableName: 'linkgate-test', queueUrls: ['https://sqs/one'], topicArn },
  );
  return { deployment, sent };
}

describe('the table', () => {
  test('reports its status and its stream', async () => {
    const Table = { TableStatus: 'ACTIVE', StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' } };
    const { deployment } = createStubbedDeployment({ DescribeTable: { Table } });
    expect(await deployment.table()).toEqual({ status: 'ACTIVE', stream: 'NEW_AND_OLD_IMAGES' });
  });

  test.each([
    [{ TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' }, 'expiresAt'],
    [{ TimeToLiveStatus: 'ENABLING', AttributeName: 'expiresAt' }, 'expiresAt'],
    [{ TimeToLiveStatus: 'DISABLING', AttributeName: 'expiresAt' }, undefined],
    [{ TimeToLiveStatus: 'DISABLED' }, undefined],
  ])('with the TTL description %j has the TTL attribute %s', async (TimeToLiveDescription, attribute) => {
    const { deployment } = createStubbedDeployment({ DescribeTimeToLive: { TimeToLiveDescription } });
    expect(await deployment.readTtlAttribute()).toBe(attribute);
  });

  test.each([
    ['ENABLED', true],
    ['DISABLED', false],
  ])(
    'reports whether point-in-time recovery is enabled: %s',
    async (PointInTimeRecoveryStatus, isRecoverable) => {
      const { deployment } = createStubbedDeployment({
        DescribeContinuousBackups: {
          ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus } },
        },
      });
      expect(await deployment.hasPointInTimeRecovery()).toBe(isRecoverable);
    },
  );
});

describe('parameters', () => {
  test('are listed with their types and without their values', async () => {
    const Parameters = [{ Name: '/linkgate/test/links/signing-key', Type: 'SecureString' }];
    const { deployment, sent } = createStubbedDeployment({ DescribeParameters: { Parameters } });
    expect(await deployment.parameters()).toEqual(new Map([['links/signing-key', 'SecureString']]));
    expect(sent).toMatchObject([{ ParameterFilters: [{ Key: 'Name', Values: ['/linkgate/test/'] }] }]);
  });

  test('contain the API URL, and only ParameterNotFound counts as an absent URL', async () => {
    const withParameter = createStubbedDeployment({ GetParameter: { Parameter: { Value: 'https://api' } } });
    expect(await withParameter.deployment.apiUrl()).toBe('https://api');
    const missing = new ParameterNotFound({ message: 'not there', $metadata: {} });
    expect(await createStubbedDeployment({ GetParameter: missing }).deployment.apiUrl()).toBeUndefined();
    const denied = createStubbedDeployment({ GetParameter: awsError('AccessDeniedException') });
    await expect(denied.deployment.apiUrl()).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

test('a queue reports its number of messages and its dead-letter queue', async () => {
  const Attributes = {
    QueueArn: queueArn,
    ApproximateNumberOfMessages: '3',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `${queueArn}-dead`, maxReceiveCount: 5 }),
  };
  const { deployment } = createStubbedDeployment({ GetQueueAttributes: { Attributes } });
  expect(await deployment.queue('https://sqs/one')).toEqual({
    url: 'https://sqs/one',
    arn: queueArn,
    visibleMessages: 3,
    deadLetterQueueArn: `${queueArn}-dead`,
  });
});

test('only SQS subscriptions of the topic are listed', async () => {
  const Subscriptions = [
    { Protocol: 'sqs', Endpoint: queueArn },
    { Protocol: 'email', Endpoint: 'somebody@example.com' },
  ];
  const { deployment } = createStubbedDeployment({ ListSubscriptionsByTopic: { Subscriptions } });
  expect(await deployment.listTopicQueues()).toEqual([queueArn]);
});
