'use strict';

const { arnOf } = require('./arn-of.cjs');
const { names: queues } = require('./queues.cjs');

const allow = (Action, Resource, Condition) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition && { Condition }),
});

const services = {
  'Fn::Sub': 'arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:vpc-endpoint-service/*',
};
// Services are registered after the deployment: their tag confers the permission.
const onTagged = (...Action) =>
  allow(Action, services, { StringEquals: { 'aws:ResourceTag/linkgate': '${sls:stage}' } });

// These three have no resource-level permissions; the call that lists allowed principals has (Service Authorization Reference, EC2).
const describeConnections = allow(['ec2:DescribeVpcEndpointConnections'], '*');
const describeServices = allow(
  ['ec2:DescribeVpcEndpointServiceConfigurations', 'ec2:DescribeVpcEndpointConnectionNotifications'],
  '*',
);
const describePrincipals = onTagged('ec2:DescribeVpcEndpointServicePermissions');
const publish = allow(['events:PutEvents'], arnOf('Bus'), { StringEquals: { 'events:source': 'linkgate' } });
const ring = allow(['sqs:SendMessage'], arnOf('Verdicts'));
const receiveFrom = (...queues) =>
  allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], queues.map(arnOf));
const requestSweeps = allow(['sqs:SendMessage'], arnOf('Sweeps'));
const ringForNotices = allow(['sqs:SendMessage'], arnOf('ApproverNotices'));
const ringForConsumers = allow(['sqs:SendMessage'], arnOf('ConsumerNotices'));
const ringForServices = allow(['sqs:SendMessage'], arnOf('ServiceChanges'));
const reportFailures = allow(['sqs:SendMessage'], arnOf('FailedInvocations'));

const table = {
  'Fn::If': [
    'MakesTable',
    { 'Fn::GetAtt': ['Table', 'Arn'] },
    { 'Fn::Sub': 'arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${table}' },
  ],
};
const stream = {
  'Fn::If': ['MakesTable', { 'Fn::GetAtt': ['Table', 'StreamArn'] }, { Ref: 'tableStreamArn' }],
};

const readStream = allow(
  ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
  stream,
);

/** Only partitions of these kinds: a condition on the partition key. */
const onPartitions = (...kinds) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': kinds } });
const read = allow(['dynamodb:BatchGetItem'], table);
const query = (...kinds) => allow(['dynamodb:Query'], table, onPartitions(...kinds));
const put = (...kinds) => allow(['dynamodb:PutItem'], table, onPartitions(...kinds));
// No function may delete audit entries, and none updates any item in place.
const remove = (...kinds) => allow(['dynamodb:DeleteItem'], table, onPartitions(...kinds));
// Which table this is: a restored one is another.
const identify = allow(['dynamodb:DescribeTable'], table);

