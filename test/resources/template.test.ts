import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { maxRunMs } from '../../lib/storage/idempotency.ts';
import { stagePattern } from '../../lib/values/stage.mjs';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
  readonly Principal?: { readonly Service: string };
}

// Template properties have no common shape: each test knows the properties that it reads.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Properties = any;

const template = JSON.parse(
  readFileSync(
    new URL('../../.serverless/cloudformation-template-update-stack.json', import.meta.url),
    'utf8',
  ),
) as {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Properties }>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
};

/** Returns the names and properties of all resources of a type. */
function all(type: string): [string, Properties][] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === type)
    .map(([name, { Properties }]) => [name, Properties]);
}

function getAtt(reference: Properties): string {
  return reference['Fn::GetAtt'][0];
}

function getAttArn(queue: string) {
  return { 'Fn::GetAtt': [queue, 'Arn'] };
}

function isDeadLetters([name]: [string, Properties]): boolean {
  return name.endsWith('DeadLetters') || name === 'UndeliveredEvents' || name === 'FailedInvocations';
}

const queues = all('AWS::SQS::Queue');
const roles = all('AWS::IAM::Role');
const alarms = all('AWS::CloudWatch::Alarm').map(([, properties]) => properties);
const mappings = all('AWS::Lambda::EventSourceMapping');
const servedQueues = queues.filter((queue) => !isDeadLetters(queue));

function listStatements(role: Properties): Statement[] {
  return role.Policies.flatMap(({ PolicyDocument }: Properties) => PolicyDocument.Statement);
}

/** Lists the statements of all roles that allow an action, each with the role's name. */
function listStatementsAllowing(matchesAction: (action: string) => boolean): [string, Statement][] {
  return roles.flatMap(([name, role]) =>
    listStatements(role)
      .filter(({ Action }) => [Action].flat().some(matchesAction))
      .map((statement): [string, Statement] => [name, statement]),
  );
}

function alarmOn(queue: string, metric: string): Properties {
  return alarms.find(
    ({ MetricName, Dimensions }) =>
      MetricName === metric && Dimensions?.[0].Value['Fn::GetAtt']?.[0] === queue,
  );
}

describe('the longest stage name fits into all resource names', () => {
  /** AWS's maximum length of a name, by resource type and property. */
  const longest: Readonly<Record<string, number>> = {
    'AWS::ApiGatewayV2::Api.Name': 128,
    'AWS::CloudWatch::Alarm.AlarmName': 255,
    'AWS::DynamoDB::Table.TableName': 255,
    'AWS::Events::EventBus.Name': 256,
    'AWS::Events::Rule.Name': 64,
    'AWS::Lambda::Function.FunctionName': 64,
    'AWS::Logs::LogGroup.LogGroupName': 512,
    'AWS::SNS::Topic.TopicName': 256,
    'AWS::SQS::Queue.QueueName': 80,
    'AWS::SSM::Parameter.Name': 1011,
  };
  const names = Object.values(template.Resources).flatMap(({ Type, Properties = {} }) =>
    Object.entries(Properties)
      .filter(([property, value]) => /(^|[a-z])Name$/.test(property) && String(value).includes('local'))
      .map(([property, value]) => ({ property: `${Type}.${property}`, name: String(value) })),
  );
  /** The maximum length of a stage in a name of the stage `local`. */
  const remainingLength = ({ property, name }: { property: string; name: string }) =>
    (longest[property] ?? 0) - (name.length - 'local'.length);

  test('and no more', () => {
    expect(names.filter(({ property }) => !(property in longest))).toEqual([]);
    const room = Math.min(...names.map(remainingLength));
    expect(stagePattern.test('a'.repeat(room))).toBe(true);
    expect(stagePattern.test('a'.repeat(room + 1))).toBe(false);
  });
});

