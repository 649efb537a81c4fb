'use strict';

const { arnOf } = require('./arn-of.cjs');
const { rules, schedules } = require('./events.cjs');
const queues = require('./queues.cjs');

const events = 'events.amazonaws.com';
const topics = 'sns.amazonaws.com';

/** The AWS services that send to queues, each with its source resource. Functions send with the permissions of their roles. */
const senders = [
  ...Object.entries(rules).map(([rule, { queue }]) => ({ queue, service: events, source: arnOf(rule) })),
  ...[...Object.keys(rules), ...Object.keys(schedules)].map((rule) => ({
    queue: 'UndeliveredEvents',
    service: events,
    source: arnOf(rule),
  })),
  ...['ConnectionNotifications', 'ConnectionNotificationsDeadLetters'].map((queue) => ({
    queue,
    service: topics,
    source: { Ref: 'ConnectionsTopic' },
  })),
];

/** Builds the only policy of a queue: a second policy would replace the first. */
function policy(queue) {
  const Resource = arnOf(queue);
  const queueSenders = senders.filter((sender) => sender.queue === queue);
  const Statement = [
    ...[...new Set(queueSenders.map(({ service }) => service))].map((Service) => ({
      Effect: 'Allow',
      Principal: { Service },
      Action: 'sqs:SendMessage',
      Resource,
      Condition: {
        ArnEquals: {
          'aws:SourceArn': queueSenders
            .filter(({ service }) => service === Service)
            .map(({ source }) => source),
        },
      },
    })),
    {
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:*',
      Resource,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ];
  return {
    [`${queue}Policy`]: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: queue }], PolicyDocument: { Version: '2012-10-17', Statement } },
    },
  };
}

module.exports = () => ({ Resources: Object.assign({}, ...queues.names.map(policy)) });
