import { type ResourceTypes, resourceArn } from '../resource-type.ts';

export const operationsResources: ResourceTypes = {
  'AWS::Logs::LogGroup': {
    properties: ['LogGroupName', 'RetentionInDays', 'Tags'],
    create({ LogGroupName, RetentionInDays }, stack, logicalId) {
      if (RetentionInDays === undefined) throw new Error('the log group has no retention');
      const name = LogGroupName ?? `${stack.name}-${logicalId}`;
      return { ref: name, attributes: { Arn: `${resourceArn(stack, 'logs', `log-group:${name}`)}:*` } };
    },
  },

  'AWS::Logs::MetricFilter': {
    properties: ['FilterName', 'FilterPattern', 'LogGroupName', 'MetricTransformations'],
    create({ MetricTransformations }, { emulator, accountId, region }, logicalId) {
      for (const { MetricNamespace, MetricName } of MetricTransformations)
        emulator.cloudWatch.createMetric(accountId, region, MetricNamespace, MetricName);
      return { ref: logicalId };
    },
  },

  'AWS::CloudWatch::Alarm': {
    properties: [
      'ActionsEnabled',
      'AlarmActions',
      'AlarmDescription',
      'AlarmName',
      'ComparisonOperator',
      'DatapointsToAlarm',
      'Dimensions',
      'EvaluationPeriods',
      'ExtendedStatistic',
      'InsufficientDataActions',
      'MetricName',
      'Metrics',
      'Namespace',
      'OKActions',
      'Period',
      'Statistic',
      'Threshold',
      'TreatMissingData',
      'Unit',
    ],
    create(properties, stack, logicalId) {
      const AlarmName = properties.AlarmName ?? `${stack.name}-${logicalId}`;
      const arn = resourceArn(stack, 'cloudwatch', `alarm:${AlarmName}`);
      stack.alarms.push({ arn, definition: { ...properties, AlarmName } as never });
      return { ref: AlarmName, attributes: { Arn: arn } };
    },
  },
};
