'use strict';

const { arnOf } = require('./arn-of.cjs');
const { rules, schedules } = require('./events.cjs');
const queues = require('./queues.cjs');

const events = 'events.amazonaws.com';
const topics = 'sns.amazonaws.com';

/** Which AWS services put messages where, each on behalf of which resource. Of functions their roles say what they may. */
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

/** One policy a queue: a second one would replace the first. */
function policy(queue) {
  const Resource = arnOf(queue);
  const theirs = senders.filter((sender) => sender.queue === queue);
  const Statement = [
    ...[...new Set(theirs.map(({ service }) => service))].map((Service) => ({
      Effect: 'Allow',
      Principal: { Service },
      Action: 'sqs:SendMessage',
      Resource,
      Condition: {
        ArnEquals: {
          'aws:SourceArn': theirs.filter(({ service }) => service === Service).map(({ source }) => source),
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
