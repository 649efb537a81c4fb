import { type Runtime, settleEach } from '../runtime/runtime.ts';
import { type Check, type CheckResult, type CheckSet, failed, ok, runChecks, warning } from './check.ts';
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

interface QueueCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly deployment: Deployment;
  readonly topicArn: string;
}

/** Checks every queue, and the subscription of the queue of connection notifications. */
export async function checkQueues(deps: QueueCheckDeps): Promise<Check[]> {
  const { deployment } = deps;
  const readings = await settleEach(deployment.queueUrls, deployment.queue);
  const queues = readings.flatMap((reading) => ('output' in reading ? [reading.output] : []));
  const notifications = queues.find(({ arn }) => arn.endsWith('-connection-notifications'));
  const checks = await Promise.all([
    runChecks('queues', null, { subscription: () => checkTopicSubscription(notifications, deps) }, deps),
    ...readings.map((reading) => {
      const checkSet =
        'output' in reading
          ? buildQueueChecks(reading.output, queues)
          : { queue: () => Promise.reject(reading.error) };
      return runChecks('queues', reading.input.slice(reading.input.lastIndexOf('/') + 1), checkSet, deps);
    }),
  ]);
  return checks.flat();
}

function buildQueueChecks(queue: QueueState, queues: readonly QueueState[]): CheckSet {
  if (queue.deadLetterQueueArn !== undefined) return { queue: () => checkBacklog(queue) };
  const source = queues.find(({ deadLetterQueueArn }) => deadLetterQueueArn === queue.arn);
  return { 'dead-letters': () => checkDeadLetters(queue, source) };
}

function checkBacklog({ arn, visibleMessages }: QueueState): CheckResult {
  const detail = formatMessageCount(visibleMessages);
  return visibleMessages < backlogThreshold
    ? ok(detail)
    : warning(
        `${detail}: the function is too slow`,
        `check again later; if the number grows, check throttles and errors of the function that ${queueNameFromArn(arn)} feeds`,
      );
}

function checkDeadLetters(
  { arn, url, visibleMessages }: QueueState,
  source: QueueState | undefined,
): CheckResult {
  if (visibleMessages === 0) return ok('empty');
  const readText = `Read the messages:\naws sqs receive-message --queue-url ${url} --max-number-of-messages 10 --message-attribute-names All`;
  const purgeText = `purge the queue:\naws sqs purge-queue --queue-url ${url}`;
  const recoveryText = findRecovery(source?.arn ?? arn);
  return failed(
    formatMessageCount(visibleMessages),
    source
      ? `${readText}\nThe log of the function that ${queueNameFromArn(source.arn)} feeds has the error. Once it is fixed, start a redrive:\naws sqs start-message-move-task --source-arn ${arn}\nOr ${purgeText}\n${recoveryText}`
      : `${readText}\nOnce you know why they are there, ${purgeText}\n${recoveryText}`,
  );
}

async function checkTopicSubscription(notifications: QueueState | undefined, deps: QueueCheckDeps) {
  const subscribers = await deps.deployment.listTopicQueues();
  if (notifications && subscribers.includes(notifications.arn))
    return ok('connection notifications reach their queue');
  return failed(
    'the topic of connection notifications does not deliver to their queue: only the sweep finds requests, within a minute',
    `aws sns subscribe --topic-arn ${deps.topicArn} --protocol sqs --notification-endpoint ${notifications?.arn ?? '…'}`,
  );
}

function findRecovery(arn: string): string {
  return Object.entries(recoveryByQueue).find(([queue]) => arn.endsWith(`-${queue}`))?.[1] ?? '';
}

function formatMessageCount(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

function queueNameFromArn(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1);
}
