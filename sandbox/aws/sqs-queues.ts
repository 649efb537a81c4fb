import type { Counts, Message, OutgoingMessage, Queue, SentMessage } from './sqs-queue.ts';

/** The queues of all accounts and Regions, by ARN. */
export interface Queues {
  /** Makes a queue; one that is there keeps its messages and its policy. */
  createQueue(arn: string, attributes?: Readonly<Record<string, string>>): void;
  removeQueue(arn: string): void;
  /** Changes the named attributes: `Policy`, `RedrivePolicy` and so on, as SQS spells them. */
  setAttributes(queueArn: string, attributes: Readonly<Record<string, string>>): void;
  /** A FIFO queue delays by its own `DelaySeconds` only. */
  deliver(
    queueArn: string,
    message: OutgoingMessage,
    options?: { readonly delaySeconds?: number },
  ): SentMessage;
  receive(queueArn: string, max: number, visibilitySeconds?: number): Message[];
  /** Deletes what was handled. */
  delete(queueArn: string, receiptHandle: string): void;
  /** Gives back what could not be handled: it is hidden for `afterSeconds`. */
  returnAfterFailure(queueArn: string, receiptHandle: string, afterSeconds: number): void;
  /** Gives back what a consumer shall get later, as if it had not been received. */
  postpone(queueArn: string, receiptHandle: string, milliseconds: number): void;
  /** Shows again at once, as if it had not been received, what was being handled: who handled it is gone. */
  returnInFlight(queueArn: string): void;
  /** Calls a consumer whenever a message is or becomes visible. */
  onArrival(queueArn: string, listener: () => void): void;
  /** Whether the queue's policy lets a service send to it on behalf of `sourceArn`. */
  acceptsFrom(queueArn: string, service: string, sourceArn: string): boolean;
  /** Whether a consumer can take or is handling a message; what is delayed, or hidden after a failure, does not count, nor what waits behind it. */
  isBusy(): boolean;
  counts(queueArn: string): Counts;
  find(queueArn: string): Queue | undefined;
  list(): readonly Queue[];
  /** Resolves when a message is visible, or after the wait. */
  waitForMessage(queue: Queue, waitSeconds: number): Promise<void>;
}
