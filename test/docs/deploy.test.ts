import { describe, expect, test } from '@jest/globals';
import { readTemplate, typesIn } from './package.ts';
import { readPage } from './page.ts';

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

const policy: { Statement: readonly Statement[] } = JSON.parse(
  readPage('docs/deploy.md').fences.find(({ language }) => language === 'json')?.text ?? '',
);
const granted = new Set(policy.Statement.flatMap(({ Action }) => Action));

const http = ['GET', 'POST', 'PATCH', 'DELETE'].map((method) => `apigateway:${method}`);

/** What CloudFormation calls at the least to create, change and remove a resource of each type. */
const calledFor: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGatewayV2::Api': http,
  'AWS::ApiGatewayV2::Integration': http,
  'AWS::ApiGatewayV2::Route': http,
  'AWS::ApiGatewayV2::Stage': [
    ...http,
    'logs:CreateLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:PutResourcePolicy',
  ],
  'AWS::CloudWatch::Alarm': [
    'cloudwatch:PutMetricAlarm',
    'cloudwatch:DeleteAlarms',
    'cloudwatch:DescribeAlarms',
  ],
  'AWS::DynamoDB::Table': [
    'dynamodb:CreateTable',
    'dynamodb:DescribeTable',
    'dynamodb:UpdateTable',
    'dynamodb:UpdateTimeToLive',
    'dynamodb:UpdateContinuousBackups',
  ],
  'AWS::Events::EventBus': ['events:CreateEventBus', 'events:DeleteEventBus', 'events:DescribeEventBus'],
  'AWS::Events::Rule': ['events:PutRule', 'events:DeleteRule', 'events:PutTargets', 'events:RemoveTargets'],
  'AWS::IAM::ManagedPolicy': [
    'iam:CreatePolicy',
    'iam:DeletePolicy',
    'iam:CreatePolicyVersion',
    'iam:DeletePolicyVersion',
  ],
  'AWS::IAM::Role': [
    'iam:CreateRole',
    'iam:DeleteRole',
    'iam:UpdateRole',
    'iam:UpdateAssumeRolePolicy',
    'iam:PutRolePolicy',
    'iam:DeleteRolePolicy',
    'iam:PassRole',
  ],
  'AWS::Lambda::EventInvokeConfig': [
    'lambda:PutFunctionEventInvokeConfig',
    'lambda:DeleteFunctionEventInvokeConfig',
  ],
  'AWS::Lambda::EventSourceMapping': [
    'lambda:CreateEventSourceMapping',
    'lambda:UpdateEventSourceMapping',
    'lambda:DeleteEventSourceMapping',
  ],
  'AWS::Lambda::Function': [
    'lambda:CreateFunction',
    'lambda:UpdateFunctionCode',
    'lambda:UpdateFunctionConfiguration',
    'lambda:PutFunctionRecursionConfig',
    'lambda:DeleteFunction',
    's3:GetObject',
  ],
  'AWS::Lambda::Permission': ['lambda:AddPermission', 'lambda:RemovePermission'],
  'AWS::Logs::LogGroup': ['logs:CreateLogGroup', 'logs:DeleteLogGroup', 'logs:PutRetentionPolicy'],
  'AWS::Logs::MetricFilter': ['logs:PutMetricFilter', 'logs:DeleteMetricFilter'],
  'AWS::S3::Bucket': ['s3:CreateBucket', 's3:DeleteBucket', 's3:PutEncryptionConfiguration'],
  'AWS::S3::BucketPolicy': ['s3:PutBucketPolicy', 's3:DeleteBucketPolicy'],
  'AWS::SNS::Subscription': ['sns:Subscribe', 'sns:Unsubscribe', 'sns:SetSubscriptionAttributes'],
  'AWS::SNS::Topic': ['sns:CreateTopic', 'sns:DeleteTopic', 'sns:SetTopicAttributes'],
  'AWS::SNS::TopicPolicy': ['sns:SetTopicAttributes'],
  'AWS::SQS::Queue': ['sqs:CreateQueue', 'sqs:DeleteQueue', 'sqs:SetQueueAttributes'],
  'AWS::SQS::QueuePolicy': ['sqs:SetQueueAttributes'],
  'AWS::SSM::Parameter': ['ssm:PutParameter', 'ssm:DeleteParameter'],
};

describe('the policy for who deploys', () => {
  test.each([...new Set(typesIn(readTemplate()))].sort())('permits what %s takes', (type) => {
    expect(calledFor).toHaveProperty([type]);
    expect(calledFor[type]?.filter((action) => !granted.has(action))).toEqual([]);
  });

  test('names its actions one by one', () => {
    expect([...granted].filter((action) => action.includes('*'))).toEqual([]);
  });

  test('reaches beyond linkgate’s names only where AWS has no names to give', () => {
    const isNamed = ({ Resource, Condition }: Statement) =>
      [Resource].flat().every((arn) => arn.includes('linkgate')) || Condition !== undefined;
    const wide = policy.Statement.filter((statement) => !isNamed(statement)).map(({ Sid }) => Sid);
    expect(wide).toEqual(['WithoutNames', 'Functions', 'LogsOfTheApi', 'Api']);
  });
});
