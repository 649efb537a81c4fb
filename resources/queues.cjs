'use strict';

const { arnOf } = require('./arn-of.cjs');

const day = 86_400;

/**
 * The queues that invoke functions. Each has a dead-letter queue and two alarms. `visibility`: the visibility timeout in seconds,
 * longer than the timeout of the function. `maxAgeSeconds`: the alarm threshold for the age of the oldest message.
 */
const queues = {
  ConnectionNotifications: { name: 'connection-notifications', visibility: 60, maxAgeSeconds: 300 },
  // EC2 sends no notification when an accepted connection becomes available, so linkgate describes pending connections again.
  ConnectionRechecks: { name: 'connection-rechecks', visibility: 60, maxAgeSeconds: 300, delay: 15 },
  ConnectionRequests: { name: 'connection-requests', visibility: 60, maxAgeSeconds: 300 },
  ConnectionChanges: { name: 'connection-changes', visibility: 60, maxAgeSeconds: 300 },
  ServiceChecks: { name: 'service-checks', visibility: 120, maxAgeSeconds: 900 },
  ApplyQueue: { name: 'apply-verdicts', visibility: 90, maxAgeSeconds: 900, fifo: true },
  SweepRequests: { name: 'sweep-requests', visibility: 310, maxAgeSeconds: 900 },
  ApproverNotifications: { name: 'approver-notifications', visibility: 90, maxAgeSeconds: 900 },
  CustomerNotifications: { name: 'customer-notifications', visibility: 90, maxAgeSeconds: 900 },
};

/** The last dead-letter queues: for events that EventBridge could not deliver, and for failed invocations and stream records. */
const deadLetterSinks = {
  UndeliveredEvents: {
    name: 'undelivered-events',
    recovery:
      'The sweep finds the connections within a minute, and the next schedule replaces a missed one; the full sweep checks services again within 15 minutes.',
  },
  FailedInvocations: {
    name: 'failed-invocations',
    recovery:
      'The next sweep replaces a failed one; the full sweep re-evaluates requests after a policy change within 15 minutes. An unpublished event `Connection Waiting` or `Service Drifted` is lost: `linkgate connections --waiting` and `linkgate doctor` show the same facts. After the full sweep linkgate notifies customers of scheduled disconnects; other customer notifications are lost.',
  },
};

const named = (name, isFifo) => `linkgate-\${sls:stage}-${name}${isFifo ? '.fifo' : ''}`;

function queue(name, properties, isFifo = false) {
  return {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: named(name, isFifo),
      SqsManagedSseEnabled: true,
      ...(isFifo && { FifoQueue: true }),
      ...properties,
    },
  };
}

const alarmActions = {
  'Fn::If': ['HasAlarmTopic', [{ Ref: 'alarmTopicArn' }], { Ref: 'AWS::NoValue' }],
};

/** Creates an alarm for a queue that should always be empty. */
function alarmWhenNotEmpty(name, logicalId, description) {
  return alarm(`${name}-has-messages`, logicalId, {
    AlarmDescription: description,
    MetricName: 'ApproximateNumberOfMessagesVisible',
    Threshold: 0,
  });
}

function alarm(name, logicalId, properties) {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: named(name),
      Namespace: 'AWS/SQS',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [logicalId, 'QueueName'] } }],
      Statistic: 'Maximum',
      Period: 60,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: alarmActions,
      ...properties,
    },
  };
}

function deadLettersOf(queue) {
  return `${queue}DeadLetters`;
}

function queueResources([logicalId, { name, visibility, maxAgeSeconds, delay, fifo }]) {
  const deadLetters = deadLettersOf(logicalId);
  return {
    [logicalId]: queue(
      name,
      {
        VisibilityTimeout: visibility,
        MessageRetentionPeriod: 4 * day,
        RedrivePolicy: { deadLetterTargetArn: arnOf(deadLetters), maxReceiveCount: 5 },
        ...(delay && { DelaySeconds: delay }),
      },
      fifo,
    ),
    [deadLetters]: queue(`${name}-dead-letters`, { MessageRetentionPeriod: 14 * day }, fifo),
    [`${deadLetters}Alarm`]: alarmWhenNotEmpty(
      `${name}-dead-letters`,
      deadLetters,
      `Messages of ${name} failed five times${fifo ? ', or are malformed' : ''}. The log of the function says why. After the fix, move them back with an SQS redrive.`,
    ),
    [`${logicalId}AgeAlarm`]: alarm(`${name}-message-age`, logicalId, {
      AlarmDescription: `The oldest message of ${name} is older than ${maxAgeSeconds} s.`,
      MetricName: 'ApproximateAgeOfOldestMessage',
      Threshold: maxAgeSeconds,
    }),
  };
}

function deadLetterSink([logicalId, { name, recovery }]) {
  return {
    [logicalId]: queue(name, { MessageRetentionPeriod: 14 * day }),
    [`${logicalId}Alarm`]: alarmWhenNotEmpty(name, logicalId, `There are messages in ${name}. ${recovery}`),
  };
}

module.exports = () => ({
  Resources: Object.assign(
    {},
    ...Object.entries(queues).map(queueResources),
    ...Object.entries(deadLetterSinks).map(deadLetterSink),
  ),
});
module.exports.names = [
  ...Object.keys(queues).flatMap((queue) => [queue, deadLettersOf(queue)]),
  ...Object.keys(deadLetterSinks),
];
