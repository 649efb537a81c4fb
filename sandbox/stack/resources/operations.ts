import { type ResourceTypes, resourceArn } from '../resource-type.ts';

export const operationsResources: ResourceTypes = {
  'AWS::Logs::LogGroup': {
    properties: ['LogGroupName', 'RetentionInDays'],
    create({ LogGroupName: name, RetentionInDays }, stack) {
      if (RetentionInDays === undefined) throw new Error('the log group has no retention');
      return { ref: name, attributes: { Arn: `${resourceArn(stack, 'logs', `log-group:${name}`)}:*` } };
    },
  },

  'AWS::Logs::MetricFilter': {
    properties: ['FilterPattern', 'LogGroupName', 'MetricTransformations'],
    create({ MetricTransformations }, { emulator, accountId, region }, logicalId) {
      for (const { MetricNamespace, MetricName } of MetricTransformations)
        emulator.cloudWatch.createMetric(accountId, region, MetricNamespace, MetricName);
      return { ref: logicalId };
    },
  },

  'AWS::CloudWatch::Alarm': {
    properties: [
      'AlarmActions',
      'AlarmDescription',
      'AlarmName',
      'ComparisonOperator',
      'Dimensions',
      'EvaluationPeriods',
      'ExtendedStatistic',
      'MetricName',
      'Namespace',
      'Period',
      'Statistic',
      'Threshold',
      'TreatMissingData',
    ],
    create(properties, stack) {
      const { AlarmName } = properties;
      const arn = resourceArn(stack, 'cloudwatch', `alarm:${AlarmName}`);
      stack.alarms.push({ arn, definition: properties as never });
      return { ref: AlarmName, attributes: { Arn: arn } };
    },
  },
};
