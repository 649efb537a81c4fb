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
// Services are registered after the deployment, so the permission depends on their tag.
const onTagged = (...Action) =>
  allow(Action, services, { StringEquals: { 'aws:ResourceTag/linkgate': '${sls:stage}' } });

// These three actions have no resource-level permissions, unlike DescribeVpcEndpointServicePermissions (Service Authorization
// Reference, EC2).
const describeConnections = allow(['ec2:DescribeVpcEndpointConnections'], '*');
const describeServices = allow(
  ['ec2:DescribeVpcEndpointServiceConfigurations', 'ec2:DescribeVpcEndpointConnectionNotifications'],
  '*',
);
const describePrincipals = onTagged('ec2:DescribeVpcEndpointServicePermissions');
const publish = allow(['events:PutEvents'], arnOf('Bus'), { StringEquals: { 'events:source': 'linkgate' } });
const sendToApplyQueue = allow(['sqs:SendMessage'], arnOf('ApplyQueue'));
const receiveFrom = (...queues) =>
  allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], queues.map(arnOf));
const sendSweepRequests = allow(['sqs:SendMessage'], arnOf('SweepRequests'));
const sendApproverNotifications = allow(['sqs:SendMessage'], arnOf('ApproverNotifications'));
const sendCustomerNotifications = allow(['sqs:SendMessage'], arnOf('CustomerNotifications'));
const sendServiceChecks = allow(['sqs:SendMessage'], arnOf('ServiceChecks'));
const sendFailedInvocations = allow(['sqs:SendMessage'], arnOf('FailedInvocations'));

const table = {
  'Fn::If': [
    'CreatesTable',
    { 'Fn::GetAtt': ['Table', 'Arn'] },
    { 'Fn::Sub': 'arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${table}' },
  ],
};
const stream = {
  'Fn::If': ['CreatesTable', { 'Fn::GetAtt': ['Table', 'StreamArn'] }, { Ref: 'tableStreamArn' }],
};

const readStream = allow(
  ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
  stream,
);

/** Restricts an action to partition keys with these prefixes. */
const onPartitions = (...kinds) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': kinds } });
const read = allow(['dynamodb:BatchGetItem'], table);
const query = (...kinds) => allow(['dynamodb:Query'], table, onPartitions(...kinds));
const put = (...kinds) => allow(['dynamodb:PutItem'], table, onPartitions(...kinds));
// No function may delete audit entries, or update an item in place.
const remove = (...kinds) => allow(['dynamodb:DeleteItem'], table, onPartitions(...kinds));
const outbox = ['NOTIFICATION#*', 'NOTIFICATION_RETRY#*'];
/** What a decision writes. */
const decision = ['CONNECTION#*', 'AUDIT#*', 'PENDING_EFFECT#*', 'ENDPOINT_QUOTA#*', 'AWAITING_APPROVAL#*'];
// DescribeTable returns the TableId, which distinguishes a restored table from the original.
const identify = allow(['dynamodb:DescribeTable'], table);

