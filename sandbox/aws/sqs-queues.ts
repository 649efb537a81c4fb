import type { Counts, Message, OutgoingMessage, Queue, SentMessage } from './sqs-queue.ts';

/** The queues of all accounts and Regions, by ARN. */
export interface Queues {
  /** Creates a queue. An existing one keeps its messages and its policy. */
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
  /** Deletes a handled message. */
  delete(queueArn: string, receiptHandle: string): void;
  /** Returns a message after a failure: it stays hidden for `afterSeconds`. */
  returnAfterFailure(queueArn: string, receiptHandle: string, afterSeconds: number): void;
  /** Hides a message for a while without counting the receive. */
  postpone(queueArn: string, receiptHandle: string, milliseconds: number): void;
  /** Makes messages in flight visible again without counting the receive, after a restart. */
  returnInFlight(queueArn: string): void;
  /** Calls a consumer whenever a message is or becomes visible. */
  onArrival(queueArn: string, listener: () => void): void;
  /** Whether the queue's policy lets a service send to it on behalf of `sourceArn`. */
  acceptsFrom(queueArn: string, service: string, sourceArn: string): boolean;
  /**
   * Whether a consumer handles a message or can receive one. Delayed messages, failed ones, and those behind them in a
   * group do not count.
   */
  isBusy(): boolean;
  counts(queueArn: string): Counts;
  find(queueArn: string): Queue | undefined;
  list(): readonly Queue[];
  /** Resolves when a message is visible, or after the wait. */
  waitForMessage(queue: Queue, waitSeconds: number): Promise<void>;
}
