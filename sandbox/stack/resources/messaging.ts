import { asText, type Properties, type ResourceTypes, resourceArn, type Stack } from '../resource-type.ts';

const queueAttributes = [
  'DelaySeconds',
  'FifoQueue',
  'MessageRetentionPeriod',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'VisibilityTimeout',
];

export const messagingResources: ResourceTypes = {
  'AWS::SQS::Queue': {
    properties: ['QueueName', ...queueAttributes],
    create(properties, stack) {
      const { QueueName } = properties;
      if (Boolean(properties.FifoQueue) !== QueueName.endsWith('.fifo'))
        throw new Error('a queue is FIFO exactly if its name ends in `.fifo`');
      const arn = resourceArn(stack, 'sqs', QueueName);
      requireQueue(properties.RedrivePolicy?.deadLetterTargetArn, stack);
      const presentAttributes = queueAttributes.filter((name) => properties[name] !== undefined);
      stack.emulator.sqs.createQueue(
        arn,
        Object.fromEntries(presentAttributes.map((name) => [name, asText(properties[name])])),
      );
      const url = `${stack.emulator.origin}/${stack.accountId}/${QueueName}`;
      return { ref: url, attributes: { Arn: arn, QueueName } };
    },
    remove({ attributes: { Arn: arn = '' } = {} }, { emulator }) {
      if (emulator.sqs.find(arn)) emulator.sqs.removeQueue(arn);
    },
  },

  'AWS::SQS::QueuePolicy': {
    properties: ['Queues', 'PolicyDocument'],
    create({ Queues, PolicyDocument }, stack, logicalId) {
      for (const url of Queues)
        stack.emulator.sqs.setAttributes(resourceArn(stack, 'sqs', url.split('/').at(-1)), {
          Policy: asText(PolicyDocument),
        });
      return { ref: logicalId };
    },
  },

  'AWS::SNS::Topic': {
    properties: ['TopicName'],
    create({ TopicName }, stack) {
      const arn = resourceArn(stack, 'sns', TopicName);
      stack.emulator.sns.createTopic(arn);
      return { ref: arn };
    },
    remove: ({ ref }, { emulator }) => emulator.sns.removeTopic(ref),
  },

  'AWS::SNS::TopicPolicy': {
    properties: ['Topics', 'PolicyDocument'],
    create({ Topics, PolicyDocument }, { emulator }, logicalId) {
      for (const arn of Topics) emulator.sns.setAttributes(arn, { Policy: asText(PolicyDocument) });
      return { ref: logicalId };
    },
  },

  'AWS::SNS::Subscription': {
    properties: ['TopicArn', 'Protocol', 'Endpoint', 'RedrivePolicy'],
    create({ TopicArn, Protocol, Endpoint, RedrivePolicy }, stack) {
      const { sns, subscriptionDeadLetters } = stack.emulator;
      const arn = sns.subscribe(TopicArn, Protocol, Endpoint);
      requireQueue(RedrivePolicy.deadLetterTargetArn, stack);
      subscriptionDeadLetters.set(arn, RedrivePolicy.deadLetterTargetArn);
      return { ref: arn };
    },
    remove: ({ ref }, { emulator }) => emulator.sns.unsubscribe(ref),
  },

  'AWS::Events::EventBus': {
    properties: ['Name'],
    create({ Name }, stack) {
      const arn = resourceArn(stack, 'events', `event-bus/${Name}`);
      stack.emulator.events.createBus(arn);
      return { ref: Name, attributes: { Arn: arn } };
    },
    remove: ({ attributes }, { emulator }) => emulator.events.removeBus(attributes?.Arn ?? ''),
  },

  'AWS::Events::Rule': {
    properties: ['Name', 'EventBusName', 'EventPattern', 'ScheduleExpression', 'Targets'],
    create(properties, stack) {
      const { EventBusName = 'default', Targets, EventPattern, ScheduleExpression, Name: name } = properties;
      const bus = EventBusName.split('/').at(-1);
      const path = bus === 'default' ? name : `${bus}/${name}`;
      const arn = resourceArn(stack, 'events', `rule/${path}`);
      for (const target of Targets) requireTarget(target, stack);
      stack.emulator.events.createRule({
        arn,
        name,
        busArn: resourceArn(stack, 'events', `event-bus/${bus}`),
        state: 'ENABLED',
        ...(EventPattern !== undefined && { pattern: asText(EventPattern) }),
        ...(ScheduleExpression !== undefined && { schedule: ScheduleExpression }),
        targets: Targets,
      });
      return { ref: path, attributes: { Arn: arn } };
    },
    remove: ({ attributes }, { emulator }) => emulator.events.removeRule(attributes?.Arn ?? ''),
  },
};

const targetMembers = ['Arn', 'Id', 'Input', 'RetryPolicy', 'DeadLetterConfig'];

/** Checks that the target exists. Each delivery checks its resource policy, as on AWS. */
function requireTarget(target: Properties, stack: Stack) {
  const unknown = Object.keys(target).find((member) => !targetMembers.includes(member));
  if (unknown) throw new Error(`the sandbox does not know a target's \`${unknown}\``);
  requireQueue(target.DeadLetterConfig?.Arn, stack);
  const arn: string = target.Arn;
  if (arn.startsWith('arn:aws:sqs:')) requireQueue(arn, stack);
  else if (!stack.emulator.lambda.functions().some((deployed) => deployed.arn === arn))
    throw new Error(`the target \`${arn}\` is neither a queue nor a function of the stack`);
}

export function requireQueue(arn: string | undefined, { emulator }: Stack): void {
  if (arn !== undefined && !emulator.sqs.find(arn)) throw new Error(`there is no queue \`${arn}\``);
}