describe('each rule on an event bus', () => {
  const targets = all('AWS::Events::Rule').flatMap(([rule, { Targets }]) =>
    Targets.map((target: Properties) => ({ rule, target, to: getAtt(target.Arn) })),
  );

  test.each(targets)('$rule has a retry policy and a dead-letter queue', ({ target }) => {
    expect(target.RetryPolicy.MaximumEventAgeInSeconds).toBeGreaterThanOrEqual(3_600);
    expect(getAtt(target.DeadLetterConfig.Arn)).toBe('UndeliveredEvents');
  });

  test.each(targets.filter(({ to }) => queues.some(([queue]) => queue === to)))(
    '$rule may send to $to',
    ({ rule, to }) => {
      expect(sourcesAllowed(to, 'events.amazonaws.com')).toContain(rule);
    },
  );

  test.each(targets)('$rule may send undelivered events to its dead-letter queue', ({ rule }) => {
    expect(sourcesAllowed('UndeliveredEvents', 'events.amazonaws.com')).toContain(rule);
  });

  /** Lists the resources from which a service may send to a queue. */
  function sourcesAllowed(queue: string, service: string): string[] {
    return all('AWS::SQS::QueuePolicy')
      .filter(([, { Queues }]) => Queues[0].Ref === queue)
      .flatMap(([, { PolicyDocument }]) => PolicyDocument.Statement)
      .filter(({ Principal }: Statement) => Principal?.Service === service)
      .flatMap(({ Condition }: Properties) => Condition.ArnEquals['aws:SourceArn'].map(getAtt));
  }
});

test('no queue has two policies, because one would replace the other', () => {
  const queuesWithPolicy = all('AWS::SQS::QueuePolicy').flatMap(([, { Queues }]) =>
    Queues.map(({ Ref }: Properties) => Ref),
  );
  expect(new Set(queuesWithPolicy).size).toBe(queuesWithPolicy.length);
});

describe('each queue that invokes a function', () => {
  test.each(servedQueues)('%s has a dead-letter queue with an alarm', (_name, { RedrivePolicy }) => {
    const deadLetters = getAtt(RedrivePolicy.deadLetterTargetArn);
    expect(alarmOn(deadLetters, 'ApproximateNumberOfMessagesVisible')).toMatchObject({ Threshold: 0 });
  });

  test.each(servedQueues)('%s has an alarm on the age of its oldest message', (name) => {
    expect(alarmOn(name, 'ApproximateAgeOfOldestMessage').Threshold).toBeGreaterThan(0);
  });

  test.each(servedQueues)(
    '%s has a visibility timeout longer than the timeout of its function',
    (name, { VisibilityTimeout }) => {
      const mapping = mappings.find(([, { EventSourceArn }]) => EventSourceArn['Fn::GetAtt']?.[0] === name);
      const served = template.Resources[getAtt(mapping?.[1].FunctionName)];
      expect(VisibilityTimeout).toBeGreaterThanOrEqual(served?.Properties.Timeout);
    },
  );
});

