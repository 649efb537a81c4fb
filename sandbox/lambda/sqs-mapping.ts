import type { Message } from '../aws/sqs-queue.ts';
import type { Queues } from '../aws/sqs-queues.ts';
import type { DeliveryFault, Faults } from '../faults.ts';
import type { InFlight } from '../in-flight.ts';
import { batchItemFailures, type Outcome } from './execution-environment.ts';

export interface SqsMapping {
  readonly queueArn: string;
  readonly batchSize: number;
  readonly maximumConcurrency: number;
}

interface QueueMappingDeps {
  readonly queues: Queues;
  readonly inFlight: InFlight;
  readonly faults: Faults;
  readonly invoke: (event: unknown) => Promise<Outcome>;
}

const maxReceivedMessages = 10;

/** The event source mapping of a queue: receives batches, and deletes the messages that the function handled. */
export function mapQueue(mapping: SqsMapping, { queues, inFlight, faults, invoke }: QueueMappingDeps): void {
  const { queueArn, batchSize } = mapping;
  const region = queueArn.split(':')[3] ?? '';
  const postponed = new Set<string>();
  let running = 0;

  queues.returnInFlight(queueArn);
  queues.onArrival(queueArn, poll);

  function poll() {
    while (running < mapping.maximumConcurrency) {
      const messages = receive();
      if (messages.length === 0) return;
      running += 1;
      void inFlight
        .track(() => handle(messages))
        .finally(() => {
          running -= 1;
          poll();
        });
    }
  }

  function receive(): Message[] {
    const batch: Message[] = [];
    while (batch.length < batchSize) {
      const received = queues.receive(queueArn, Math.min(batchSize - batch.length, maxReceivedMessages));
      batch.push(...received);
      if (received.length === 0) break;
    }
    return batch;
  }

  async function handle(received: readonly Message[]) {
    const deliveries = received.map((message) => ({ message, fault: takeDeliveryFault(message) }));
    for (const { message, fault } of deliveries) {
      if (fault?.drop) queues.delete(queueArn, message.receiptHandle);
      else if (fault?.delayMs) queues.postpone(queueArn, message.receiptHandle, fault.delayMs);
    }
    const arrived = deliveries.filter(({ fault }) => !fault?.drop && !fault?.delayMs);
    const messages = arrived.map(({ message }) => message);
    if (messages.length === 0) return;

    const deliver = (batch: readonly Message[]) =>
      invoke({ Records: batch.map((message) => toLambdaRecord(message, queueArn, region)) });
    const duplicates = arrived.filter(({ fault }) => fault?.duplicate).map(({ message }) => message);
    if (duplicates.length > 0) await deliver(duplicates);
    const outcome = await deliver(messages);
    const failed = listFailures(outcome, messages);
    for (const { messageId, receiptHandle } of messages) {
      // A failed message becomes visible again after its visibility timeout.
      if (failed.has(messageId)) queues.returnAfterFailure(queueArn, receiptHandle, visibilitySeconds());
      else queues.delete(queueArn, receiptHandle);
    }
  }

  /** Messages that a fault delayed once; the next receive delivers them. */
  function takeDeliveryFault({ messageId }: Message): DeliveryFault | undefined {
    if (postponed.delete(messageId)) return undefined;
    const fault = faults.findDeliveryFault('sqs');
    if (fault?.delayMs && !fault.drop) postponed.add(messageId);
    return fault;
  }

  function visibilitySeconds(): number {
    return Number(queues.find(queueArn)?.attributes.VisibilityTimeout);
  }
}

/** Returns the failed messages of a batch: those that the function reports, or all if it threw or reported an unknown id. */
function listFailures(outcome: Outcome, messages: readonly Message[]): Set<string> {
  const ids = new Set(messages.map(({ messageId }) => messageId));
  const failed = batchItemFailures(outcome);
  return failed?.every((id) => ids.has(id)) ? new Set(failed) : ids;
}

function toLambdaRecord(message: Message, queueArn: string, region: string) {
  const { messageId, receiptHandle, body, attributes } = message;
  return {
    messageId,
    receiptHandle,
    body,
    attributes,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}
