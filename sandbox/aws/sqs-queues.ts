import { createHash } from 'node:crypto';
import { accountIdFromArn } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument } from '../iam/policy.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import { createLongPolls } from './long-polling.ts';
import {
  attributeSeconds,
  countMessages,
  defaultAttributes,
  enqueue,
  findInFlight,
  hasReceivableMessage,
  type OutgoingMessage,
  type Queue,
  type QueuedMessage,
  type QueueSettings,
  receive,
} from './sqs-queue.ts';

export type Queues = ReturnType<typeof createQueues>;

/** The queues of all accounts and Regions, by ARN. */
export function createQueues({
  clock,
  id,
  openMap = inMemory,
}: {
  clock: Clock;
  id: () => string;
  openMap?: OpenMap;
}) {
  const settings = openMap<QueueSettings>('sqs/queues');
  const queues = new Map(
    [...settings].map(([arn, queueSettings]) => [arn, createQueueState(arn, queueSettings)]),
  );
  const longPolls = createLongPolls(clock, (arn) => queues.get(arn));
  let sequence = 0;

  function createQueueState(arn: string, { createdAt, attributes }: QueueSettings): Queue {
    return {
      arn,
      isFifo: arn.endsWith('.fifo'),
      createdAt,
      attributes,
      messages: openMap(`sqs/messages/${arn}`),
      recent: openMap(`sqs/recent/${arn}`),
    };
  }

  function requireQueue(arn: string): Queue {
    const queue = queues.get(arn);
    if (!queue) throw new Error(`there is no queue \`${arn}\``);
    return queue;
  }

  function configure(arn: string, { createdAt, attributes }: QueueSettings) {
    settings.set(arn, { createdAt, attributes });
    queues.set(arn, { ...(queues.get(arn) ?? createQueueState(arn, { createdAt, attributes })), attributes });
  }

  function deadLetter(arn: string, source: Queue, message: QueuedMessage) {
    const target = queues.get(arn);
    // SQS keeps a message that it cannot move.
    if (!target) return void source.messages.set(message.messageId, message);
    target.messages.set(message.messageId, {
      ...message,
      deadLetterSourceArn: source.arn,
      sentAt: target.isFifo ? clock.now() : message.sentAt,
      visibleAt: clock.now(),
      receiveCount: 0,
    });
    longPolls.wake(arn, clock.now());
  }

  /** Changes a message if the receipt handle is current, and calls the consumers of its queue. */
  function hide(
    arn: string,
    receiptHandle: string,
    change: (message: QueuedMessage) => Pick<QueuedMessage, 'visibleAt' | 'hiddenReason' | 'receiveCount'>,
  ) {
    const queue = requireQueue(arn);
    const message = findInFlight(queue, receiptHandle);
    if (!message) return;
    const hidden = { ...message, ...change(message) };
    queue.messages.set(message.messageId, hidden);
    longPolls.wake(arn, hidden.visibleAt);
  }

  return {
    /** Creates a queue. An existing one keeps its messages and its policy. */
    createQueue(arn: string, overrides: QueueSettings['attributes'] = {}) {
      const { createdAt = clock.now(), attributes: { Policy } = {} } = queues.get(arn) ?? {};
      const attributes = { ...defaultAttributes, ...(Policy !== undefined && { Policy }), ...overrides };
      configure(arn, { createdAt, attributes });
    },
    removeQueue(arn: string) {
      const { messages, recent } = requireQueue(arn);
      for (const map of [messages, recent]) map.clear();
      settings.delete(arn);
      queues.delete(arn);
    },
    /** Changes the named attributes: `Policy`, `RedrivePolicy` and so on, as SQS spells them. */
    setAttributes(arn: string, attributes: QueueSettings['attributes']) {
      const queue = requireQueue(arn);
      configure(arn, { ...queue, attributes: { ...queue.attributes, ...attributes } });
    },
    /** A FIFO queue delays by its own `DelaySeconds` only. */
    deliver(arn: string, message: OutgoingMessage, delaySeconds?: number) {
      const queue = requireQueue(arn);
      const queueDelay = attributeSeconds(queue, 'DelaySeconds');
      // The sequence number continues after a restart.
      sequence = Math.max(sequence + 1, clock.now() * 1000);
      const sent = enqueue(queue, withDeduplicationId(queue, message), {
        messageId: id(),
        sequence,
        delaySeconds: queue.isFifo ? queueDelay : (delaySeconds ?? queueDelay),
        now: clock.now(),
      });
      longPolls.wake(arn, sent.visibleAt);
      return sent;
    },
    receive(arn: string, max: number, visibilitySeconds?: number) {
      const queue = requireQueue(arn);
      const visibility = visibilitySeconds ?? attributeSeconds(queue, 'VisibilityTimeout');
      const messages = receive(queue, max, visibility, clock.now(), (deadLetterArn, message) =>
        deadLetter(deadLetterArn, queue, message),
      );
      if (messages.length > 0) longPolls.wake(arn, clock.now() + visibility * 1000);
      return messages;
    },
    /** Deletes a handled message. */
    delete(arn: string, receiptHandle: string) {
      const queue = requireQueue(arn);
      const message = findInFlight(queue, receiptHandle);
      if (message) queue.messages.delete(message.messageId);
      // The next message of the group is visible now.
      if (queue.isFifo) longPolls.wake(arn, clock.now());
    },
    /** Returns a message after a failure: it stays hidden for `afterSeconds`. */
    returnAfterFailure: (arn: string, receiptHandle: string, afterSeconds: number) =>
      hide(arn, receiptHandle, ({ receiveCount }) => ({
        visibleAt: clock.now() + afterSeconds * 1000,
        hiddenReason: 'failed',
        receiveCount,
      })),
    /** Hides a message for a while without counting the receive. */
    postpone: (arn: string, receiptHandle: string, milliseconds: number) =>
      hide(arn, receiptHandle, ({ receiveCount }) => ({
        visibleAt: clock.now() + milliseconds,
        hiddenReason: 'delayed',
        receiveCount: receiveCount - 1,
      })),
    /** Makes messages in flight visible again without counting the receive, after a restart. */
    returnInFlight(arn: string) {
      const { messages } = requireQueue(arn);
      for (const [messageId, message] of messages)
        if (message.hiddenReason === 'handled' && message.visibleAt > clock.now())
          messages.set(messageId, {
            ...message,
            visibleAt: clock.now(),
            receiveCount: message.receiveCount - 1,
          });
    },
    /** Calls a consumer whenever a message is or becomes visible. */
    onArrival(arn: string, listener: () => void) {
      requireQueue(arn);
      longPolls.consume(arn, listener);
    },
    /** Whether the queue's policy lets a service send to it on behalf of `sourceArn`. */
    acceptsFrom(arn: string, service: string, sourceArn: string) {
      const { Policy } = requireQueue(arn).attributes;
      if (Policy === undefined) return false;
      return isAllowedByResourcePolicy(
        JSON.parse(Policy) as PolicyDocument,
        { service },
        {
          action: 'sqs:SendMessage',
          resource: arn,
          conditions: { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': accountIdFromArn(sourceArn) },
        },
      );
    },
    /**
     * Whether a consumer handles a message or can receive one. Delayed messages, failed ones, and those behind them in a
     * group do not count.
     */
    isBusy() {
      const now = clock.now();
      return [...queues.values()].some(
        (queue) =>
          longPolls.hasConsumer(queue.arn) &&
          (hasReceivableMessage(queue, now) || countMessages(queue, now).handled > 0),
      );
    },
    counts: (arn: string) => countMessages(requireQueue(arn), clock.now()),
    find: (arn: string) => queues.get(arn),
    list: () => [...queues.values()],
    waitForMessage: longPolls.arrival,
  };
}

function withDeduplicationId(queue: Queue, message: OutgoingMessage): OutgoingMessage {
  const isByContent = queue.attributes.ContentBasedDeduplication === 'true';
  if (!queue.isFifo || message.deduplicationId !== undefined || !isByContent) return message;
  return { ...message, deduplicationId: createHash('sha256').update(message.body).digest('hex') };
}
