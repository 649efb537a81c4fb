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
const ring = allow(['sqs:SendMessage'], arnOf('ApplyQueue'));
const receiveFrom = (...queues) =>
  allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], queues.map(arnOf));
const requestSweeps = allow(['sqs:SendMessage'], arnOf('SweepRequests'));
const ringForNotices = allow(['sqs:SendMessage'], arnOf('ApproverNotifications'));
const ringForConsumers = allow(['sqs:SendMessage'], arnOf('CustomerNotifications'));
const ringForServices = allow(['sqs:SendMessage'], arnOf('ServiceChecks'));
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
    receiveFrom('ConnectionNotifications', 'ConnectionRechecks'),
    describeConnections,
    read,
    query('SERVICE', 'PENDING_EFFECT#*'),
    publish,
  ],
  DecideConnections: [
    'decide-connections',
    receiveFrom('ConnectionRequests'),
    describeConnections,
    read,
    put(
      'CONNECTION#*',
      'AUDIT#*',
      'PENDING_EFFECT#*',
      'ENDPOINT_QUOTA#*',
      'AWAITING_APPROVAL#*',
      'BY_ACCOUNT#*',
      'REEVALUATE_AT#*',
    ),
    remove('PENDING_EFFECT#*', 'AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
    ring,
  ],
  ApplyVerdicts: [
    'apply-verdicts',
    receiveFrom('ApplyQueue'),
    describeConnections,
    onTagged('ec2:AcceptVpcEndpointConnections', 'ec2:RejectVpcEndpointConnections'),
    // For consumers in other Regions. It is no call of its own, and has no condition keys (Service Authorization Reference, vpce).
    allow(['vpce:AllowMultiRegion'], services),
    read,
    query('PENDING_EFFECT#*'),
    // What is beyond the budget of cuts is asked about.
    put('CONNECTION#*', 'AUDIT#*', 'DISCONNECT_QUOTA', 'AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
    remove('PENDING_EFFECT#*'),
    identify,
    publish,
    ring,
    // What is malformed goes there at once.
    allow(['sqs:SendMessage'], arnOf('ApplyQueueDeadLetters')),
    allow(['ssm:GetParameter'], parameter('mode')),
  ],
  RecordConnectionState: [
    'record-connection-state',
    receiveFrom('ConnectionChanges'),
    read,
    // What is seen again, or accepted again, may be one that people were asked about.
    put(
      'CONNECTION#*',
      'AUDIT#*',
      'PENDING_EFFECT#*',
      'ENDPOINT_QUOTA#*',
      'AWAITING_APPROVAL#*',
      'BY_ACCOUNT#*',
      'REEVALUATE_AT#*',
    ),
    remove('PENDING_EFFECT#*', 'AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
  ],
  SweepConnections: [
    'sweep-connections',
    receiveFrom('SweepRequests'),
    describeConnections,
    read,
    query('SERVICE', 'PENDING_EFFECT#*', 'ENDPOINT_QUOTA#*', 'CONNECTION#*', 'REEVALUATE_AT#*'),
    put('SWEEP#*', 'JOB#*', 'CONNECTION#*', 'AUDIT#*', 'ENDPOINT_QUOTA#*', 'TABLE_IDENTITY'),
    remove('PENDING_EFFECT#*', 'AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
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
    receiveFrom('ServiceChecks'),
    describeServices,
    describePrincipals,
    // This function alone.
    onTagged('ec2:ModifyVpcEndpointServicePermissions'),
    read,
    query('SERVICE', 'ALLOWLIST#*', 'PRINCIPALS#*'),
    put('SERVICE', 'PRINCIPALS#*'),
    remove('PRINCIPALS#*'),
    ringForServices,
    allow(['ssm:GetParameter'], parameter('mode')),
  ],
  OnTableStream: [
    'on-table-stream',
    readStream,
    reportFailures,
    describeConnections,
    read,
    query('SERVICE', 'APPROVERS', 'AWAITING_APPROVAL#*'),
    publish,
    ringForNotices,
    ringForServices,
  ],
  NotifyApprovers: [
    'notify-approvers',
    receiveFrom('ApproverNotifications'),
    read,
    query('BY_ACCOUNT#*'),
    put('CONNECTION#*', 'AUDIT#*', 'NOTIFICATION_THROTTLE', 'DIGEST', 'EXPIRY_WARNING#*'),
    ringForNotices,
    allow(['ssm:GetParameter'], [parameter('slack/bot-token'), parameter('links/signing-key')]),
    allow(['sns:Publish'], { Ref: 'ApprovalsTopic' }),
  ],
  NotifyCustomers: [
    'notify-customers',
    readStream,
    receiveFrom('CustomerNotifications'),
    reportFailures,
    read,
    put('CUSTOMER_NOTIFICATION#*', 'CONTACT_DELIVERY_FAILURE'),
    remove('CONTACT_DELIVERY_FAILURE'),
    allow(['ssm:GetParameter'], parameter('mode')),
    allow(['sns:Publish'], { Ref: 'ConsumersTopic' }),
    // Topics of consumers, whose policies have to admit this role.
    allow(['sns:Publish'], { 'Fn::Sub': 'arn:${AWS::Partition}:sns:*:*:linkgate-*' }),
  ],
  // Anybody can call these two: they know no EC2.
  OnSlackInteraction: [
    'on-slack-interaction',
    read,
    query('SERVICE', 'AWAITING_APPROVAL#*', 'APPROVERS', 'BY_ACCOUNT#*'),
    put(
      'CONNECTION#*',
      'AUDIT#*',
      'PENDING_EFFECT#*',
      'ENDPOINT_QUOTA#*',
      'AWAITING_APPROVAL#*',
      'ALLOWLIST#*',
      'REEVALUATE_AT#*',
    ),
    remove('AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
    ring,
    allow(['ssm:GetParameter'], [parameter('slack/signing-secret'), parameter('slack/bot-token')]),
  ],
  OnApprovalLink: [
    'on-approval-link',
    read,
    query('BY_ACCOUNT#*'),
    put(
      'CONNECTION#*',
      'AUDIT#*',
      'PENDING_EFFECT#*',
      'ENDPOINT_QUOTA#*',
      'AWAITING_APPROVAL#*',
      'ALLOWLIST#*',
      'REEVALUATE_AT#*',
    ),
    remove('AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
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
      'SERVICE',
      'ALLOWLIST#*',
      'APPROVERS',
      'CUSTOMER',
      'CONTACT_DELIVERY_FAILURE',
      'AUDIT#*',
      'CONNECTION#*',
      'PENDING_EFFECT#*',
      'BY_ACCOUNT#*',
      // The doctor looks at every item.
      'REEVALUATE_AT#*',
      'ENDPOINT_QUOTA#*',
      'DIGEST',
      'PRINCIPALS#*',
      'AWAITING_APPROVAL#*',
    ),
    put(
      'SERVICE',
      'ALLOWLIST#*',
      'APPROVERS',
      'CUSTOMER',
      'CUSTOMER_BY_ACCOUNT#*',
      'MODE',
      'JOB#*',
      'IDEMPOTENCY#*',
      'CONNECTION#*',
      'AUDIT#*',
      'PENDING_EFFECT#*',
      'ENDPOINT_QUOTA#*',
      'AWAITING_APPROVAL#*',
      'BY_ACCOUNT#*',
      'REEVALUATE_AT#*',
      'TABLE_IDENTITY',
      'PLAN#*',
      'POLICY',
    ),
    remove(
      'SERVICE',
      'ALLOWLIST#*',
      'CUSTOMER',
      'CUSTOMER_BY_ACCOUNT#*',
      'CONTACT_DELIVERY_FAILURE',
      'PENDING_EFFECT#*',
      'AWAITING_APPROVAL#*',
      'REEVALUATE_AT#*',
      'APPROVERS',
      // An administrator removes what linkgate cannot read. Records and audit entries are not among it.
      'BY_ACCOUNT#*',
      'NOTIFICATION_THROTTLE',
      'ENDPOINT_QUOTA#*',
      'DISCONNECT_QUOTA',
      'DIGEST',
      'IDEMPOTENCY#*',
      'JOB#*',
      'MODE',
      'PLAN#*',
      'POLICY',
      'PRINCIPALS#*',
      'SWEEP#*',
      'TABLE_IDENTITY',
      'CUSTOMER_NOTIFICATION#*',
      'EXPIRY_WARNING#*',
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