const parameter = (name) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/linkgate/\${sls:stage}/${name}`,
});

const removeIndexItems = remove('PENDING_EFFECT#*', 'AWAITING_APPROVAL#*', 'REEVALUATE_AT#*');
const readMode = allow(['ssm:GetParameter'], parameter('mode'));

/** The permissions of each function, by the logical id of its role. */
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
    put(...decision, 'BY_ACCOUNT#*', 'REEVALUATE_AT#*'),
    removeIndexItems,
    sendToApplyQueue,
  ],
  ApplyVerdicts: [
    'apply-verdicts',
    receiveFrom('ApplyQueue'),
    describeConnections,
    onTagged('ec2:AcceptVpcEndpointConnections', 'ec2:RejectVpcEndpointConnections'),
    // This permission has no API call. Consumers in other Regions need it. It has no condition keys (Service Authorization
    // Reference, vpce).
    allow(['vpce:AllowMultiRegion'], services),
    read,
    query('PENDING_EFFECT#*'),
    // A disconnect beyond the quota opens an approval request, so this role writes AWAITING_APPROVAL too.
    put('CONNECTION#*', 'AUDIT#*', 'DISCONNECT_QUOTA', 'AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
    remove('PENDING_EFFECT#*'),
    identify,
    publish,
    sendToApplyQueue,
    // Malformed messages move to the dead-letter queue at once.
    allow(['sqs:SendMessage'], arnOf('ApplyQueueDeadLetters')),
    readMode,
  ],
  RecordConnectionState: [
    'record-connection-state',
    receiveFrom('ConnectionChanges'),
    read,
    // A connection that EC2 lists or shows accepted again may have an open approval request.
    put(...decision, 'BY_ACCOUNT#*', 'REEVALUATE_AT#*'),
    removeIndexItems,
  ],
  SweepConnections: [
    'sweep-connections',
    receiveFrom('SweepRequests'),
    describeConnections,
    read,
    query(
      'SERVICE',
      'PENDING_EFFECT#*',
      'ENDPOINT_QUOTA#*',
      'CONNECTION#*',
      'REEVALUATE_AT#*',
      'NOTIFICATION_RETRY#*',
    ),
    put('LEASE', 'JOB#*', 'CONNECTION#*', 'AUDIT#*', 'ENDPOINT_QUOTA#*', 'TABLE_IDENTITY'),
    removeIndexItems,
    identify,
    publish,
    sendToApplyQueue,
    sendApproverNotifications,
    sendCustomerNotifications,
    sendSweepRequests,
    sendServiceChecks,
    sendFailedInvocations,
  ],
  CheckService: [
    'check-service',
    receiveFrom('ServiceChecks'),
    describeServices,
    describePrincipals,
    // Only this function may change allowed principals.
    onTagged('ec2:ModifyVpcEndpointServicePermissions'),
    read,
    query('SERVICE', 'ALLOWLIST#*', 'PRINCIPALS#*'),
    put('SERVICE', 'PRINCIPALS#*'),
    remove('PRINCIPALS#*'),
    sendServiceChecks,
    readMode,
  ],
  OnTableStream: [
    'on-table-stream',
    readStream,
    sendFailedInvocations,
    describeConnections,
    read,
    query('SERVICE', 'APPROVERS', 'AWAITING_APPROVAL#*'),
    put('OPERATIONS_NOTICE', 'EXPIRY_WARNINGS', ...outbox),
    remove('NOTIFICATION_RETRY#*'),
    publish,
    sendApproverNotifications,
    sendServiceChecks,
  ],
  NotifyApprovers: [
    'notify-approvers',
    receiveFrom('ApproverNotifications'),
    read,
    query('BY_ACCOUNT#*'),
    put('CONNECTION#*', 'AUDIT#*', ...outbox, 'EMAIL_RATE', 'NOTIFICATION_THROTTLE', 'DIGEST'),
    remove('NOTIFICATION_RETRY#*'),
    sendApproverNotifications,
    allow(['ssm:GetParameter'], [parameter('slack/bot-token'), parameter('links/signing-key')]),
    allow(['sns:Publish'], [{ Ref: 'ApprovalsTopic' }, { Ref: 'OperationsTopic' }]),
  ],
  NotifyCustomers: [
    'notify-customers',
    readStream,
    receiveFrom('CustomerNotifications'),
    sendFailedInvocations,
    read,
    put(...outbox, 'EMAIL_RATE', 'CONTACT_DELIVERY_FAILURE'),
    remove('CONTACT_DELIVERY_FAILURE', 'NOTIFICATION_RETRY#*'),
    sendCustomerNotifications,
    readMode,
    allow(['sns:Publish'], { Ref: 'CustomersTopic' }),
    // Topics of customers. Their topic policies have to allow this role.
    allow(['sns:Publish'], { 'Fn::Sub': 'arn:${AWS::Partition}:sns:*:*:linkgate-*' }),
  ],
  // Anybody can call these two functions, so they have no EC2 permissions.
  OnSlackInteraction: [
    'on-slack-interaction',
    read,
    query('SERVICE', 'AWAITING_APPROVAL#*', 'APPROVERS', 'BY_ACCOUNT#*'),
    put(...decision, 'ALLOWLIST#*', 'REEVALUATE_AT#*', ...outbox),
    remove('AWAITING_APPROVAL#*', 'REEVALUATE_AT#*', 'NOTIFICATION_RETRY#*'),
    sendToApplyQueue,
    allow(['ssm:GetParameter'], [parameter('slack/signing-secret'), parameter('slack/bot-token')]),
  ],
  OnApprovalLink: [
    'on-approval-link',
    read,
    query('BY_ACCOUNT#*'),
    put(...decision, 'ALLOWLIST#*', 'REEVALUATE_AT#*'),
    remove('AWAITING_APPROVAL#*', 'REEVALUATE_AT#*'),
    sendToApplyQueue,
    allow(['ssm:GetParameter'], parameter('links/signing-key')),
  ],
  OnApiRequest: [
    'on-api-request',
    describeConnections,
    describeServices,
    describePrincipals,
    // The tag grants access to a service, so this role may set only this key with this stage.
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
    // IAM authorizes these calls by the service of the notification (Service Authorization Reference, EC2).
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
      // The doctor reads every item.
      'REEVALUATE_AT#*',
      'ENDPOINT_QUOTA#*',
      'DIGEST',
      'OPERATIONS_NOTICE',
      'PRINCIPALS#*',
      'AWAITING_APPROVAL#*',
      'NOTIFICATION_RETRY#*',
      'LEASE',
    ),
    put(
      'SERVICE',
      'ALLOWLIST#*',
      'APPROVERS',
      'CUSTOMER',
      'CUSTOMER_BY_ACCOUNT#*',
      'MODE',
      'OPERATIONS',
      'JOB#*',
      'IDEMPOTENCY#*',
      ...decision,
      'BY_ACCOUNT#*',
      'REEVALUATE_AT#*',
      'TABLE_IDENTITY',
      'PLAN#*',
      'LEASE',
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
      // An administrator can remove items that linkgate cannot read, except connection items and audit entries.
      'BY_ACCOUNT#*',
      'NOTIFICATION_THROTTLE',
      'ENDPOINT_QUOTA#*',
      'DISCONNECT_QUOTA',
      'DIGEST',
      'IDEMPOTENCY#*',
      'JOB#*',
      'LEASE',
      'MODE',
      'OPERATIONS',
      'OPERATIONS_NOTICE',
      'PLAN#*',
      'PRINCIPALS#*',
      'TABLE_IDENTITY',
      'EXPIRY_WARNINGS',
      ...outbox,
      'EMAIL_RATE',
    ),
    sendToApplyQueue,
    sendSweepRequests,
    allow(['ssm:PutParameter'], parameter('links/signing-key')),
    allow(
      ['ssm:GetParameter', 'ssm:PutParameter'],
      ['mode', 'slack/signing-secret', 'slack/bot-token'].map(parameter),
    ),
    // The doctor makes these calls. DescribeParameters returns no values, and has no resource-level permissions.
    allow(['ssm:DescribeParameters'], '*'),
    allow(['ssm:GetParameter'], parameter('api-url')),
    allow(
      ['dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive', 'dynamodb:DescribeContinuousBackups'],
      table,
    ),
    allow(['sqs:GetQueueAttributes'], queues.map(arnOf)),
    allow(['sns:ListSubscriptionsByTopic'], { Ref: 'ConnectionsTopic' }),
    // SNS authorizes calls on a subscription by its topic, contrary to the Service Authorization Reference.
    allow(
      [
        'sns:ListSubscriptionsByTopic',
        'sns:Subscribe',
        'sns:Unsubscribe',
        'sns:GetSubscriptionAttributes',
        'sns:SetSubscriptionAttributes',
      ],
      [{ Ref: 'ApprovalsTopic' }, { Ref: 'CustomersTopic' }, { Ref: 'OperationsTopic' }],
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
