import { basename, join } from 'node:path';
import { nameFromArn } from '../../accounts.ts';
import { isAllowed } from '../../iam/policy.ts';
import { mapQueue } from '../../lambda/sqs-mapping.ts';
import { mapStream } from '../../lambda/stream-mapping.ts';
import { type Properties, type ResourceTypes, resourceArn, type Stack } from '../resource-type.ts';
import { requireQueue } from './messaging.ts';

export const lambdaResources: ResourceTypes = {
  'AWS::Lambda::Function': {
    properties: [
      'Architectures',
      'Code',
      'Description',
      'Environment',
      'FunctionName',
      'Handler',
      'MemorySize',
      'RecursiveLoop',
      'Role',
      'Runtime',
      'Tags',
      'Timeout',
    ],
    async create(properties, stack) {
      const { FunctionName: name } = properties;
      const arn = resourceArn(stack, 'lambda', `function:${name}`);
      const variables: Properties = properties.Environment.Variables;
      await stack.emulator.lambda.createFunction({
        name,
        arn,
        roleArn: properties.Role,
        code: join(stack.packageFolder, basename(properties.Code.S3Key)),
        handler: properties.Handler,
        memoryMb: properties.MemorySize,
        timeoutMs: properties.Timeout * 1000,
        environment: Object.fromEntries(
          Object.entries(variables).map(([key, value]) => [key, String(value)]),
        ),
      });
      return { ref: name, attributes: { Arn: arn } };
    },
  },

  'AWS::Lambda::Permission': {
    properties: ['Action', 'FunctionName', 'Principal', 'SourceArn'],
    create({ FunctionName, Principal, SourceArn }, stack, logicalId) {
      stack.emulator.permissions.allow(findFunction(FunctionName, stack).arn, Principal, SourceArn);
      return { ref: logicalId };
    },
  },

  'AWS::Lambda::EventInvokeConfig': {
    properties: [
      'DestinationConfig',
      'FunctionName',
      'MaximumEventAgeInSeconds',
      'MaximumRetryAttempts',
      'Qualifier',
    ],
    create({ FunctionName, MaximumRetryAttempts, DestinationConfig }, stack, logicalId) {
      const { arn, roleArn } = findFunction(FunctionName, stack);
      const onFailure = requireDestination(DestinationConfig, roleArn, stack);
      stack.emulator.lambda.configureAsynchronous(arn, { maximumRetries: MaximumRetryAttempts, onFailure });
      return { ref: logicalId };
    },
  },

  'AWS::Lambda::EventSourceMapping': {
    properties: [
      'BatchSize',
      'BisectBatchOnFunctionError',
      'DestinationConfig',
      'Enabled',
      'EventSourceArn',
      'FilterCriteria',
      'FunctionName',
      'FunctionResponseTypes',
      'MaximumBatchingWindowInSeconds',
      'MaximumRecordAgeInSeconds',
      'MaximumRetryAttempts',
      'ScalingConfig',
      'StartingPosition',
    ],
    create(properties, stack, logicalId) {
      if (!properties.FunctionResponseTypes.includes('ReportBatchItemFailures'))
        throw new Error('the function does not report which items of a batch failed');
      const isQueue = properties.EventSourceArn.startsWith('arn:aws:sqs:');
      (isQueue ? createQueueMapping : createStreamMapping)(properties, stack);
      return { ref: logicalId };
    },
  },
};

/** No limit: the sandbox never reaches the account's own limit. */
const unboundedConcurrency = 1000;

function createQueueMapping(properties: Properties, stack: Stack) {
  const { inFlight, faults, lambda, sqs } = stack.emulator;
  const { arn, roleArn, timeoutMs } = findFunction(properties.FunctionName, stack);
  const queueArn: string = properties.EventSourceArn;
  requireQueue(queueArn, stack);
  for (const action of ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'])
    requirePermission(roleArn, action, queueArn, stack);
  const queue = sqs.find(queueArn);
  if (Number(queue?.attributes.VisibilityTimeout) * 1000 < timeoutMs)
    throw new Error(`the visibility timeout of \`${queueArn}\` is shorter than its function may run`);
  mapQueue(
    {
      queueArn,
      batchSize: properties.BatchSize,
      maximumConcurrency: properties.ScalingConfig?.MaximumConcurrency ?? unboundedConcurrency,
    },
    { queues: sqs, inFlight, faults, invoke: (event) => lambda.invoke(arn, event) },
  );
}

function createStreamMapping(properties: Properties, stack: Stack) {
  const { clock, inFlight, faults, lambda, sqs, store, streamConsumers } = stack.emulator;
  const { arn, roleArn } = findFunction(properties.FunctionName, stack);
  const streamArn: string = properties.EventSourceArn;
  for (const action of ['GetRecords', 'GetShardIterator', 'DescribeStream', 'ListStreams'])
    requirePermission(roleArn, `dynamodb:${action}`, streamArn, stack);
  const onFailure = requireDestination(properties.DestinationConfig, roleArn, stack);
  const take = mapStream(
    {
      streamArn,
      functionArn: arn,
      batchSize: properties.BatchSize,
      windowSeconds: properties.MaximumBatchingWindowInSeconds ?? 0,
      maximumRetries: properties.MaximumRetryAttempts,
      filters: properties.FilterCriteria.Filters.map(({ Pattern }: Properties) => Pattern),
    },
    {
      clock,
      inFlight,
      faults,
      invoke: (event) => lambda.invoke(arn, event),
      pendingRecords: store.openMap(`lambda/stream-records/${arn}`),
      sendToOnFailure: (metadata) => sqs.deliver(onFailure, { body: JSON.stringify(metadata) }),
    },
  );
  const [tableArn = ''] = streamArn.split('/stream/');
  const previousConsumer = streamConsumers.get(tableArn) ?? (() => {});
  streamConsumers.set(tableArn, (records) => {
    previousConsumer(records);
    take(records);
  });
}

/** Finds a function by name or ARN. */
function findFunction(reference: string, { emulator }: Stack) {
  const deployedFunction = emulator.lambda.functions().find(({ name }) => name === nameFromArn(reference));
  if (!deployedFunction) throw new Error(`there is no function \`${reference}\``);
  return deployedFunction;
}

/** Returns the ARN of the destination's queue. */
function requireDestination({ OnFailure }: Properties, roleArn: string, stack: Stack): string {
  const arn: string = OnFailure.Destination;
  requireQueue(arn, stack);
  requirePermission(roleArn, 'sqs:SendMessage', arn, stack);
  return arn;
}

/** Lambda polls with the role of the function, and refuses a mapping if the role lacks a permission. */
function requirePermission(roleArn: string, action: string, resource: string, { emulator }: Stack) {
  const role = emulator.roles.get(roleArn);
  const access = { action, resource };
  if (!role || !isAllowed(role.policies, access))
    throw new Error(`the role \`${roleArn}\` lacks \`${action}\` on \`${resource}\``);
  role.usedByLambda.push(access);
}
