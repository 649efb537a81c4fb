'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { arnOf } = require('./arn-of.cjs');

/**
 * The EventBridge rules: `pattern` is a file in rules/events. A rule without `bus` is on the default bus, to which AWS services
 * send events.
 */
const rules = {
  ConnectionRequestRule: { pattern: 'connection-request', queue: 'ConnectionRequests', bus: 'Bus' },
  ConnectionChangedRule: { pattern: 'connection-changed', queue: 'ConnectionChanges', bus: 'Bus' },
  ConnectionIsPendingRule: { pattern: 'connection-is-pending', queue: 'ConnectionRechecks', bus: 'Bus' },
  ExternalConnectionChangeRule: { pattern: 'external-connection-change', queue: 'ConnectionNotifications' },
  ServiceChangedRule: { pattern: 'service-changed', queue: 'ServiceChecks' },
};

/** The schedules of sweeps. */
const schedules = {
  SweepPendingSchedule: { every: 'rate(1 minute)', scope: 'pending' },
  SweepFullSchedule: { every: 'rate(15 minutes)', scope: 'full' },
};

const delivery = (hours) => ({
  RetryPolicy: { MaximumEventAgeInSeconds: hours * 3600, MaximumRetryAttempts: 185 },
  DeadLetterConfig: { Arn: arnOf('UndeliveredEvents') },
});

function rule([logicalId, { pattern, queue, bus }]) {
  return {
    [logicalId]: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: `linkgate-\${sls:stage}-${pattern}`,
        ...(bus && { EventBusName: { Ref: bus } }),
        EventPattern: JSON.parse(readFileSync(join(__dirname, '../rules/events', `${pattern}.json`), 'utf8')),
        Targets: [{ Id: 'queue', Arn: arnOf(queue), ...delivery(24) }],
      },
    },
  };
}

function schedule([logicalId, { every, scope }]) {
  return {
    [logicalId]: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: `linkgate-\${sls:stage}-sweep-${scope}`,
        ScheduleExpression: every,
        Targets: [
          {
            Id: 'sweep',
            Arn: arnOf('SweepDashconnectionsLambdaFunction'),
            Input: JSON.stringify({ scope }),
            ...delivery(1),
          },
        ],
      },
    },
    [`${logicalId}Permission`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: arnOf('SweepDashconnectionsLambdaFunction'),
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: arnOf(logicalId),
      },
    },
  };
}

module.exports = () => ({
  Resources: Object.assign(
    { Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'linkgate-${sls:stage}' } } },
    ...Object.entries(rules).map(rule),
    ...Object.entries(schedules).map(schedule),
    {
      // A schedule invokes asynchronously. Without a destination Lambda drops the event after the last retry.
      SweepFailures: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: { Ref: 'SweepDashconnectionsLambdaFunction' },
          Qualifier: '$LATEST',
          MaximumRetryAttempts: 2,
          MaximumEventAgeInSeconds: 300,
          DestinationConfig: { OnFailure: { Destination: arnOf('FailedInvocations') } },
        },
      },
    },
  ),
});
Object.assign(module.exports, { rules, schedules });