const parameter = (name) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/linkgate/\${sls:stage}/${name}`,
});

/** What each function may do, and nothing else: by the name of its role's resource. */
const roles = {
  OnConnectionNotification: [
    'on-connection-notification',
    receiveFrom('ConnectionNotifications', 'ConnectionLooks'),
    describeConnections,
    read,
    query('SERVICES', 'DUE#*'),
    publish,
  ],
  DecideConnections: [
    'decide-connections',
    receiveFrom('ConnectionRequests'),
    describeConnections,
    read,
    put('CONNECTIONS#*', 'AUDIT#*', 'DUE#*', 'COUNTED#*', 'WAITING#*', 'ACCOUNT#*', 'AGENDA#*'),
    remove('DUE#*', 'WAITING#*', 'AGENDA#*'),
    ring,
  ],
  ApplyVerdicts: [
    'apply-verdicts',
    receiveFrom('Verdicts'),
    describeConnections,
    onTagged('ec2:AcceptVpcEndpointConnections', 'ec2:RejectVpcEndpointConnections'),
    // For consumers in other Regions. It is no call of its own, and has no condition keys (Service Authorization Reference, vpce).
    allow(['vpce:AllowMultiRegion'], services),
    read,
    query('DUE#*'),
    // What is beyond the budget of cuts is asked about.
    put('CONNECTIONS#*', 'AUDIT#*', 'CUTS', 'WAITING#*', 'AGENDA#*'),
    remove('DUE#*'),
    identify,
    publish,
    ring,
    // What is malformed goes there at once.
    allow(['sqs:SendMessage'], arnOf('VerdictsDeadLetters')),
    allow(['ssm:GetParameter'], parameter('mode')),
  ],
  TendConnection: [
    'tend-connection',
    receiveFrom('ConnectionChanges'),
    read,
    // What is seen again, or accepted again, may be one that people were asked about.
    put('CONNECTIONS#*', 'AUDIT#*', 'DUE#*', 'COUNTED#*', 'WAITING#*', 'ACCOUNT#*', 'AGENDA#*'),
    remove('DUE#*', 'WAITING#*', 'AGENDA#*'),
  ],
  SweepConnections: [
    'sweep-connections',
    receiveFrom('Sweeps'),
    describeConnections,
    read,
    query('SERVICES', 'DUE#*', 'COUNTED#*', 'CONNECTIONS#*', 'AGENDA#*'),
    put('SWEEP#*', 'JOB#*', 'CONNECTIONS#*', 'AUDIT#*', 'COUNTED#*', 'TABLE'),
    remove('DUE#*', 'WAITING#*', 'AGENDA#*'),
    identify,
    publish,
    ring,
    ringForNotices,
    ringForConsumers,
    requestSweeps,
    ringForServices,
    reportFailures,
  ],
  CheckService: [
    'check-service',
    receiveFrom('ServiceChanges'),
    describeServices,
    describePrincipals,
    // This function alone.
    onTagged('ec2:ModifyVpcEndpointServicePermissions'),
    read,
    query('SERVICES', 'ALLOWLIST#*', 'PRINCIPALS#*'),
    put('SERVICES', 'PRINCIPALS#*'),
    remove('PRINCIPALS#*'),
    ringForServices,
    allow(['ssm:GetParameter'], parameter('mode')),
  ],
  OnRecordChanged: [
    'on-record-changed',
    readStream,
    reportFailures,
    describeConnections,
    read,
    query('SERVICES', 'APPROVERS', 'WAITING#*'),
    publish,
    ringForNotices,
    ringForServices,
  ],
  NotifyApprovers: [
    'notify-approvers',
    receiveFrom('ApproverNotices'),
    read,
    query('ACCOUNT#*'),
    put('CONNECTIONS#*', 'AUDIT#*', 'BOARDS', 'DIGESTS', 'WARNED#*'),
    ringForNotices,
    allow(['ssm:GetParameter'], [parameter('slack/bot-token'), parameter('links/signing-key')]),
    allow(['sns:Publish'], { Ref: 'ApprovalsTopic' }),
  ],
  NotifyConsumers: [
    'notify-consumers',
    readStream,
    receiveFrom('ConsumerNotices'),
    reportFailures,
    read,
    put('TOLD#*', 'CONTACT_TROUBLES'),
    remove('CONTACT_TROUBLES'),
    allow(['ssm:GetParameter'], parameter('mode')),
    allow(['sns:Publish'], { Ref: 'ConsumersTopic' }),
    // Topics of consumers, whose policies have to admit this role.
    allow(['sns:Publish'], { 'Fn::Sub': 'arn:${AWS::Partition}:sns:*:*:linkgate-*' }),
  ],
  // Anybody can call these two: they know no EC2.
  OnSlackInteraction: [
    'on-slack-interaction',
    read,
    query('SERVICES', 'WAITING#*', 'APPROVERS', 'ACCOUNT#*'),
    put('CONNECTIONS#*', 'AUDIT#*', 'DUE#*', 'COUNTED#*', 'WAITING#*', 'ALLOWLIST#*', 'AGENDA#*'),
    remove('WAITING#*', 'AGENDA#*'),
    ring,
    allow(['ssm:GetParameter'], [parameter('slack/signing-secret'), parameter('slack/bot-token')]),
  ],
  OnApprovalLink: [
    'on-approval-link',
    read,
    query('ACCOUNT#*'),
    put('CONNECTIONS#*', 'AUDIT#*', 'DUE#*', 'COUNTED#*', 'WAITING#*', 'ALLOWLIST#*', 'AGENDA#*'),
    remove('WAITING#*', 'AGENDA#*'),
    ring,
    allow(['ssm:GetParameter'], parameter('links/signing-key')),
  ],
  OnApiRequest: [
    'on-api-request',
    describeConnections,
    describeServices,
    describePrincipals,
    // Tagging a service confers the right to act on it: only this key, only with this stage.
    allow(['ec2:CreateTags'], services, {
      StringEquals: { 'aws:RequestTag/linkgate': '${sls:stage}' },
      StringEqualsIfExists: { 'aws:ResourceTag/linkgate': '${sls:stage}' },
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['linkgate'] },
    }),
    allow(['ec2:DeleteTags'], services, {
      StringEquals: { 'aws:ResourceTag/linkgate': '${sls:stage}' },
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['linkgate'] },
    }),
    allow(['ec2:CreateVpcEndpointConnectionNotification'], services),
    // IAM judges a notification by its service (Service Authorization Reference, EC2).
    onTagged('ec2:ModifyVpcEndpointConnectionNotification', 'ec2:DeleteVpcEndpointConnectionNotifications'),
    read,
    query(
      'SERVICES',
      'ALLOWLIST#*',
      'APPROVERS',
      'CUSTOMERS',
      'CONTACT_TROUBLES',
      'AUDIT#*',
      'CONNECTIONS#*',
      'DUE#*',
      'ACCOUNT#*',
      // The doctor looks at every item.
      'AGENDA#*',
      'COUNTED#*',
      'DIGESTS',
      'PRINCIPALS#*',
      'WAITING#*',
    ),
    put(
      'SERVICES',
      'ALLOWLIST#*',
      'APPROVERS',
      'CUSTOMERS',
      'CUSTOMER_OF#*',
      'MODE',
      'JOB#*',
      'IDEMPOTENCY#*',
      'CONNECTIONS#*',
      'AUDIT#*',
      'DUE#*',
      'COUNTED#*',
      'WAITING#*',
      'ACCOUNT#*',
      'AGENDA#*',
      'TABLE',
      'PLAN#*',
      'POLICY',
    ),
    remove(
      'SERVICES',
      'ALLOWLIST#*',
      'CUSTOMERS',
      'CUSTOMER_OF#*',
      'CONTACT_TROUBLES',
      'DUE#*',
      'WAITING#*',
      'AGENDA#*',
      'APPROVERS',
      // An administrator removes what linkgate cannot read. Records and audit entries are not among it.
      'ACCOUNT#*',
      'BOARDS',
      'COUNTED#*',
      'CUTS',
      'DIGESTS',
      'IDEMPOTENCY#*',
      'JOB#*',
      'MODE',
      'PLAN#*',
      'POLICY',
      'PRINCIPALS#*',
      'SWEEP#*',
      'TABLE',
      'TOLD#*',
      'WARNED#*',
    ),
    ring,
    requestSweeps,
    allow(['ssm:PutParameter'], parameter('links/signing-key')),
    allow(
      ['ssm:GetParameter', 'ssm:PutParameter'],
      ['mode', 'slack/signing-secret', 'slack/bot-token'].map(parameter),
    ),
    // What the doctor looks at. DescribeParameters shows no values, and has no resource-level permissions.
    allow(['ssm:DescribeParameters'], '*'),
    allow(['ssm:GetParameter'], parameter('api-url')),
    allow(
      ['dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive', 'dynamodb:DescribeContinuousBackups'],
      table,
    ),
    allow(['sqs:GetQueueAttributes'], queues.map(arnOf)),
    allow(['sns:ListSubscriptionsByTopic'], { Ref: 'ConnectionsTopic' }),
    // SNS judges what is done to a subscription by its topic, whatever the Service Authorization Reference says.
    allow(
      [
        'sns:ListSubscriptionsByTopic',
        'sns:Subscribe',
        'sns:Unsubscribe',
        'sns:GetSubscriptionAttributes',
        'sns:SetSubscriptionAttributes',
      ],
      [{ Ref: 'ApprovalsTopic' }, { Ref: 'ConsumersTopic' }],
    ),
  ],
};

function role([logicalId, [functionName, ...statements]]) {
  const logs = {
    'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/linkgate-\${sls:stage}-${functionName}:*`,
  };
  return {
    [`${logicalId}Role`]: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        },
        Policies: [
          {
            PolicyName: functionName,
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logs), ...statements],
            },
          },
        ],
      },
    },
  };
}

module.exports = () => ({ Resources: Object.assign({}, ...Object.entries(roles).map(role)) });