describe('each queue', () => {
  test.each(queues)('%s is encrypted', (_name, { SqsManagedSseEnabled }) => {
    expect(SqsManagedSseEnabled).toBe(true);
  });

  test.each(queues)('%s requires TLS', (name) => {
    const [[, policy] = []] = all('AWS::SQS::QueuePolicy').filter(([, { Queues }]) => Queues[0].Ref === name);
    expect(policy.PolicyDocument.Statement).toContainEqual({
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:*',
      Resource: { 'Fn::GetAtt': [name, 'Arn'] },
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });
});

test.each(mappings)('%s reports failed messages of a batch', (_name, { FunctionResponseTypes }) => {
  expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
});

test.each(['UndeliveredEvents', 'FailedInvocations'])('messages in %s raise an alarm', (name) => {
  expect(alarmOn(name, 'ApproximateNumberOfMessagesVisible')).toMatchObject({ Threshold: 0 });
});

const aService = { 'Fn::Sub': expect.stringMatching(/:vpc-endpoint-service\/\*$/) };

describe('only apply-verdicts may', () => {
  test('accept and reject connections, and only of services with the tag of this stage', () => {
    const matchesAction = (action: string) => /^(ec2:(Accept|Reject|\*)|vpce:)/.test(action);
    expect(listStatementsAllowing(matchesAction)).toEqual([
      [
        'ApplyVerdictsRole',
        expect.objectContaining({
          Action: ['ec2:AcceptVpcEndpointConnections', 'ec2:RejectVpcEndpointConnections'],
          Condition: { StringEquals: { 'aws:ResourceTag/linkgate': 'local' } },
        }),
      ],
      [
        'ApplyVerdictsRole',
        // `vpce:AllowMultiRegion` has no condition keys: a statement with a condition allows no call.
        { Effect: 'Allow', Action: ['vpce:AllowMultiRegion'], Resource: aService },
      ],
    ]);
  });
});

describe('only on-api-request may', () => {
  test('tag services, and only with the tag of this stage', () => {
    const tagging = listStatementsAllowing((action) => /^ec2:(CreateTags|DeleteTags)/.test(action));
    expect(tagging.map(([role]) => role)).toEqual(['OnApiRequestRole', 'OnApiRequestRole']);
    for (const [, { Condition }] of tagging)
      expect(Condition).toMatchObject({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['linkgate'] } });
    expect(tagging[0]?.[1].Condition).toMatchObject({ StringEquals: { 'aws:RequestTag/linkgate': 'local' } });
  });

  test('change and delete connection notifications, and only of services with the tag of this stage', () => {
    const changing = listStatementsAllowing((action) =>
      /^ec2:(Create|Modify|Delete)VpcEndpointConnectionNotification/.test(action),
    );
    expect(changing).toMatchObject([
      [
        'OnApiRequestRole',
        {
          Action: ['ec2:CreateVpcEndpointConnectionNotification'],
          Resource: aService,
        },
      ],
      [
        'OnApiRequestRole',
        {
          Action: [
            'ec2:ModifyVpcEndpointConnectionNotification',
            'ec2:DeleteVpcEndpointConnectionNotifications',
          ],
          Resource: aService,
          Condition: { StringEquals: { 'aws:ResourceTag/linkgate': 'local' } },
        },
      ],
    ]);
  });

  test('change approver groups, and remove entries and services', () => {
    expect(listWriters('PutItem', 'APPROVERS')).toEqual(['OnApiRequestRole']);
    expect(listWriters('DeleteItem', 'ALLOWLIST#*')).toEqual(['OnApiRequestRole']);
    expect(listWriters('DeleteItem', 'SERVICE')).toEqual(['OnApiRequestRole']);
  });

  test('change the allowlist, except the functions that save an approver’s decision', () => {
    expect(listWriters('PutItem', 'ALLOWLIST#*')).toEqual([
      'OnApiRequestRole',
      'OnApprovalLinkRole',
      'OnSlackInteractionRole',
    ]);
  });

  /** Lists the roles that may put, or delete, items of a partition. */
  function listWriters(operation: 'PutItem' | 'DeleteItem', partition: string): string[] {
    return listStatementsAllowing((action) => action === `dynamodb:${operation}`)
      .filter(([, { Condition }]) => leadingKeys(Condition).includes(partition))
      .map(([role]) => role)
      .sort();
  }

  function leadingKeys(condition: Properties): string[] {
    return condition['ForAllValues:StringLike']['dynamodb:LeadingKeys'];
  }
});

test('functions may list the allowed principals only of services with the tag of this stage', () => {
  const listing = listStatementsAllowing((action) => action === 'ec2:DescribeVpcEndpointServicePermissions');
  expect(listing.map(([role]) => role)).toEqual(['CheckServiceRole', 'OnApiRequestRole']);
  for (const [, statement] of listing)
    expect(statement).toMatchObject({
      Resource: aService,
      Condition: { StringEquals: { 'aws:ResourceTag/linkgate': 'local' } },
    });
});

describe('no function', () => {
  test('may update an item in place, or delete an audit entry', () => {
    expect(
      listStatementsAllowing((action) => /^dynamodb:(Update|BatchWrite|Transact|\*)/.test(action)),
    ).toEqual([]);
    for (const [, statement] of listStatementsAllowing((action) => action === 'dynamodb:DeleteItem'))
      expect(JSON.stringify(statement.Condition)).not.toMatch(/AUDIT|"\*"/);
  });

  test('may write to partitions that its role does not name', () => {
    for (const [, { Condition }] of listStatementsAllowing((action) =>
      /^dynamodb:(Put|Delete)Item$/.test(action),
    ))
      expect(Condition).toMatchObject({
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': expect.not.arrayContaining(['*']) },
      });
  });

  test('has a wildcard for an action', () => {
    expect(listStatementsAllowing((action) => action.includes('*'))).toEqual([]);
  });

  test('shares its role with another', () => {
    const functionRoles = all('AWS::Lambda::Function').map(([, { Role }]) => getAtt(Role));
    expect(new Set(functionRoles).size).toBe(functionRoles.length);
  });

  test('may use all resources, except to describe endpoint services and parameter names', () => {
    for (const [, { Action }] of roles.flatMap(([name, role]) =>
      listStatements(role)
        .filter(({ Resource }) => Resource === '*')
        .map((statement): [string, Statement] => [name, statement]),
    ))
      for (const action of [Action].flat())
        expect(action).toMatch(
          /^(ec2:DescribeVpcEndpoint(Connections|ServiceConfigurations|ConnectionNotifications)|ssm:DescribeParameters)$/,
        );
  });
});

test('every alarm notifies the alarm topic of the deployment', () => {
  expect(template.Conditions.HasAlarmTopic).toEqual({
    'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'alarmTopicArn' }, ''] }],
  });
  for (const { AlarmActions } of alarms)
    expect(AlarmActions).toEqual({
      'Fn::If': ['HasAlarmTopic', [{ Ref: 'alarmTopicArn' }], { Ref: 'AWS::NoValue' }],
    });
});

test('five minutes without a successful sweep raise an alarm, also without any log line', () => {
  const [, filter] = all('AWS::Logs::MetricFilter').find(([name]) => name === 'SuccessfulSweeps') ?? [];
  expect(filter).toMatchObject({
    LogGroupName: { Ref: 'SweepDashconnectionsLogGroup' },
    FilterPattern: '{ $.message = "sweep finished" && $.status = "done" }',
  });
  const [metric] = filter.MetricTransformations;
  expect(template.Resources.NoSuccessfulSweepAlarm?.Properties).toMatchObject({
    Namespace: metric.MetricNamespace,
    MetricName: metric.MetricName,
    Period: 300,
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'breaching',
  });
});

test('repeated failures of approver notifications raise an alarm, whatever the channel', () => {
  const filter = template.Resources.ApproverNotificationFailures?.Properties;
  expect(filter).toMatchObject({
    LogGroupName: { Ref: 'NotifyDashapproversLogGroup' },
    FilterPattern: '{ $.level = "ERROR" }',
  });
  const [metric] = filter.MetricTransformations;
  const alarm = template.Resources.ApproverNotificationFailuresAlarm?.Properties;
  expect(alarm).toMatchObject({
    Namespace: metric.MetricNamespace,
    MetricName: metric.MetricName,
    Statistic: 'Sum',
    ComparisonOperator: 'GreaterThanThreshold',
  });
  // linkgate retries a channel that Slack refuses every 15 minutes.
  expect(alarm.Period).toBeGreaterThan(alarm.Threshold * 15 * 60);
});

test('responses that take more than half of Slack’s timeout raise an alarm', () => {
  expect(template.Resources.SlackResponseLatencyAlarm?.Properties).toMatchObject({
    Namespace: 'AWS/Lambda',
    MetricName: 'Duration',
    Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'OnDashslackDashinteractionLambdaFunction' } }],
    ExtendedStatistic: 'p99',
    Threshold: 1500,
  });
});

