import type { MessageAttributeValue } from '@aws-sdk/client-sqs';

/** A message as the sender passes it. */
export interface OutgoingMessage {
  readonly body: string;
  readonly attributes?: Readonly<Record<string, MessageAttributeValue>>;
  /** The queue from which a dead-letter queue got the message. */
  readonly deadLetterSourceArn?: string;
  readonly groupId?: string;
  readonly deduplicationId?: string;
}

/** A message as a consumer receives it. */
export interface Message {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** `SentTimestamp`, `ApproximateReceiveCount`, `MessageGroupId` and the other system attributes. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, MessageAttributeValue>>;
}

type HiddenReason = 'delayed' | 'handled' | 'failed';

/** The result of sending a message. */
export interface SentMessage {
  readonly messageId: string;
  readonly sequenceNumber: string;
  readonly visibleAt: number;
}

export interface QueuedMessage extends OutgoingMessage, SentMessage {
  readonly sentAt: number;
  /** The reason why the message is hidden until `visibleAt`. */
  readonly hiddenReason: HiddenReason;
  readonly receiveCount: number;
  readonly firstReceivedAt?: number;
}

export interface QueueSettings {
  readonly createdAt: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Queue extends QueueSettings {
  readonly arn: string;
  readonly isFifo: boolean;
  readonly messages: Map<string, QueuedMessage>;
  /** The messages of the last five minutes by deduplication id, oldest first. */
  readonly recent: Map<string, SentMessage & { readonly until: number }>;
}

const deduplicationInterval = 5 * 60_000;

export const defaultAttributes: Readonly<Record<string, string>> = {
  DelaySeconds: '0',
  MaximumMessageSize: String(1024 * 1024),
  MessageRetentionPeriod: String(4 * 24 * 3600),
  ReceiveMessageWaitTimeSeconds: '0',
  VisibilityTimeout: '30',
};

export function attributeSeconds(queue: Queue, attribute: string): number {
  return Number(queue.attributes[attribute]);
}

/** Adds a message. A duplicate in a FIFO queue succeeds without another delivery. */
export function enqueue(
  queue: Queue,
  outgoing: OutgoingMessage,
  {
    messageId,
    sequence,
    delaySeconds,
    now,
  }: { messageId: string; sequence: number; delaySeconds: number; now: number },
): SentMessage {
  removeExpiredDeduplicationIds(queue, now);
  const duplicate = queue.isFifo && queue.recent.get(outgoing.deduplicationId ?? '');
  if (duplicate) return duplicate;

  const sent: SentMessage = {
    messageId,
    sequenceNumber: String(sequence).padStart(20, '0'),
    visibleAt: now + delaySeconds * 1000,
  };
  queue.messages.set(messageId, {
    ...outgoing,
    ...sent,
    sentAt: now,
    hiddenReason: 'delayed',
    receiveCount: 0,
  });
  if (queue.isFifo && outgoing.deduplicationId !== undefined)
    queue.recent.set(outgoing.deduplicationId, { ...sent, until: now + deduplicationInterval });
  return sent;
}

function removeExpiredDeduplicationIds(queue: Queue, now: number) {
  for (const [id, { until }] of queue.recent) {
    if (until > now) return;
    queue.recent.delete(id);
  }
}

/** Receives up to `max` visible messages. A message over `maxReceiveCount` goes to `toDeadLetter` instead. */
export function receive(
  queue: Queue,
  max: number,
  visibilitySeconds: number,
  now: number,
  toDeadLetter: (deadLetterArn: string, message: QueuedMessage) => void,
): Message[] {
  const redrive = parseRedrivePolicy(queue);
  const receivedMessages: Message[] = [];
  for (const message of receivable(queue, now)) {
    if (receivedMessages.length === max) break;
    if (redrive && message.receiveCount >= redrive.maxReceiveCount) {
      queue.messages.delete(message.messageId);
      toDeadLetter(redrive.deadLetterTargetArn, message);
      continue;
    }
    const received: QueuedMessage = {
      ...message,
      receiveCount: message.receiveCount + 1,
      firstReceivedAt: message.firstReceivedAt ?? now,
      visibleAt: now + visibilitySeconds * 1000,
      hiddenReason: 'handled',
    };
    queue.messages.set(message.messageId, received);
    receivedMessages.push(toReceivedMessage(received));
  }
  return receivedMessages;
}

/** Yields receivable messages in order. A FIFO message group with a message in flight or delayed yields none. */
function* receivable(queue: Queue, now: number): Generator<QueuedMessage> {
  const blocked = new Set<string>();
  if (queue.isFifo)
    for (const { groupId = '', visibleAt } of queue.messages.values())
      if (visibleAt > now) blocked.add(groupId);
  for (const message of queue.messages.values()) {
    if (hasExpired(queue, message, now)) queue.messages.delete(message.messageId);
    else if (message.visibleAt <= now && !(queue.isFifo && blocked.has(message.groupId ?? ''))) yield message;
  }
}

function hasExpired(queue: Queue, message: QueuedMessage, now: number): boolean {
  return message.sentAt + attributeSeconds(queue, 'MessageRetentionPeriod') * 1000 <= now;
}

export function hasReceivableMessage(queue: Queue, now: number): boolean {
  return !receivable(queue, now).next().done;
}

/** Returns the time at which the next hidden message becomes visible. */
export function findNextVisibleTime(queue: Queue, now: number): number | undefined {
  let next: number | undefined;
  for (const { visibleAt } of queue.messages.values())
    if (visibleAt > now && (next === undefined || visibleAt < next)) next = visibleAt;
  return next;
}

/** Finds the message of a receipt handle, unless a consumer received it again later. */
export function findInFlight(queue: Queue, receiptHandle: string): QueuedMessage | undefined {
  const [messageId = '', receiveCount] = Buffer.from(receiptHandle, 'base64').toString().split('#');
  const message = queue.messages.get(messageId);
  return message && String(message.receiveCount) === receiveCount ? message : undefined;
}

export function isReceiptHandle(text: string): boolean {
  return /^[\w-]+#\d+$/.test(Buffer.from(text, 'base64').toString());
}

export function countMessages(queue: Queue, now: number) {
  const counts = { visible: 0, handled: 0, delayed: 0, failed: 0 };
  for (const message of queue.messages.values())
    if (!hasExpired(queue, message, now))
      counts[message.visibleAt <= now ? 'visible' : message.hiddenReason] += 1;
  return counts;
}

interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

function parseRedrivePolicy(queue: Queue): RedrivePolicy | undefined {
  const { RedrivePolicy } = queue.attributes;
  if (!RedrivePolicy) return undefined;
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(RedrivePolicy) as RedrivePolicy;
  return { deadLetterTargetArn, maxReceiveCount: Number(maxReceiveCount) };
}

function toReceivedMessage(message: QueuedMessage): Message {
  const { messageId, receiveCount, firstReceivedAt, groupId, deduplicationId, deadLetterSourceArn } = message;
  return {
    messageId,
    receiptHandle: Buffer.from(`${messageId}#${receiveCount}`).toString('base64'),
    body: message.body,
    attributes: {
      ...(deadLetterSourceArn !== undefined && { DeadLetterQueueSourceArn: deadLetterSourceArn }),
      SentTimestamp: String(message.sentAt),
      ApproximateReceiveCount: String(receiveCount),
      ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
      ...(groupId !== undefined && { MessageGroupId: groupId }),
      ...(deduplicationId !== undefined && {
        MessageDeduplicationId: deduplicationId,
        SequenceNumber: message.sequenceNumber,
      }),
    },
    messageAttributes: message.attributes ?? {},
  };
}
