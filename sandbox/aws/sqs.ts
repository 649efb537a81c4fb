import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { isAllowedByResourcePolicy, type PolicyDocument } from '../iam/policy.ts';
import type { AwsService } from './aws-service.ts';
import { sqsService } from './sqs-operations.ts';
import {
  countsOf,
  enqueue,
  hasReceivable,
  heldBy,
  newQueue,
  nextVisibleAt,
  type OutgoingMessage,
  type Queue,
  type QueuedMessage,
  secondsOf,
  take,
} from './sqs-queue.ts';
import type { Queues } from './sqs-queues.ts';

export interface Sqs extends Queues {
  readonly service: AwsService;
}

interface Watch {
  readonly consumers: Set<() => void>;
  readonly waiters: Set<() => void>;
  wakesAt: number;
  cancel: () => void;
}

export function createSqs({ clock, id }: { clock: Clock; id: () => string }): Sqs {
  const queues = new Map<string, Queue>();
  const watches = new Map<string, Watch>();
  let sequence = 0;

  function queueAt(arn: string): Queue {
    const queue = queues.get(arn);
    if (!queue) throw new Error(`there is no queue \`${arn}\``);
    return queue;
  }

  function watchOf(arn: string): Watch {
    const watch = watches.get(arn) ?? {
      consumers: new Set(),
      waiters: new Set(),
      wakesAt: Number.POSITIVE_INFINITY,
      cancel: () => {},
    };
    watches.set(arn, watch);
    return watch;
  }

  // One timer a queue, for whatever shows itself first.
  function wake(queue: Queue, time: number | undefined) {
    const watch = watchOf(queue.arn);
    const isWatched = watch.consumers.size + watch.waiters.size > 0;
    if (!isWatched || time === undefined || watch.wakesAt <= time) return;
    watch.cancel();
    watch.wakesAt = time;
    watch.cancel = clock.at(time, () => {
      watch.wakesAt = Number.POSITIVE_INFINITY;
      if (hasReceivable(queue, clock.now()))
        for (const listener of [...watch.consumers, ...watch.waiters]) listener();
      wake(queue, nextVisibleAt(queue, clock.now()));
    });
  }

  function deadLetter(arn: string, source: Queue, message: QueuedMessage) {
    const target = queues.get(arn);
    // SQS keeps what it cannot move.
    if (!target) return void source.messages.set(message.messageId, message);
    const systemAttributes = { ...message.systemAttributes, DeadLetterQueueSourceArn: source.arn };
    target.messages.set(message.messageId, {
      ...message,
      systemAttributes,
      sentAt: target.isFifo ? clock.now() : message.sentAt,
      visibleAt: clock.now(),
      receiveCount: 0,
    });
    wake(target, clock.now());
  }

  const all: Queues = {
    createQueue(arn, attributes = {}) {
      queues.set(arn, newQueue(arn, attributes, clock.now()));
    },
    setAttributes(arn, attributes) {
      const queue = queueAt(arn);
      queue.attributes = { ...queue.attributes, ...attributes };
    },
    deliver(arn, message, { delaySeconds } = {}) {
      const queue = queueAt(arn);
      const ownDelay = secondsOf(queue, 'DelaySeconds');
      sequence += 1;
      const queued = enqueue(queue, withDeduplicationId(queue, message), {
        messageId: id(),
        sequence,
        delaySeconds: queue.isFifo ? ownDelay : (delaySeconds ?? ownDelay),
        now: clock.now(),
      });
      wake(queue, queued.visibleAt);
      return queued;
    },
    receive(arn, max, visibilitySeconds) {
      const queue = queueAt(arn);
      const visibility = visibilitySeconds ?? secondsOf(queue, 'VisibilityTimeout');
      const messages = take(queue, max, visibility, clock.now(), (deadLetterArn, message) =>
        deadLetter(deadLetterArn, queue, message),
      );
      if (messages.length > 0) wake(queue, clock.now() + visibility * 1000);
      return messages;
    },
    settle(arn, receiptHandle) {
      const queue = queueAt(arn);
      const message = heldBy(queue, receiptHandle);
      if (message) queue.messages.delete(message.messageId);
      // The next of its message group can be received now.
      if (queue.isFifo) wake(queue, clock.now());
    },
    release(arn, receiptHandle, afterSeconds) {
      const queue = queueAt(arn);
      const message = heldBy(queue, receiptHandle);
      if (!message) return;
      message.visibleAt = clock.now() + afterSeconds * 1000;
      message.hiding = 'failed';
      wake(queue, message.visibleAt);
    },
    postpone(arn, receiptHandle, milliseconds) {
      const queue = queueAt(arn);
      const message = heldBy(queue, receiptHandle);
      if (!message) return;
      message.visibleAt = clock.now() + milliseconds;
      message.hiding = 'delayed';
      message.receiveCount -= 1;
      wake(queue, message.visibleAt);
    },
    onArrival(arn, listener) {
      watchOf(arn).consumers.add(listener);
      wake(queueAt(arn), clock.now());
    },
    admits(arn, service, sourceArn) {
      const { Policy } = queueAt(arn).attributes;
      const conditions = { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': sourceArn.split(':')[4] ?? '' };
      return (
        Policy !== undefined &&
        isAllowedByResourcePolicy(
          JSON.parse(Policy) as PolicyDocument,
          { service },
          {
            action: 'sqs:SendMessage',
            resource: arn,
            conditions,
          },
        )
      );
    },
    isBusy() {
      const now = clock.now();
      return [...queues.values()].some(
        (queue) =>
          (watches.get(queue.arn)?.consumers.size ?? 0) > 0 &&
          (hasReceivable(queue, now) || countsOf(queue, now).handled > 0),
      );
    },
    counts: (arn) => countsOf(queueAt(arn), clock.now()),
    find: (arn) => queues.get(arn),
    list: () => [...queues.values()],
    arrival(queue, waitSeconds) {
      const { waiters } = watchOf(queue.arn);
      return new Promise((resolve) => {
        const done = () => {
          waiters.delete(done);
          cancel();
          resolve();
        };
        const cancel = clock.at(clock.now() + waitSeconds * 1000, done);
        waiters.add(done);
        wake(queue, nextVisibleAt(queue, clock.now()));
      });
    },
  };
  return { ...all, service: sqsService(all) };
}

function withDeduplicationId(queue: Queue, message: OutgoingMessage): OutgoingMessage {
  const isByContent = queue.attributes.ContentBasedDeduplication === 'true';
  if (!queue.isFifo || message.deduplicationId !== undefined || !isByContent) return message;
  return { ...message, deduplicationId: createHash('sha256').update(message.body).digest('hex') };
}