test('only functions that may send to their own queue allow recursive invocation', () => {
  const mappedQueues = new Map(
    all('AWS::Lambda::EventSourceMapping').map(([, { FunctionName, EventSourceArn }]) => [
      JSON.stringify([FunctionName, EventSourceArn]),
      true,
    ]),
  );
  const selfInvoking = all('AWS::Lambda::Function').filter(([id, { Environment }]) =>
    Object.values<{ Ref?: string }>(Environment.Variables).some(({ Ref }) =>
      mappedQueues.has(JSON.stringify([{ 'Fn::GetAtt': [id, 'Arn'] }, { 'Fn::GetAtt': [Ref, 'Arn'] }])),
    ),
  );
  const allowed = all('AWS::Lambda::Function').filter(([, { RecursiveLoop }]) => RecursiveLoop === 'Allow');
  expect(selfInvoking.map(([id]) => id)).toContain('CheckDashserviceLambdaFunction');
  expect(allowed.map(([id]) => id)).toEqual(selfInvoking.map(([id]) => id));
});

test('apply-verdicts may send malformed messages to the dead-letter queue, because they would block a message group', () => {
  const isFifo = (queue: string) => template.Resources[queue]?.Properties.FifoQueue === true;
  const readers = mappings.flatMap(([, { FunctionName, EventSourceArn }]) => {
    const queue = EventSourceArn['Fn::GetAtt']?.[0];
    return isFifo(queue) ? [[getAtt(FunctionName), `${queue}DeadLetters`] as const] : [];
  });
  expect(readers).toHaveLength(1);
  for (const [id, deadLetters] of readers) {
    const { Role, Environment } = template.Resources[id]?.Properties ?? {};
    expect(Object.values(Environment.Variables)).toContainEqual({ Ref: deadLetters });
    const sending = listStatementsAllowing((action) => action === 'sqs:SendMessage');
    expect(sending).toContainEqual([
      getAtt(Role),
      expect.objectContaining({ Resource: getAttArn(deadLetters) }),
    ]);
  }
});

