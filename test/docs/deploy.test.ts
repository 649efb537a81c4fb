import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readTemplate, resourceTypes } from './package.ts';
import { findSection, parseTable, readPage, readPages, root } from './page.ts';

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

const policies = globSync('docs/deploy-policy-*.json', { cwd: root }).map((path) => ({
  path,
  text: readFileSync(`${root}${path}`, 'utf8'),
}));
const statements: readonly Statement[] = policies.flatMap(({ text }) => JSON.parse(text).Statement);
const granted = new Set(statements.flatMap(({ Action }) => Action));

const http = ['GET', 'POST', 'PATCH', 'DELETE'].map((method) => `apigateway:${method}`);

/** The actions that CloudFormation needs at least to create, update and delete each resource type. */
const calledFor: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGatewayV2::Api': [...http, 'iam:CreateServiceLinkedRole'],
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
    // CloudFormation deletes the resource when it rolls back.
    'dynamodb:DeleteTable',
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

describe('the IAM policies for deployment', () => {
  test.each(policies)('$path fits the size limit of a managed policy, without white space', ({ text }) => {
    expect(text.replaceAll(/\s/g, '').length).toBeLessThanOrEqual(6_144);
  });

  test('are named on the page and in the command that creates them', () => {
    const { text } = readPage('docs/deploy.md');
    const parts = policies.map(({ path }) => path.replace(/.*deploy-policy-(.*)\.json/, '$1'));
    for (const part of parts) expect(text).toContain(`(deploy-policy-${part}.json)`);
    expect(/^for part in (.*); do$/m.exec(text)?.[1]?.split(' ').sort()).toEqual(parts.sort());
  });

  test('hold in every partition', () => {
    expect(policies.flatMap(({ text }) => text.match(/arn:(?!\*:)[^"]*/g) ?? [])).toEqual([]);
  });

  test('allow creating the service-linked role of API Gateway and no other role', () => {
    const role = 'role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway';
    expect(
      statements.filter(({ Action }) => [Action].flat().includes('iam:CreateServiceLinkedRole')),
    ).toEqual([
      expect.objectContaining({
        Resource: `arn:*:iam::111122223333:${role}`,
        Condition: { StringEquals: { 'iam:AWSServiceName': 'ops.apigateway.amazonaws.com' } },
      }),
    ]);
  });

  test.each([...new Set(resourceTypes(readTemplate()))].sort())(
    'allow the actions that CloudFormation needs for %s',
    (type) => {
      expect(calledFor).toHaveProperty([type]);
      expect(calledFor[type]?.filter((action) => !granted.has(action))).toEqual([]);
    },
  );

  test('contain no wildcard actions', () => {
    expect([...granted].filter((action) => action.includes('*'))).toEqual([]);
  });

  test('are limited to linkgate’s resource names where AWS supports it', () => {
    const isNamed = ({ Resource, Condition }: Statement) =>
      [Resource].flat().every((arn) => arn.includes('linkgate')) || Condition !== undefined;
    const wide = statements.filter((statement) => !isNamed(statement)).map(({ Sid }) => Sid);
    expect(wide.sort()).toEqual(['Api', 'Functions', 'LogsOfTheApi', 'WithoutNames']);
  });
});

describe('the page', () => {
  const page = readPage('docs/deploy.md');

  test('names each setting of a stage, and its default', () => {
    const { Parameters = {} } = readTemplate();
    const rows = parseTable(findSection(page, 'Settings'));
    expect(rows.map(({ setting }) => setting?.replaceAll('`', '')).sort()).toEqual(
      Object.keys(Parameters).sort(),
    );
    for (const { setting = '', 'without it': otherwise } of rows) {
      const { Default } = Parameters[setting.replaceAll('`', '')] ?? {};
      if (Default !== '') expect(otherwise).toBe(`\`${Default}\``);
    }
  });

  test('sets nothing with --param, because each deployment reads the file of the stage', () => {
    const params = readPages().flatMap(({ text }) => text.match(/--param[ =]"?(?!change=)\w+=/g) ?? []);
    expect(params).toEqual([]);
  });

  const needs = findSection(page, 'What you need').replaceAll(/\s+/g, ' ');

  test('states that events of AWS calls need a CloudTrail trail', () => {
    expect(JSON.stringify(readTemplate())).toContain('AWS API Call via CloudTrail');
    expect(needs).toMatch(/CloudTrail trail/);
  });

  test('states the maximum concurrency of linkgate and the quota of a new account', () => {
    const mappings = Object.values(readTemplate().Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::EventSourceMapping')
      .map(({ Properties = {} }) => Properties.ScalingConfig as { MaximumConcurrency: number } | undefined);
    // One execution reads a FIFO message group, and one a stream shard: here one group and one shard.
    const most = mappings.reduce((sum, scaling) => sum + (scaling?.MaximumConcurrency ?? 1), 0);
    expect(needs).toContain(`at most ${most} `);
    expect(needs).toMatch(/new account .* 10 /);
    expect(findSection(page, 'What you need')).toContain('--service-code lambda --quota-code L-B99A9384');
  });
});

describe('other partitions', () => {
  test('need no other template', () => {
    expect(JSON.stringify(readTemplate())).not.toMatch(/arn:aws/);
  });

  test('need no other policies', () => {
    const granting = readPages().flatMap(({ path, fences }) =>
      fences
        .filter(({ language, text }) => language === 'json' && text.includes('"Statement"'))
        .flatMap(({ text }) => JSON.parse(text).Statement as Statement[])
        .flatMap(({ Resource = [] }) => Resource)
        .filter((arn) => arn.startsWith('arn:aws'))
        .map((arn) => `${path}: ${arn}`),
    );
    expect(granting).toEqual([]);
  });
});
