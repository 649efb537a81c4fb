import { createHash } from 'node:crypto';
import { accountIdFromArn } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument } from '../iam/policy.ts';
import { inMemory, type OpenMap } from '../persistence.ts';
import type { AwsService } from './aws-service.ts';
import { createLongPolls } from './long-polling.ts';
import { sqsService } from './sqs-operations.ts';
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
import type { Queues } from './sqs-queues.ts';

export interface Sqs extends Queues {
  readonly service: AwsService;
}

export function createSqs({
  clock,
  id,
  openMap = inMemory,
}: {
  clock: Clock;
  id: () => string;
  openMap?: OpenMap;
}): Sqs {
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
    const systemAttributes = { ...message.systemAttributes, DeadLetterQueueSourceArn: source.arn };
    target.messages.set(message.messageId, {
      ...message,
      systemAttributes,
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

  const all: Queues = {
    createQueue(arn, overrides = {}) {
      const { createdAt = clock.now(), attributes: { Policy } = {} } = queues.get(arn) ?? {};
      const attributes = { ...defaultAttributes, ...(Policy !== undefined && { Policy }), ...overrides };
      configure(arn, { createdAt, attributes });
    },
    removeQueue(arn) {
      const { messages, recent } = requireQueue(arn);
      for (const map of [messages, recent]) map.clear();
      settings.delete(arn);
      queues.delete(arn);
    },
    setAttributes(arn, attributes) {
      const queue = requireQueue(arn);
      configure(arn, { ...queue, attributes: { ...queue.attributes, ...attributes } });
    },
    deliver(arn, message, { delaySeconds } = {}) {
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
    receive(arn, max, visibilitySeconds) {
      const queue = requireQueue(arn);
      const visibility = visibilitySeconds ?? attributeSeconds(queue, 'VisibilityTimeout');
      const messages = receive(queue, max, visibility, clock.now(), (deadLetterArn, message) =>
        deadLetter(deadLetterArn, queue, message),
      );
      if (messages.length > 0) longPolls.wake(arn, clock.now() + visibility * 1000);
      return messages;
    },
    delete(arn, receiptHandle) {
      const queue = requireQueue(arn);
      const message = findInFlight(queue, receiptHandle);
      if (message) queue.messages.delete(message.messageId);
      // The next message of the group is visible now.
      if (queue.isFifo) longPolls.wake(arn, clock.now());
    },
    returnAfterFailure: (arn, receiptHandle, afterSeconds) =>
      hide(arn, receiptHandle, ({ receiveCount }) => ({
        visibleAt: clock.now() + afterSeconds * 1000,
        hiddenReason: 'failed',
        receiveCount,
      })),
    postpone: (arn, receiptHandle, milliseconds) =>
      hide(arn, receiptHandle, ({ receiveCount }) => ({
        visibleAt: clock.now() + milliseconds,
        hiddenReason: 'delayed',
        receiveCount: receiveCount - 1,
      })),
    returnInFlight(arn) {
      const { messages } = requireQueue(arn);
      for (const [messageId, message] of messages)
        if (message.hiddenReason === 'handled' && message.visibleAt > clock.now())
          messages.set(messageId, {
            ...message,
            visibleAt: clock.now(),
            receiveCount: message.receiveCount - 1,
          });
    },
    onArrival(arn, listener) {
      requireQueue(arn);
      longPolls.consume(arn, listener);
    },
    acceptsFrom(arn, service, sourceArn) {
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
    isBusy() {
      const now = clock.now();
      return [...queues.values()].some(
        (queue) =>
          longPolls.hasConsumer(queue.arn) &&
          (hasReceivableMessage(queue, now) || countMessages(queue, now).handled > 0),
      );
    },
    counts: (arn) => countMessages(requireQueue(arn), clock.now()),
    find: (arn) => queues.get(arn),
    list: () => [...queues.values()],
    waitForMessage: (queue, waitSeconds) => longPolls.arrival(queue, waitSeconds),
  };
  return { ...all, service: sqsService(all) };
}

function withDeduplicationId(queue: Queue, message: OutgoingMessage): OutgoingMessage {
  const isByContent = queue.attributes.ContentBasedDeduplication === 'true';
  if (!queue.isFifo || message.deduplicationId !== undefined || !isByContent) return message;
  return { ...message, deduplicationId: createHash('sha256').update(message.body).digest('hex') };
}