test('stream mappings start at TRIM_HORIZON, so that no record is missed during the deployment', () => {
  const positions = all('AWS::Lambda::EventSourceMapping').flatMap(
    ([, { StartingPosition }]) => StartingPosition ?? [],
  );
  expect(positions).toEqual(['TRIM_HORIZON', 'TRIM_HORIZON']);
});

test('each function and each HTTP API has a log group with a retention of 90 days', () => {
  const groups = all('AWS::Logs::LogGroup');
  const logging = ['AWS::Lambda::Function', 'AWS::ApiGatewayV2::Api'].flatMap(all);
  expect(groups).toHaveLength(logging.length);
  for (const [, { RetentionInDays }] of groups) expect(RetentionInDays).toBe(90);
});

/** Returns the log group and the fields of the access log of an API stage. */
function readAccessLog(stage: string): Record<string, string> {
  const settings = template.Resources[stage]?.Properties.AccessLogSettings;
  return { group: getAtt(settings.DestinationArn), ...JSON.parse(settings.Format) };
}

test('the access log of the API is JSON with caller and route', () => {
  expect(readAccessLog('HttpApiStage')).toMatchObject({
    group: 'HttpApiLogGroup',
    caller: '$context.identity.userArn',
    route: '$context.routeKey',
    status: '$context.status',
  });
});

test('the mode parameter is not part of the stack, so that a deployment does not change it', () => {
  expect(all('AWS::SSM::Parameter').map(([, { Name }]) => Name)).toEqual(['/linkgate/local/api-url']);
  const modeParameters = all('AWS::Lambda::Function').flatMap(
    ([, { Environment }]) => Environment.Variables.LINKGATE_MODE_PARAMETER ?? [],
  );
  expect(new Set(modeParameters)).toEqual(new Set(['/linkgate/local/mode']));
});

test('a claim on an Idempotency-Key lasts longer than the timeout of on-api-request', () => {
  const timeout = template.Resources.OnDashapiDashrequestLambdaFunction?.Properties.Timeout;
  expect(maxRunMs).toBeGreaterThan(timeout * 1000);
});

function listRoutes(api: string): Properties[] {
  return all('AWS::ApiGatewayV2::Route')
    .map(([, route]) => route)
    .filter(({ ApiId }) => ApiId.Ref === api);
}

test('every route of the API requires IAM authorization', () => {
  for (const { AuthorizationType } of listRoutes('HttpApi')) expect(AuthorizationType).toBe('AWS_IAM');
});

