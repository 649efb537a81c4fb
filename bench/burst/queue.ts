import type { Clock } from './clock.ts';

interface QueueSpec {
  readonly batch: number;
  readonly concurrency: number;
  /** Seconds until SQS delivers a failed message again. */
  readonly visibility: number;
  /** Seconds until SQS delivers a new message. */
  readonly delay?: number;
}

interface Message {
  readonly body: string;
  received: number;
}

/** Returns the indexes of failed messages in a batch; an exception fails all. */
export type Consumer = (bodies: readonly string[]) => Promise<readonly number[]>;

const maxReceives = 5;

/** An SQS queue with its event source mapping. */
export function simulatedQueue(
  { batch, concurrency, visibility, delay = 0 }: QueueSpec,
  clock: Clock,
  consume: Consumer,
) {
  const queued: Message[] = [];
  let running = 0;
  let deadLetters = 0;

  function add(message: Message): void {
    queued.push(message);
    poll();
  }

  function poll(): void {
    while (running < concurrency && queued.length > 0) {
      running++;
      void work(queued.splice(0, batch));
    }
  }

  async function work(messages: readonly Message[]): Promise<void> {
    const failed = await consume(messages.map(({ body }) => body)).catch(() =>
      messages.map((_, index) => index),
    );
    for (const message of failed.flatMap((index) => messages[index] ?? [])) {
      message.received++;
      if (message.received >= maxReceives) deadLetters++;
      else clock.at(clock.now() + visibility * 1000, () => add(message));
    }
    running--;
    poll();
  }

  return {
    send: (body: string) => clock.at(clock.now() + delay * 1000, () => add({ body, received: 0 })),
    deadLetters: () => deadLetters,
  };
}
