/** What AWS shows of the deployment's own resources. Each answer throws what AWS refused with. */
export interface Deployment {
  table(): Promise<TableState>;
  /** The attribute by which items of the table expire. */
  readTtlAttribute(): Promise<string | undefined>;
  /** Whether the table can be restored to any point in time. */
  hasPointInTimeRecovery(): Promise<boolean>;
  /** The types of its parameters by their names below `/linkgate/<stage>/`; their values are not read. */
  parameters(): Promise<ReadonlyMap<string, string>>;
  /** @returns undefined where there is no such parameter. */
  apiUrl(): Promise<string | undefined>;
  readonly queueUrls: readonly string[];
  queue(url: string): Promise<QueueState>;
  /** The ARNs of the queues to which the topic of connection notifications delivers. */
  listTopicQueues(): Promise<readonly string[]>;
  readonly stage: string;
  readonly tableName: string;
}

export interface TableState {
  readonly status: string;
  /** `NEW_AND_OLD_IMAGES`, say; undefined where there is no stream. */
  readonly stream: string | undefined;
}

export interface QueueState {
  readonly url: string;
  readonly arn: string;
  /** Messages that can be received. */
  readonly visibleMessages: number;
  /** The ARN of the queue that takes what keeps failing. */
  readonly deadLetterQueueArn: string | undefined;
}
