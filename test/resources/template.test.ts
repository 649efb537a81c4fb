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

// A template's properties have no common shape: each test names what it reads.
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

/** The resources of a type: names and properties. */
function all(type: string): [string, Properties][] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === type)
    .map(([name, { Properties }]) => [name, Properties]);
}

function getAtt(reference: Properties): string {
  return reference['Fn::GetAtt'][0];
}

function arnOf(queue: string) {
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

function statementsOf(role: Properties): Statement[] {
  return role.Policies.flatMap(({ PolicyDocument }: Properties) => PolicyDocument.Statement);
}

/** The statements of all roles that allow an action, beside the role's name. */
function allowing(isMeant: (action: string) => boolean): [string, Statement][] {
  return roles.flatMap(([name, role]) =>
    statementsOf(role)
      .filter(({ Action }) => [Action].flat().some(isMeant))
      .map((statement): [string, Statement] => [name, statement]),
  );
}

function alarmOn(queue: string, metric: string): Properties {
  return alarms.find(
    ({ MetricName, Dimensions }) =>
      MetricName === metric && Dimensions?.[0].Value['Fn::GetAtt']?.[0] === queue,
  );
}

describe('a stage has as many characters as the names made of it have room for', () => {
  /** What AWS takes of a name, by the resource's type and property. */
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
  /** The characters that are left for a stage, where the name is made of `local`. */
  const roomIn = ({ property, name }: { property: string; name: string }) =>
    (longest[property] ?? 0) - (name.length - 'local'.length);

  test('and no more', () => {
    expect(names.filter(({ property }) => !(property in longest))).toEqual([]);
    const room = Math.min(...names.map(roomIn));
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

  test.each(targets)('$rule may send what it could not deliver to its dead-letter queue', ({ rule }) => {
    expect(sourcesAllowed('UndeliveredEvents', 'events.amazonaws.com')).toContain(rule);
  });

  /** The resources from which a service may send to a queue. */
  function sourcesAllowed(queue: string, service: string): string[] {
    return all('AWS::SQS::QueuePolicy')
      .filter(([, { Queues }]) => Queues[0].Ref === queue)
      .flatMap(([, { PolicyDocument }]) => PolicyDocument.Statement)
      .filter(({ Principal }: Statement) => Principal?.Service === service)
      .flatMap(({ Condition }: Properties) => Condition.ArnEquals['aws:SourceArn'].map(getAtt));
  }
});

test('no queue has two policies, of which one would replace the other', () => {
  const named = all('AWS::SQS::QueuePolicy').flatMap(([, { Queues }]) =>
    Queues.map(({ Ref }: Properties) => Ref),
  );
  expect(new Set(named).size).toBe(named.length);
});

describe('each queue that feeds a function', () => {
  test.each(servedQueues)('%s has a dead-letter queue, whose arrivals ring', (_name, { RedrivePolicy }) => {
    const deadLetters = getAtt(RedrivePolicy.deadLetterTargetArn);
    expect(alarmOn(deadLetters, 'ApproximateNumberOfMessagesVisible')).toMatchObject({ Threshold: 0 });
  });

  test.each(servedQueues)('%s rings when its oldest message is late', (name) => {
    expect(alarmOn(name, 'ApproximateAgeOfOldestMessage').Threshold).toBeGreaterThan(0);
  });

  test.each(servedQueues)(
    '%s hides a message for longer than its function may run',
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

  test.each(queues)('%s is reached by TLS only', (name) => {
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

test.each(mappings)('%s reports which messages failed', (_name, { FunctionResponseTypes }) => {
  expect(FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
});

test.each(['UndeliveredEvents', 'FailedInvocations'])('what arrives in %s rings', (name) => {
  expect(alarmOn(name, 'ApproximateNumberOfMessagesVisible')).toMatchObject({ Threshold: 0 });
});

const aService = { 'Fn::Sub': expect.stringMatching(/:vpc-endpoint-service\/\*$/) };

describe('only apply-verdicts may', () => {
  test('accept and reject, and only services that carry the tag of this stage', () => {
    const isMeant = (action: string) => /^(ec2:(Accept|Reject|\*)|vpce:)/.test(action);
    expect(allowing(isMeant)).toEqual([
      [
        'ApplyVerdictsRole',
        expect.objectContaining({
          Action: ['ec2:AcceptVpcEndpointConnections', 'ec2:RejectVpcEndpointConnections'],
          Condition: { StringEquals: { 'aws:ResourceTag/linkgate': 'local' } },
        }),
      ],
      [
        'ApplyVerdictsRole',
        // It has no condition keys: with a condition it would allow nothing.
        { Effect: 'Allow', Action: ['vpce:AllowMultiRegion'], Resource: aService },
      ],
    ]);
  });
});

describe('only on-api-request may', () => {
  test('tag services, and only with the tag that confers that right', () => {
    const tagging = allowing((action) => /^ec2:(CreateTags|DeleteTags)/.test(action));
    expect(tagging.map(([role]) => role)).toEqual(['OnApiRequestRole', 'OnApiRequestRole']);
    for (const [, { Condition }] of tagging)
      expect(Condition).toMatchObject({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['linkgate'] } });
    expect(tagging[0]?.[1].Condition).toMatchObject({ StringEquals: { 'aws:RequestTag/linkgate': 'local' } });
  });

  test('change and delete connection notifications, and only of services that carry the tag of this stage', () => {
    const changing = allowing((action) =>
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

  test('name approvers, and take entries and services away', () => {
    expect(writersOf('PutItem', 'APPROVERS')).toEqual(['OnApiRequestRole']);
    expect(writersOf('DeleteItem', 'ALLOWLIST#*')).toEqual(['OnApiRequestRole']);
    expect(writersOf('DeleteItem', 'SERVICE')).toEqual(['OnApiRequestRole']);
  });

  test('change the allowlist, but for what an approver decides', () => {
    expect(writersOf('PutItem', 'ALLOWLIST#*')).toEqual([
      'OnApiRequestRole',
      'OnApprovalLinkRole',
      'OnSlackInteractionRole',
    ]);
  });

  /** The roles that may put, or delete, items of a partition. */
  function writersOf(operation: 'PutItem' | 'DeleteItem', partition: string): string[] {
    return allowing((action) => action === `dynamodb:${operation}`)
      .filter(([, { Condition }]) => keysIn(Condition).includes(partition))
      .map(([role]) => role)
      .sort();
  }

  function keysIn(condition: Properties): string[] {
    return condition['ForAllValues:StringLike']['dynamodb:LeadingKeys'];
  }
});

test('the allowed principals of services that carry the tag of this stage are listed, and of no others', () => {
  const listing = allowing((action) => action === 'ec2:DescribeVpcEndpointServicePermissions');
  expect(listing.map(([role]) => role)).toEqual(['CheckServiceRole', 'OnApiRequestRole']);
  for (const [, statement] of listing)
    expect(statement).toMatchObject({
      Resource: aService,
      Condition: { StringEquals: { 'aws:ResourceTag/linkgate': 'local' } },
    });
});

describe('no function', () => {
  test('may update an item in place, or delete an audit entry', () => {
    expect(allowing((action) => /^dynamodb:(Update|BatchWrite|Transact|\*)/.test(action))).toEqual([]);
    for (const [, statement] of allowing((action) => action === 'dynamodb:DeleteItem'))
      expect(JSON.stringify(statement.Condition)).not.toMatch(/AUDIT|"\*"/);
  });

  test('may write to the table but to partitions that its role names', () => {
    for (const [, { Condition }] of allowing((action) => /^dynamodb:(Put|Delete)Item$/.test(action)))
      expect(Condition).toMatchObject({
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': expect.not.arrayContaining(['*']) },
      });
  });

  test('has a wildcard for an action', () => {
    expect(allowing((action) => action.includes('*'))).toEqual([]);
  });

  test('shares its role with another', () => {
    const used = all('AWS::Lambda::Function').map(([, { Role }]) => getAtt(Role));
    expect(new Set(used).size).toBe(used.length);
  });

  test('may do anything to every resource but look at endpoint services and at the names of parameters', () => {
    for (const [, { Action }] of roles.flatMap(([name, role]) =>
      statementsOf(role)
        .filter(({ Resource }) => Resource === '*')
        .map((statement): [string, Statement] => [name, statement]),
    ))
      for (const action of [Action].flat())
        expect(action).toMatch(
          /^(ec2:DescribeVpcEndpoint(Connections|ServiceConfigurations|ConnectionNotifications)|ssm:DescribeParameters)$/,
        );
  });
});

test('every alarm tells the topic that the deployment names', () => {
  expect(template.Conditions.HasAlarmTopic).toEqual({
    'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'alarmTopicArn' }, ''] }],
  });
  for (const { AlarmActions } of alarms)
    expect(AlarmActions).toEqual({
      'Fn::If': ['HasAlarmTopic', [{ Ref: 'alarmTopicArn' }], { Ref: 'AWS::NoValue' }],
    });
});

test('five minutes without a sweep that ended well ring, also where nothing says anything', () => {
  const [, filter] = all('AWS::Logs::MetricFilter').find(([name]) => name === 'SuccessfulSweeps') ?? [];
  expect(filter).toMatchObject({
    LogGroupName: { Ref: 'SweepDashconnectionsLogGroup' },
    FilterPattern: '{ $.message = "sweep finished" && $.status = "done" }',
  });
  const [counted] = filter.MetricTransformations;
  expect(template.Resources.NoSuccessfulSweepAlarm?.Properties).toMatchObject({
    Namespace: counted.MetricNamespace,
    MetricName: counted.MetricName,
    Period: 300,
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'breaching',
  });
});

test('what broke more than once while approvers were told rings, whichever channel it was', () => {
  const filter = template.Resources.ApproverNotificationFailures?.Properties;
  expect(filter).toMatchObject({
    LogGroupName: { Ref: 'NotifyDashapproversLogGroup' },
    FilterPattern: '{ $.level = "ERROR" }',
  });
  const [counted] = filter.MetricTransformations;
  const alarm = template.Resources.ApproverNotificationFailuresAlarm?.Properties;
  expect(alarm).toMatchObject({
    Namespace: counted.MetricNamespace,
    MetricName: counted.MetricName,
    Statistic: 'Sum',
    ComparisonOperator: 'GreaterThanThreshold',
  });
  // A channel that Slack refuses is tried every quarter of an hour.
  expect(alarm.Period).toBeGreaterThan(alarm.Threshold * 15 * 60);
});

test('answers that take more than half of what Slack waits ring', () => {
  expect(template.Resources.SlackResponseLatencyAlarm?.Properties).toMatchObject({
    Namespace: 'AWS/Lambda',
    MetricName: 'Duration',
    Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'OnDashslackDashinteractionLambdaFunction' } }],
    ExtendedStatistic: 'p99',
    Threshold: 1500,
  });
});

test('the functions that may send to the queue they are invoked from are not stopped as loops, and no other', () => {
  const fed = new Map(
    all('AWS::Lambda::EventSourceMapping').map(([, { FunctionName, EventSourceArn }]) => [
      JSON.stringify([FunctionName, EventSourceArn]),
      true,
    ]),
  );
  const feeding = all('AWS::Lambda::Function').filter(([id, { Environment }]) =>
    Object.values<{ Ref?: string }>(Environment.Variables).some(({ Ref }) =>
      fed.has(JSON.stringify([{ 'Fn::GetAtt': [id, 'Arn'] }, { 'Fn::GetAtt': [Ref, 'Arn'] }])),
    ),
  );
  const allowed = all('AWS::Lambda::Function').filter(([, { RecursiveLoop }]) => RecursiveLoop === 'Allow');
  expect(feeding.map(([id]) => id)).toContain('CheckDashserviceLambdaFunction');
  expect(allowed.map(([id]) => id)).toEqual(feeding.map(([id]) => id));
});

test('a function may put what is malformed among the dead letters of the FIFO queue that it reads, where it would keep a group waiting', () => {
  const isFifo = (queue: string) => template.Resources[queue]?.Properties.FifoQueue === true;
  const readers = mappings.flatMap(([, { FunctionName, EventSourceArn }]) => {
    const queue = EventSourceArn['Fn::GetAtt']?.[0];
    return isFifo(queue) ? [[getAtt(FunctionName), `${queue}DeadLetters`] as const] : [];
  });
  expect(readers).toHaveLength(1);
  for (const [id, deadLetters] of readers) {
    const { Role, Environment } = template.Resources[id]?.Properties ?? {};
    expect(Object.values(Environment.Variables)).toContainEqual({ Ref: deadLetters });
    const sending = allowing((action) => action === 'sqs:SendMessage');
    expect(sending).toContainEqual([getAtt(Role), expect.objectContaining({ Resource: arnOf(deadLetters) })]);
  }
});

test('a stream is read from its beginning, so that nothing is missed while its mapping comes into being', () => {
  const positions = all('AWS::Lambda::EventSourceMapping').flatMap(
    ([, { StartingPosition }]) => StartingPosition ?? [],
  );
  expect(positions).toEqual(['TRIM_HORIZON', 'TRIM_HORIZON']);
});

test('each function logs to a group that is there, and each HTTP API too; they forget after 90 days', () => {
  const groups = all('AWS::Logs::LogGroup');
  const logging = ['AWS::Lambda::Function', 'AWS::ApiGatewayV2::Api'].flatMap(all);
  expect(groups).toHaveLength(logging.length);
  for (const [, { RetentionInDays }] of groups) expect(RetentionInDays).toBe(90);
});

/** Where a stage of an HTTP API logs to, and what. */
function logOf(stage: string): Record<string, string> {
  const settings = template.Resources[stage]?.Properties.AccessLogSettings;
  return { group: getAtt(settings.DestinationArn), ...JSON.parse(settings.Format) };
}

test('the log of the API says who called what, in JSON', () => {
  expect(logOf('HttpApiStage')).toMatchObject({
    group: 'HttpApiLogGroup',
    caller: '$context.identity.userArn',
    route: '$context.routeKey',
    status: '$context.status',
  });
});

test('no deployment switches the mode: its parameter is none of the stack’s', () => {
  expect(all('AWS::SSM::Parameter').map(([, { Name }]) => Name)).toEqual(['/linkgate/local/api-url']);
  const named = all('AWS::Lambda::Function').flatMap(
    ([, { Environment }]) => Environment.Variables.LINKGATE_MODE_PARAMETER ?? [],
  );
  expect(new Set(named)).toEqual(new Set(['/linkgate/local/mode']));
});

test('a claim on an Idempotency-Key outlives the run that has it', () => {
  const timeout = template.Resources.OnDashapiDashrequestLambdaFunction?.Properties.Timeout;
  expect(maxRunMs).toBeGreaterThan(timeout * 1000);
});

/** The routes of an HTTP API. */
function routesOf(api: string): Properties[] {
  return all('AWS::ApiGatewayV2::Route')
    .map(([, route]) => route)
    .filter(({ ApiId }) => ApiId.Ref === api);
}

test('every route of the API asks who calls', () => {
  for (const { AuthorizationType } of routesOf('HttpApi')) expect(AuthorizationType).toBe('AWS_IAM');
});

describe('the addresses that anybody can call', () => {
  const receivers = ['OnSlackInteractionRole', 'OnApprovalLinkRole'];

  test('are those of Slack and of mails’ links, and no other', () => {
    expect(
      routesOf('ReceiversApi')
        .map(({ RouteKey }) => RouteKey)
        .sort(),
    ).toEqual(['GET /approval', 'HEAD /approval', 'POST /approval', 'POST /slack']);
    expect(routesOf('HttpApi').length + routesOf('ReceiversApi').length).toBe(
      all('AWS::ApiGatewayV2::Route').length,
    );
  });

  test('are throttled', () => {
    expect(template.Resources.ReceiversStage?.Properties.DefaultRouteSettings).toMatchObject({
      ThrottlingBurstLimit: 50,
      ThrottlingRateLimit: 25,
    });
  });

  test('log who called what in JSON, and no link’s token', () => {
    const { group, from, route, ...rest } = logOf('ReceiversStage');
    expect({ group, from, route }).toEqual({
      group: 'ReceiversLogGroup',
      from: '$context.identity.sourceIp',
      route: '$context.routeKey',
    });
    expect(JSON.stringify(rest)).not.toMatch(/path|query/i);
  });

  test('lead to functions that know no EC2', () => {
    const named = new Set(allowing((action) => /^(ec2|vpce|sts):/.test(action)).map(([role]) => role));
    expect(receivers.filter((role) => named.has(role))).toEqual([]);
  });

  test('lead to functions that read no secret but those by which they know who calls and answer', () => {
    const secretsOf = (role: string) =>
      allowing((action) => action === 'ssm:GetParameter')
        .filter(([name]) => name === role)
        .flatMap(([, { Resource }]) => [Resource].flat())
        .map((resource) => JSON.stringify(resource).match(/(slack|links)\/[a-z-]+/)?.[0])
        .sort();
    expect(receivers.map(secretsOf)).toEqual([
      ['slack/bot-token', 'slack/signing-secret'],
      ['links/signing-key'],
    ]);
  });
});

describe('the table', () => {
  const table = template.Resources.Table;

  test('stays when the stack goes', () => {
    expect(table).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  });

  test('goes with a first deployment that failed, so that it is not in the way of the next', () => {
    const kept = Object.entries(template.Resources).filter(
      ([, resource]) => 'DeletionPolicy' in resource && resource.DeletionPolicy !== 'RetainExceptOnCreate',
    );
    expect(kept).toEqual([]);
    // CloudFormation could not delete it: the deployment protects it when it has ended well.
    expect(table?.Properties).not.toHaveProperty('DeletionProtectionEnabled');
  });

  test('can be restored to any point in time, is encrypted, and is paid by request', () => {
    expect(table?.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
  });

  test('tells of each change what was there before and after', () => {
    expect(table?.Properties.StreamSpecification).toEqual({ StreamViewType: 'NEW_AND_OLD_IMAGES' });
  });

  test('lets vanish only what carries an expiry', () => {
    expect(table?.Properties.TimeToLiveSpecification).toEqual({ AttributeName: 'expiresAt', Enabled: true });
  });

  test('has a stream of which only what policy rests on, what people were asked about or warned of and what waits is heard, and whose failures end somewhere', () => {
    expect(template.Resources.TableStreamMapping?.Properties).toMatchObject({
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 5,
      FilterCriteria: {
        Filters: [
          { Pattern: expect.stringMatching(/ALLOWLIST#.*SERVICE/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*approvalRequest/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*pendingAcceptance.*ask/) },
          { Pattern: expect.stringMatching(/CONNECTION#.*expiryWarning/) },
        ],
      },
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['FailedInvocations', 'Arn'] } } },
    });
  });
});

describe('the topic of connection notifications', () => {
  test('takes them from AWS PrivateLink alone, for services of this account and Region', () => {
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
              'Fn::Sub': 'arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-endpoint-service/*',
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

  test('hands them to their queue, and what it does not take to dead letters', () => {
    const [[, subscription] = []] = all('AWS::SNS::Subscription');
    expect(getAtt(subscription.Endpoint)).toBe('ConnectionNotifications');
    expect(getAtt(subscription.RedrivePolicy.deadLetterTargetArn)).toBe('ConnectionNotificationsDeadLetters');
  });
});
