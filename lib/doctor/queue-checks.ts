import { type Runtime, settleEach } from '../runtime/runtime.ts';
import { type Check, type CheckResult, type CheckSet, failed, ok, runChecks, warning } from './check.ts';
import type { Deployment, QueueState } from './deployment.ts';

/** So many messages a queue has only when its function does not keep up. */
const backlogThreshold = 1_000;

const fullSweepRecovers = 'The full pass makes good what it was about, within 15 minutes.';
const sweepRecovers = 'The sweep makes good what it was about.';
const nextSweepRecovers = 'The next sweep makes good what it was about; who waits for its job waits in vain.';

/** What becomes of that which is lost with a message, by the queue that should have delivered it or where it ended. */
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
    'The sweep finds connections again within a minute, and a missed schedule the next one makes good; services are checked again by the full pass, within 15 minutes.',
  'failed-invocations':
    'The next sweep makes a failed one good; requests that a change of policy concerned are decided anew by the full pass, within 15 minutes. An event `Connection Waiting` or `Service Drifted` that was not published is lost: `linkgate connections --waiting` and `linkgate doctor` show what there is. A consumer who was not told that a connection will be cut is told after the full pass; what else consumers were not told stays untold.',
};

interface QueueCheckDeps extends Pick<Runtime, 'reportError'> {
  readonly deployment: Deployment;
  readonly topicArn: string;
}

/** Every queue by its name, and that connection notifications reach theirs. */
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
        `${detail}: its function does not keep up`,
        `wait, and look again; where the number grows, look for throttling in the metrics of the function that ${queueNameFromArn(arn)} feeds, and for errors in its log`,
      );
}

function checkDeadLetters(
  { arn, url, visibleMessages }: QueueState,
  source: QueueState | undefined,
): CheckResult {
  if (visibleMessages === 0) return ok('empty');
  const look = `Look what failed:\naws sqs receive-message --queue-url ${url} --max-number-of-messages 10 --message-attribute-names All`;
  const empty = `empty it:\naws sqs purge-queue --queue-url ${url}`;
  const lost = findRecovery(source?.arn ?? arn);
  return failed(
    formatMessageCount(visibleMessages),
    source
      ? `${look}\nThe log of the function that ${queueNameFromArn(source.arn)} feeds says why. Once that is mended send them back:\naws sqs start-message-move-task --source-arn ${arn}\nOr ${empty}\n${lost}`
      : `${look}\nOnce you know why they are there, ${empty}\n${lost}`,
  );
}

async function checkTopicSubscription(notifications: QueueState | undefined, deps: QueueCheckDeps) {
  const subscribers = await deps.deployment.listTopicQueues();
  if (notifications && subscribers.includes(notifications.arn))
    return ok('connection notifications reach their queue');
  return failed(
    'the topic of connection notifications does not deliver to their queue: requests are noticed by the sweep within a minute, not at once',
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
