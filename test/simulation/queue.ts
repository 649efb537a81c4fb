import type { Faults } from './faults.ts';
import type { InvocationResult } from './invocations.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface QueueSpec {
  readonly name: string;
  /** Seconds until SQS delivers a failed message again. */
  readonly visibility: number;
  /** Seconds until SQS delivers a new message. */
  readonly delay?: number;
  /** SQS delivers the messages of one group one after the other. */
  readonly fifo?: boolean;
  readonly batch: number;
  readonly concurrency: number;
}

interface Message {
  readonly body: string;
  readonly group: string;
  readonly sequence: number;
  visibleAt: number;
  received: number;
}

/** Handles the bodies of a batch; its output has the indexes of failed ones. */
export type Consumer = (bodies: readonly string[]) => Promise<InvocationResult<readonly number[]>>;

export interface Queue {
  send(body: string, options?: { readonly group?: string; readonly afterSeconds?: number }): void;
  /** Deletes all messages. */
  purge(): void;
  /** Whether the queue has lost a message. */
  hasLost(): boolean;
  /** Counts delayed, visible and in-flight messages. */
  size(): number;
}

const maxReceives = 5;
const maxExtraDelayMs = 90_000;

/** SQS and its event source mapping: at-least-once delivery, no order, five receives at most. */
export function createQueue(
  { name, visibility, delay = 0, fifo = false, batch, concurrency }: QueueSpec,
  consume: Consumer,
  random: Random,
  scheduler: Scheduler,
  faults: Faults,
  note: (subject: string, event: string) => void,
): Queue {
  const messages: Message[] = [];
  const inFlight = new Set<Message>();
  let delayedCount = 0;
  let purges = 0;
  let lostCount = 0;
  let arrived = 0;
  let batches = 0;

  function add(body: string, group: string, after: number): void {
    const purge = purges;
    delayedCount++;
    scheduler.at(scheduler.now() + after, () => {
      delayedCount--;
      if (purge !== purges) return;
      messages.push({ body, group, sequence: arrived++, visibleAt: scheduler.now(), received: 0 });
      void poll();
    });
  }

  /** A message group waits while one of its messages is in flight or hidden after a failure. */
  function isDeliverable(message: Message): boolean {
    if (message.visibleAt > scheduler.now() || inFlight.has(message)) return false;
    if (!fifo) return true;
    return messages.every(({ group, sequence }) => group !== message.group || sequence >= message.sequence);
  }

  function receive(): Message[] {
    const deliverable = messages.filter(isDeliverable);
    const received: Message[] = [];
    const size = 1 + random.below(batch);
    while (deliverable.length > 0 && received.length < size) {
      const [message] = deliverable.splice(random.below(deliverable.length), 1);
      if (!message) break;
      if (!fifo && deliverable.some(({ sequence }) => sequence < message.sequence))
        faults.count('message overtaken');
      received.push(message);
    }
    return received;
  }

  async function poll(): Promise<void> {
    await scheduler.turn();
    if (batches >= concurrency) return;
    const received = receive();
    if (received.length === 0) return;
    batches++;
    for (const message of received) {
      inFlight.add(message);
      message.visibleAt = scheduler.now() + visibility * 1000;
      message.received++;
    }
    const result = await consume(received.map(({ body }) => body));
    batches--;
    settle(received, result);
    await poll();
  }

  function lose(description: string): void {
    lostCount++;
    note(name, description);
  }

  function settle(received: readonly Message[], result: InvocationResult<readonly number[]>): void {
    for (const [index, message] of received.entries()) {
      inFlight.delete(message);
      const isDone = result.status === 'done' && !result.output.includes(index);
      const isDead = !isDone && message.received >= maxReceives;
      if (isDead) lose(`gives a message up after ${maxReceives} failures`);
      if (!messages.includes(message)) continue;
      if (isDone || isDead) messages.splice(messages.indexOf(message), 1);
      else scheduler.at(message.visibleAt, () => void poll());
    }
  }

  return {
    send(body, { group = '', afterSeconds = delay } = {}) {
      const after = afterSeconds * 1000;
      const fault = faults.draw('delivery');
      switch (fault) {
        case 'message dropped':
          return lose('loses a message');
        case 'message duplicated':
          add(body, group, after);
          return add(body, group, after + random.below(maxExtraDelayMs));
        case 'message delayed':
          return add(body, group, after + random.below(maxExtraDelayMs));
        case undefined:
          return add(body, group, after);
        default:
          fault satisfies never;
      }
    },
    purge(): void {
      purges++;
      messages.length = 0;
    },
    hasLost: () => lostCount > 0,
    size: () => delayedCount + messages.length,
  };
}
