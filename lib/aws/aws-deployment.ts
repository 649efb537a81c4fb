import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { paginateListSubscriptionsByTopic, type SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import {
  GetParameterCommand,
  ParameterNotFound,
  paginateDescribeParameters,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import * as v from 'valibot';
import type { Deployment, QueueState } from '../doctor/deployment.ts';

interface DeploymentClients {
  readonly dynamodb: DynamoDBClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly ssm: SSMClient;
}

interface DeploymentNames {
  readonly stage: string;
  readonly tableName: string;
  readonly queueUrls: readonly string[];
  readonly topicArn: string;
}

const RedriveTarget = v.pipe(v.string(), v.parseJson(), v.object({ deadLetterTargetArn: v.string() }));

export function awsDeployment(
  { dynamodb, sns, sqs, ssm }: DeploymentClients,
  names: DeploymentNames,
): Deployment {
  const { stage, tableName, queueUrls, topicArn } = names;
  const path = `/linkgate/${stage}/`;

  async function readQueueState(url: string): Promise<QueueState> {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: url,
        AttributeNames: ['QueueArn', 'ApproximateNumberOfMessages', 'RedrivePolicy'],
      }),
    );
    const { QueueArn = '', ApproximateNumberOfMessages = '0', RedrivePolicy } = Attributes;
    return {
      url,
      arn: QueueArn,
      visibleMessages: Number(ApproximateNumberOfMessages),
      deadLetterQueueArn: RedrivePolicy && v.parse(RedriveTarget, RedrivePolicy).deadLetterTargetArn,
    };
  }

  return {
    stage,
    tableName,
    async table() {
      const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: tableName }));
      return { status: Table?.TableStatus ?? '', stream: Table?.StreamSpecification?.StreamViewType };
    },
    async readTtlAttribute() {
      const { TimeToLiveDescription } = await dynamodb.send(
        new DescribeTimeToLiveCommand({ TableName: tableName }),
      );
      const { TimeToLiveStatus, AttributeName } = TimeToLiveDescription ?? {};
      return TimeToLiveStatus === 'ENABLED' || TimeToLiveStatus === 'ENABLING' ? AttributeName : undefined;
    },
    async hasPointInTimeRecovery() {
      const { ContinuousBackupsDescription } = await dynamodb.send(
        new DescribeContinuousBackupsCommand({ TableName: tableName }),
      );
      const { PointInTimeRecoveryDescription } = ContinuousBackupsDescription ?? {};
      return PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED';
    },
    async parameters() {
      const types = new Map<string, string>();
      for await (const { Parameters = [] } of paginateDescribeParameters(
        { client: ssm },
        { ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: [path] }] },
      ))
        for (const { Name = '', Type = '' } of Parameters) types.set(Name.slice(path.length), Type);
      return types;
    },
    async apiUrl() {
      try {
        const { Parameter } = await ssm.send(new GetParameterCommand({ Name: `${path}api-url` }));
        return Parameter?.Value;
      } catch (error) {
        if (error instanceof ParameterNotFound) return undefined;
        throw error;
      }
    },
    queueUrls,
    queue: readQueueState,
    async listTopicQueues() {
      const arns: string[] = [];
      for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic(
        { client: sns },
        { TopicArn: topicArn },
      ))
        for (const { Protocol, Endpoint = '' } of Subscriptions) if (Protocol === 'sqs') arns.push(Endpoint);
      return arns;
    },
  };
}
