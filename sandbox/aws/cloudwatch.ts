import type * as Client from '@aws-sdk/client-cloudwatch';
import { AwsError, type AwsService, type OperationContext } from './aws-service.ts';
import { paginate } from './paging.ts';

/** The properties of `AWS::CloudWatch::Alarm`. */
export type AlarmDefinition = Client.PutMetricAlarmInput;

interface Alarm {
  readonly arn: string;
  readonly definition: AlarmDefinition;
  readonly createdAt: number;
}

/** The metrics of AWS namespaces, and the dimension sets under which they appear. */
const awsMetrics: Readonly<Record<string, { metrics: string; dimensions: readonly string[] }>> = {
  'AWS/SQS': {
    metrics:
      'ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesVisible NumberOfEmptyReceives NumberOfMessagesDeleted NumberOfMessagesReceived NumberOfMessagesSent SentMessageSize',
    dimensions: ['QueueName'],
  },
  'AWS/Lambda': {
    metrics:
      'Invocations Errors DeadLetterErrors DestinationDeliveryFailures Throttles Duration IteratorAge ConcurrentExecutions AsyncEventsReceived AsyncEventAge AsyncEventsDropped',
    dimensions: ['', 'FunctionName', 'FunctionName Resource'],
  },
  'AWS/Events': {
    metrics:
      'Invocations FailedInvocations InvocationsSentToDlq InvocationsFailedToBeSentToDlq MatchedEvents TriggeredRules ThrottledRules DeadLetterInvocations',
    dimensions: ['', 'RuleName', 'EventBusName', 'EventBusName RuleName'],
  },
};

const requiredMembers = ['AlarmName', 'ComparisonOperator', 'EvaluationPeriods'] as const;
const maxAlarmRecords = 100;

/** CloudWatch alarms. The sandbox validates and lists them but does not evaluate them: each has insufficient data. */
export function createCloudWatch({ now }: { now: () => number }) {
  const alarms = new Map<string, Alarm>();
  const filteredMetrics = new Set<string>();

  function checkMetric(arn: string, definition: AlarmDefinition) {
    const { Namespace = '', MetricName = '', Dimensions = [] } = definition;
    const [, , , region, accountId] = arn.split(':');
    if (filteredMetrics.has(`${accountId} ${region} ${Namespace} ${MetricName}`) && Dimensions.length === 0)
      return;
    const published = awsMetrics[Namespace];
    const dimensions = Dimensions.map(({ Name }) => Name)
      .sort()
      .join(' ');
    if (!published?.metrics.split(' ').includes(MetricName) || !published.dimensions.includes(dimensions))
      throw new Error(
        `the alarm \`${arn}\` uses a metric that nothing publishes: \`${Namespace} ${MetricName}\` by \`${dimensions}\``,
      );
  }

  const operations = {
    DescribeAlarms(input: Client.DescribeAlarmsInput, { caller }) {
      const { AlarmNames, AlarmNamePrefix = '', StateValue, MaxRecords = 50 } = input;
      if (AlarmNames && AlarmNamePrefix)
        throw new AwsError(
          'InvalidParameterCombinationException',
          'AlarmNames and AlarmNamePrefix exclude each other.',
        );
      if (MaxRecords < 1 || MaxRecords > maxAlarmRecords)
        throw new AwsError('ValidationError', `MaxRecords must be between 1 and ${maxAlarmRecords}`);
      const matchingAlarms = [...alarms.values()].filter(
        ({ arn, definition: { AlarmName = '' } }) =>
          arn.startsWith(`arn:aws:cloudwatch:${caller.region}:${caller.accountId}:`) &&
          (AlarmNames === undefined || AlarmNames.includes(AlarmName)) &&
          AlarmName.startsWith(AlarmNamePrefix) &&
          (StateValue === undefined || StateValue === 'INSUFFICIENT_DATA'),
      );
      const page = paginate(matchingAlarms, ({ arn }) => arn, { size: MaxRecords, token: input.NextToken });
      return {
        MetricAlarms: page.rows.map(describe),
        CompositeAlarms: [],
        NextToken: page.NextToken,
      };
    },
  } satisfies Record<string, (input: never, context: OperationContext) => unknown>;

  const service: AwsService = {
    signingName: 'monitoring',
    loadClient: () => import('@aws-sdk/client-cloudwatch'),
    protocol: 'awsJson1_0',
    xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
    operations,
    accesses: (operation) => [{ action: `cloudwatch:${operation}`, resource: '*' }],
  };

  return {
    service,
    /** Throws where the metric of the alarm does not exist. */
    createAlarm(arn: string, definition: AlarmDefinition) {
      for (const member of requiredMembers)
        if (definition[member] === undefined) throw new Error(`the alarm \`${arn}\` has no \`${member}\``);
      if (definition.Threshold === undefined) throw new Error(`the alarm \`${arn}\` has no \`Threshold\``);
      if (!definition.Period || !(definition.Statistic ?? definition.ExtendedStatistic))
        throw new Error(`the alarm \`${arn}\` needs a \`Period\` and a \`Statistic\``);
      checkMetric(arn, definition);
      alarms.set(arn, { arn, definition, createdAt: now() });
    },
    /** Registers the metric of a metric filter, so that an alarm can name it. */
    createMetric(accountId: string, region: string, namespace: string, metricName: string) {
      filteredMetrics.add(`${accountId} ${region} ${namespace} ${metricName}`);
    },
  };
}

function describe({ arn, definition, createdAt }: Alarm): Client.MetricAlarm {
  const updatedAt = new Date(createdAt);
  return {
    ActionsEnabled: true,
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    Dimensions: [],
    ...definition,
    AlarmArn: arn,
    AlarmConfigurationUpdatedTimestamp: updatedAt,
    StateValue: 'INSUFFICIENT_DATA',
    StateReason: 'Unchecked: Initial alarm creation',
    StateUpdatedTimestamp: updatedAt,
    StateTransitionedTimestamp: updatedAt,
  };
}
