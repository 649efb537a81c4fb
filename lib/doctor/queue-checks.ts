import { type Check, type CheckOutput, type CheckResult, fail, pass, warn } from '../checks/check.ts';
import type { settleEach } from '../runtime/runtime.ts';
import type { Deployment, QueueState } from './deployment.ts';

/** A queue with this many messages has a function that is too slow. */
const backlogThreshold = 1_000;

const fullSweepRecovers = 'The full sweep recovers it within 15 minutes.';
const sweepRecovers = 'The sweep recovers it.';
const nextSweepRecovers = 'The next scheduled sweep recovers it; the job of the lost request never finishes.';

/** The procedure to recover a lost message, by its source queue or its dead-letter queue. */
const recoveryByQueue: Readonly<Record<string, string>> = {
  'connection-notifications': sweepRecovers,
  'connection-rechecks': sweepRecovers,
  'connection-requests': sweepRecovers,
  'connection-changes': sweepRecovers,
  'apply-verdicts.fifo': sweepRecovers,
  'sweep-requests': nextSweepRecovers,
  'approver-notifications': sweepRecovers,
  'customer-notifications': fullSweepRecovers,
  'service-checks': fullSweepRecovers,
  'undelivered-events':
    'The sweep finds the connections within a minute, and the next schedule replaces a missed one; the full sweep checks services again within 15 minutes.',
  'failed-invocations':
    'The next sweep replaces a failed one; the full sweep re-evaluates requests after a policy change within 15 minutes. An unpublished event `Connection Waiting` or `Service Drifted` is lost: `linkgate connections --waiting` and `linkgate doctor` show the same facts. After the full sweep linkgate notifies customers of scheduled disconnects; other customer notifications are lost.',
};

export interface QueueCheckDeps {
  readonly deployment: Deployment;
  readonly topicArn: string;
  readonly readQueues: () => ReturnType<typeof settleEach<string, QueueState>>;
}

export const queueChecks: readonly Check<QueueCheckDeps>[] = [
  { id: 'subscription', title: 'connection notifications reach their queue', run: checkTopicSubscription },
  {
    id: 'queue',
    title: 'each queue is short',
    run: async ({ readQueues }) =>
      (await readQueues()).flatMap((reading) => {
        const subject = nameAfterLast('/', reading.input);
        if ('error' in reading) return { subject, error: reading.error };
        const isSource = reading.output.deadLetterQueueArn !== undefined;
        return isSource ? { subject, ...checkBacklog(reading.output) } : [];
      }),
  },
  {
    id: 'dead-letters',
    title: 'no message is lost',
    run: async (deps) => {
      const queues = await readableQueues(deps);
      return queues
        .filter(({ deadLetterQueueArn }) => deadLetterQueueArn === undefined)
        .map((queue) => ({ subject: nameAfterLast('/', queue.url), ...checkDeadLetters(queue, queues) }));
    },
  },
];

async function readableQueues({ readQueues }: QueueCheckDeps): Promise<QueueState[]> {
  return (await readQueues()).flatMap((reading) => ('output' in reading ? reading.output : []));
}

async function checkTopicSubscription(deps: QueueCheckDeps): Promise<CheckOutput> {
  const notifications = (await readableQueues(deps)).find(({ arn }) =>
    arn.endsWith('-connection-notifications'),
  );
  const subscribers = await deps.deployment.listTopicQueues();
  return (
    (notifications !== undefined && subscribers.includes(notifications.arn)) ||
    fail(
      'the topic of connection notifications does not deliver to their queue: only the sweep finds requests, within a minute',
      `aws sns subscribe --topic-arn ${deps.topicArn} --protocol sqs --notification-endpoint ${notifications?.arn ?? '…'}`,
    )
  );
}

function checkBacklog({ arn, visibleMessages }: QueueState): CheckResult {
  const detail = formatMessageCount(visibleMessages);
  return visibleMessages < backlogThreshold
    ? pass(detail)
    : warn(
        `${detail}: the function is too slow`,
        `check again later; if the number grows, check throttles and errors of the function that ${nameAfterLast(':', arn)} feeds`,
      );
}

function checkDeadLetters(queue: QueueState, queues: readonly QueueState[]): CheckResult {
  const { arn, url, visibleMessages } = queue;
  if (visibleMessages === 0) return pass('empty');
  const source = queues.find(({ deadLetterQueueArn }) => deadLetterQueueArn === arn);
  const readText = `Read the messages:\naws sqs receive-message --queue-url ${url} --max-number-of-messages 10 --message-attribute-names All`;
  const purgeText = `purge the queue:\naws sqs purge-queue --queue-url ${url}`;
  const recoveryText = findRecovery(source?.arn ?? arn);
  return fail(
    formatMessageCount(visibleMessages),
    source
      ? `${readText}\nThe log of the function that ${nameAfterLast(':', source.arn)} feeds has the error. Once it is fixed, start a redrive:\naws sqs start-message-move-task --source-arn ${arn}\nOr ${purgeText}\n${recoveryText}`
      : `${readText}\nOnce you know why they are there, ${purgeText}\n${recoveryText}`,
  );
}

function findRecovery(arn: string): string {
  return Object.entries(recoveryByQueue).find(([queue]) => arn.endsWith(`-${queue}`))?.[1] ?? '';
}

function formatMessageCount(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

function nameAfterLast(separator: '/' | ':', text: string): string {
  return text.slice(text.lastIndexOf(separator) + 1);
}
