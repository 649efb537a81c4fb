import { expect, test } from '@jest/globals';
import { type AlarmDefinition, createCloudWatch } from '../../../sandbox/aws/cloudwatch.ts';

const arn = 'arn:aws:cloudwatch:us-east-1:111111111111:alarm:a';

const anAlarm = (changes: Partial<AlarmDefinition> = {}): AlarmDefinition => ({
  AlarmName: 'a',
  Namespace: 'AWS/SQS',
  MetricName: 'ApproximateNumberOfMessagesVisible',
  Dimensions: [{ Name: 'QueueName', Value: 'dlq' }],
  Period: 60,
  Statistic: 'Maximum',
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: 'GreaterThanThreshold',
  ...changes,
});

test.each<[string, Partial<AlarmDefinition>]>([
  ['a metric that its namespace does not have', { MetricName: 'Errors' }],
  ['a namespace that nobody publishes', { Namespace: 'linkgate', Dimensions: [] }],
  ['the wrong dimension', { Dimensions: [{ Name: 'FunctionName', Value: 'dlq' }] }],
  ['no comparison', { ComparisonOperator: undefined }],
  ['no period', { Period: undefined }],
])('an alarm with %s is refused', (_what, changes) => {
  expect(() => createCloudWatch({ now: () => 0 }).createAlarm(arn, anAlarm(changes))).toThrow(arn);
});

test('an alarm may use the metric of a metric filter', () => {
  const cloudwatch = createCloudWatch({ now: () => 0 });
  cloudwatch.createMetric('111111111111', 'us-east-1', 'linkgate', 'Garbage');
  const watch = () =>
    cloudwatch.createAlarm(arn, anAlarm({ Namespace: 'linkgate', MetricName: 'Garbage', Dimensions: [] }));
  expect(watch).not.toThrow();
});