describe('the public routes', () => {
  const receivers = ['OnSlackInteractionRole', 'OnApprovalLinkRole'];

  test('are those of Slack and of approval links', () => {
    expect(
      listRoutes('ReceiversApi')
        .map(({ RouteKey }) => RouteKey)
        .sort(),
    ).toEqual(['GET /approval', 'HEAD /approval', 'POST /approval', 'POST /slack']);
    expect(listRoutes('HttpApi').length + listRoutes('ReceiversApi').length).toBe(
      all('AWS::ApiGatewayV2::Route').length,
    );
  });

  test('are throttled', () => {
    expect(template.Resources.ReceiversStage?.Properties.DefaultRouteSettings).toMatchObject({
      ThrottlingBurstLimit: 50,
      ThrottlingRateLimit: 25,
    });
  });

  test('have a JSON access log without the tokens of links', () => {
    const { group, from, route, ...rest } = readAccessLog('ReceiversStage');
    expect({ group, from, route }).toEqual({
      group: 'ReceiversLogGroup',
      from: '$context.identity.sourceIp',
      route: '$context.routeKey',
    });
    expect(JSON.stringify(rest)).not.toMatch(/path|query/i);
  });

  test('invoke functions without permissions in EC2', () => {
    const rolesWithEc2Access = new Set(
      listStatementsAllowing((action) => /^(ec2|vpce|sts):/.test(action)).map(([role]) => role),
    );
    expect(receivers.filter((role) => rolesWithEc2Access.has(role))).toEqual([]);
  });

  test('invoke functions that read only the secrets for authentication and responses', () => {
    const listSecrets = (role: string) =>
      listStatementsAllowing((action) => action === 'ssm:GetParameter')
        .filter(([name]) => name === role)
        .flatMap(([, { Resource }]) => [Resource].flat())
        .map((resource) => JSON.stringify(resource).match(/(slack|links)\/[a-z-]+/)?.[0])
        .sort();
    expect(receivers.map(listSecrets)).toEqual([
      ['slack/bot-token', 'slack/signing-secret'],
      ['links/signing-key'],
    ]);
  });
});

describe('the table', () => {
  const table = template.Resources.Table;

  test('stays when the stack is deleted', () => {
    expect(table).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  });

  test('is deleted with a failed first deployment', () => {
    const retained = Object.entries(template.Resources).filter(
      ([, resource]) => 'DeletionPolicy' in resource && resource.DeletionPolicy !== 'RetainExceptOnCreate',
    );
    expect(retained).toEqual([]);
    // CloudFormation cannot delete a protected table. A successful deployment sets the protection at its end.
    expect(table?.Properties).not.toHaveProperty('DeletionProtectionEnabled');
  });

  test('has point-in-time recovery, encryption and on-demand billing', () => {
    expect(table?.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
  });

  test('has a stream with old and new images', () => {
    expect(table?.Properties.StreamSpecification).toEqual({ StreamViewType: 'NEW_AND_OLD_IMAGES' });
  });

  test('has a TTL attribute', () => {
    expect(table?.Properties.TimeToLiveSpecification).toEqual({ AttributeName: 'expiresAt', Enabled: true });
  });

  test('has a filtered stream mapping with a destination for failures', () => {
    expect(template.Resources.TableStreamMapping?.Properties).toMatchObject({
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 5,
      FilterCriteria: {
        Filters: [
          { Pattern: expect.stringMatching(/ALLOWLIST#.*SERVICE/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*approvalRequest/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*pendingAcceptance.*ask/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*NewImage.*expiryWarning/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*OldImage.*expiryWarning/) },
        ],
      },
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['FailedInvocations', 'Arn'] } } },
    });
  });
});

describe('the topic of connection notifications', () => {
  test('accepts messages only from PrivateLink for services of this account and Region', () => {
    const [[, policy] = []] = all('AWS::SNS::TopicPolicy');
    expect(policy.PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'vpce.amazonaws.com' },
        Action: 'SNS:Publish',
        Resource: { Ref: 'ConnectionsTopic' },
        Condition: {
          ArnLike: {
            'aws:SourceArn': {
              'Fn::Sub': expect.stringMatching(
                /^arn:\$\{AWS::Partition\}:ec2:\$\{AWS::Region\}:\$\{AWS::AccountId\}:vpc-endpoint-service\/\*$/,
              ),
            },
          },
          StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
        },
      },
      expect.objectContaining({
        Effect: 'Deny',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  });

  test('delivers to its queue, and undelivered messages to the dead-letter queue', () => {
    const [[, subscription] = []] = all('AWS::SNS::Subscription');
    expect(getAtt(subscription.Endpoint)).toBe('ConnectionNotifications');
    expect(getAtt(subscription.RedrivePolicy.deadLetterTargetArn)).toBe('ConnectionNotificationsDeadLetters');
  });
});
