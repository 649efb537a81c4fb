/**
 * Accepted findings of cdk-nag. `rule`: the beginning of the finding. `on`: the logical ids.
 * @type {readonly {rule: string, on: readonly string[], reason: string}[]}
 */
export const exceptions = [
  {
    rule: 'AwsSolutions-S1',
    on: ['ServerlessDeploymentBucket'],
    reason:
      'It holds the bundles and the template of each deployment and nothing else. Its access log would need another bucket; CloudTrail has the deployments.',
  },
  {
    rule: 'AwsSolutions-SQS3',
    on: ['UndeliveredEvents', 'FailedInvocations'],
    reason:
      'They are dead-letter queues: of the rules on the buses, and of the invocations and the stream. cdk-nag knows only those of queues.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:',
    on: [
      'ApplyVerdictsRole',
      'CheckServiceRole',
      'DecideConnectionsRole',
      'NotifyApproversRole',
      'NotifyCustomersRole',
      'OnApiRequestRole',
      'OnApprovalLinkRole',
      'OnConnectionNotificationRole',
      'OnTableStreamRole',
      'OnSlackInteractionRole',
      'SweepConnectionsRole',
      'RecordConnectionStateRole',
    ],
    reason:
      'A log stream is named by Lambda when it starts an environment. The log group is the function’s own.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    on: [
      'ApplyVerdictsRole',
      'CheckServiceRole',
      'DecideConnectionsRole',
      'OnApiRequestRole',
      'OnConnectionNotificationRole',
      'OnTableStreamRole',
      'SweepConnectionsRole',
    ],
    reason:
      'EC2 has no resource-level permission for describing endpoint connections, service configurations and connection notifications, and SSM none for DescribeParameters.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:*:<AWS::AccountId>:vpc-endpoint-service/*]',
    on: ['ApplyVerdictsRole', 'CheckServiceRole', 'OnApiRequestRole'],
    reason:
      'Services are registered after the deployment, in any Region: what confers the permission is their tag, in the statement’s condition. vpce:AllowMultiRegion has no condition keys, and does nothing without the Accept or Reject that has one; a service gets its tag before its notification, by a call that may set that tag alone.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sns:*:*:linkgate-*]',
    on: ['NotifyCustomersRole'],
    reason:
      'A customer names a topic in any account and Region as its contact. Its name has to begin with linkgate-, so that no other can be published to; the topic’s own policy has to let linkgate in.',
  },
  {
    rule: 'AwsSolutions-APIG4',
    on: [
      'ReceivePOSTslackRoute',
      'ReceiveGETapprovalRoute',
      'ReceiveHEADapprovalRoute',
      'ReceivePOSTapprovalRoute',
    ],
    reason:
      'Slack and readers of mails have no AWS credentials. Each function proves its caller by itself, by Slack’s signature or the link’s token, and knows no EC2; the stage is throttled.',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:',
    on: ['ViewerPolicy', 'ApproverPolicy', 'AdministratorPolicy'],
    reason: 'What stands for a parameter of a path can be any service, account or endpoint.',
  },
];
