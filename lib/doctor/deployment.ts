/** Reads the deployment's own resources in AWS. Each method throws the AWS error. */
export interface Deployment {
  table(): Promise<TableState>;
  /** The time-to-live attribute of the table. */
  readTtlAttribute(): Promise<string | undefined>;
  /** Whether point-in-time recovery is enabled. */
  hasPointInTimeRecovery(): Promise<boolean>;
  /** Lists the types of the parameters by their names below `/linkgate/<stage>/`, and reads no value. */
  parameters(): Promise<ReadonlyMap<string, string>>;
  /** @returns undefined if the parameter does not exist. */
  apiUrl(): Promise<string | undefined>;
  readonly queueUrls: readonly string[];
  queue(url: string): Promise<QueueState>;
  /** Lists the ARNs of the queues that subscribe to the topic of connection notifications. */
  listTopicQueues(): Promise<readonly string[]>;
  readonly stage: string;
  readonly tableName: string;
}

export interface TableState {
  readonly status: string;
  /** The view type, such as `NEW_AND_OLD_IMAGES`; undefined without a stream. */
  readonly stream: string | undefined;
}

export interface QueueState {
  readonly url: string;
  readonly arn: string;
  /** `ApproximateNumberOfMessages`. */
  readonly visibleMessages: number;
  /** The ARN of the dead-letter queue. */
  readonly deadLetterQueueArn: string | undefined;
}
