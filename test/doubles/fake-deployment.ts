import type { Deployment, QueueState } from '../../lib/doctor/deployment.ts';

/** The types of the secrets. */
export const secureStrings = {
  'links/signing-key': 'SecureString',
  'slack/bot-token': 'SecureString',
  'slack/signing-secret': 'SecureString',
};

/** A healthy deployment in AWS, except for the given properties. */
export function aDeployment({
  queues = healthyQueues,
  ...otherwise
}: Partial<Deployment> & { readonly queues?: readonly QueueState[] } = {}): Deployment {
  return {
    stage: 'test',
    tableName: 'linkgate-test',
    table: async () => ({ status: 'ACTIVE', stream: 'NEW_AND_OLD_IMAGES' }),
    readTtlAttribute: async () => 'expiresAt',
    hasPointInTimeRecovery: async () => true,
    parameters: async () => new Map(Object.entries(secureStrings)),
    apiUrl: async () => 'https://api-1.execute-api.us-east-1.amazonaws.com',
    queueUrls: queues.map(({ url }) => url),
    async queue(queueUrl) {
      const queue = queues.find(({ url }) => url === queueUrl);
      if (!queue) throw new Error(`there is no queue ${queueUrl}`);
      return queue;
    },
    listTopicQueues: async () => [queueArn('connection-notifications')],
    ...otherwise,
  };
}

export function aQueue(name: string, state: Partial<QueueState> = {}): QueueState {
  const arn = queueArn(name);
  return {
    url: `https://sqs/${arn.split(':').at(-1)}`,
    arn,
    visibleMessages: 0,
    deadLetterQueueArn: undefined,
    ...state,
  };
}

export function queueArn(name: string): string {
  return `arn:aws:sqs:us-east-1:111111111111:linkgate-test-${name}`;
}

export const healthyQueues = [
  aQueue('connection-notifications', {
    deadLetterQueueArn: queueArn('connection-notifications-dead-letters'),
  }),
  aQueue('connection-notifications-dead-letters'),
  aQueue('undelivered-events'),
];
