import type * as Client from '@aws-sdk/client-sqs';
import { accountIdFromArn, nameFromArn } from '../accounts.ts';
import { isAllowedByResourcePolicy, type PolicyDocument } from '../iam/policy.ts';
import { AwsError, type AwsService, type OperationContext } from './aws-service.ts';
import { paginate } from './paging.ts';
import { attributesChecksum, bodyChecksum } from './sqs-checksums.ts';
import { attributeSeconds, isReceiptHandle, type Message, type Queue } from './sqs-queue.ts';
import { createQueues, type Queues } from './sqs-queues.ts';

const batchLimit = 10;
const byteLimit = 1024 * 1024;
const maxDelaySeconds = 900;
const maxVisibilitySeconds = 12 * 3600;

export type Sqs = ReturnType<typeof createSqs>;

export function createSqs(deps: Parameters<typeof createQueues>[0]) {
  const queues = createQueues(deps);
  return { ...queues, service: createService(queues) };
}

/** SQS's own API over the queues. */
function createService(queues: Queues): AwsService {
  function requireQueue(url: string | undefined, operation: string, context: OperationContext): Queue {
    const arn = queueArnFromUrl(url, context);
    const queue = queues.find(arn);
    if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.', 400);
    if (!canUseQueue(queue, `sqs:${permission(operation)}`, context))
      throw new AwsError('AccessDenied', `Access to the resource ${url} is denied.`, 403);
    return queue;
  }

  function send(queue: Queue, input: Omit<Client.SendMessageRequest, 'QueueUrl'>): Client.SendMessageResult {
    const { MessageBody: body = '', MessageAttributes: attributes = {} } = input;
    checkOutgoing(queue, input);
    const message = queues.deliver(
      queue.arn,
      {
        body,
        attributes,
        ...(input.MessageGroupId !== undefined && { groupId: input.MessageGroupId }),
        ...(input.MessageDeduplicationId !== undefined && { deduplicationId: input.MessageDeduplicationId }),
      },
      input.DelaySeconds,
    );
    return {
      MessageId: message.messageId,
      MD5OfMessageBody: bodyChecksum(body),
      MD5OfMessageAttributes: attributesChecksum(attributes),
      SequenceNumber: queue.isFifo ? message.sequenceNumber : undefined,
    };
  }

  const operations = {
    SendMessage: (input: Client.SendMessageRequest, context) =>
      send(requireQueue(input.QueueUrl, 'SendMessage', context), input),

    SendMessageBatch(input: Client.SendMessageBatchRequest, context) {
      const queue = requireQueue(input.QueueUrl, 'SendMessageBatch', context);
      const bytes = (input.Entries ?? []).reduce(
        (sum, entry) => sum + Buffer.byteLength(entry.MessageBody ?? ''),
        0,
      );
      if (bytes > byteLimit)
        throw new AwsError('BatchRequestTooLong', `Batch requests cannot be longer than ${byteLimit} bytes.`);
      return applyBatch(input.Entries, (entry) => send(queue, entry));
    },

    async ReceiveMessage(input: Client.ReceiveMessageRequest, context) {
      const queue = requireQueue(input.QueueUrl, 'ReceiveMessage', context);
      const max = input.MaxNumberOfMessages ?? 1;
      requireInRange('MaxNumberOfMessages', max, 1, batchLimit);
      requireInRange('VisibilityTimeout', input.VisibilityTimeout ?? 0, 0, maxVisibilitySeconds);
      const receive = () => queues.receive(queue.arn, max, input.VisibilityTimeout);

      const first = receive();
      const wait = input.WaitTimeSeconds ?? attributeSeconds(queue, 'ReceiveMessageWaitTimeSeconds');
      if (first.length > 0 || wait === 0) return toReceiveOutput(first, input);
      await queues.waitForMessage(queue, wait);
      return toReceiveOutput(receive(), input);
    },

    DeleteMessage(input: Client.DeleteMessageRequest, context) {
      const queue = requireQueue(input.QueueUrl, 'DeleteMessage', context);
      const { ReceiptHandle = '' } = input;
      if (!isReceiptHandle(ReceiptHandle))
        throw new AwsError(
          'ReceiptHandleIsInvalid',
          `The input receipt handle "${ReceiptHandle}" is invalid.`,
        );
      queues.delete(queue.arn, ReceiptHandle);
    },

    CreateQueue({ QueueName = '', Attributes = {} }: Client.CreateQueueRequest, { caller, origin }) {
      const isFifo = Attributes.FifoQueue === 'true';
      if (!/^[\w-]{1,75}(\.fifo)?$/.test(QueueName) || QueueName.endsWith('.fifo') !== isFifo)
        throw invalid(`The queue name ${QueueName} is not valid.`);
      const arn = `arn:aws:sqs:${caller.region}:${caller.accountId}:${QueueName}`;
      const existing = queues.find(arn);
      const differing = Object.entries(Attributes).find(
        ([name, value]) => existing?.attributes[name] !== value,
      );
      if (existing && differing)
        throw new AwsError('QueueNameExists', `A queue of that name has another value for ${differing[0]}.`);
      if (!existing) queues.createQueue(arn, Attributes);
      return { QueueUrl: `${origin}/${caller.accountId}/${QueueName}` };
    },

    GetQueueUrl(input: Client.GetQueueUrlRequest, context) {
      const account = input.QueueOwnerAWSAccountId ?? context.caller.accountId;
      const url = `${context.origin}/${account}/${input.QueueName}`;
      requireQueue(url, 'GetQueueUrl', context);
      return { QueueUrl: url };
    },

    GetQueueAttributes(input: Client.GetQueueAttributesRequest, context) {
      const attributes = readQueueAttributes(
        requireQueue(input.QueueUrl, 'GetQueueAttributes', context),
        queues,
      );
      const selected = pickAttributes(attributes, input.AttributeNames ?? []);
      return { Attributes: Object.keys(selected).length > 0 ? selected : undefined };
    },

    ListQueues(input: Client.ListQueuesRequest, { caller, origin }) {
      const prefix = `arn:aws:sqs:${caller.region}:${caller.accountId}:${input.QueueNamePrefix ?? ''}`;
      const arns = queues.list().flatMap(({ arn }) => (arn.startsWith(prefix) ? [arn] : []));
      const page = paginate(arns, (arn) => arn, { size: input.MaxResults ?? 1000, token: input.NextToken });
      return {
        QueueUrls: page.rows.map((arn) => `${origin}/${caller.accountId}/${nameFromArn(arn)}`),
        NextToken: page.NextToken,
      };
    },

    /** Moves messages to their source queue, immediately; AWS takes longer. */
    StartMessageMoveTask({ SourceArn = '' }: Client.StartMessageMoveTaskRequest, context) {
      const source = queues.find(SourceArn);
      if (!source || !canUseQueue(source, 'sqs:StartMessageMoveTask', context))
        throw new AwsError(
          'ResourceNotFoundException',
          "The resource that you specified doesn't exist.",
          404,
        );
      if (!queues.list().some(({ attributes }) => attributes.RedrivePolicy?.includes(`"${SourceArn}"`)))
        throw invalid('Source queue must be configured as a Dead Letter Queue.');
      for (const { messageId, body, attributes = {}, deadLetterSourceArn, groupId } of [
        ...source.messages.values(),
      ]) {
        // A message without a source queue stays in the queue.
        if (deadLetterSourceArn === undefined) continue;
        const deduplication = groupId === undefined ? {} : { groupId, deduplicationId: messageId };
        queues.deliver(deadLetterSourceArn, { body, attributes, ...deduplication });
        source.messages.delete(messageId);
      }
      return { TaskHandle: Buffer.from(SourceArn).toString('base64') };
    },

    PurgeQueue(input: Client.PurgeQueueRequest, context) {
      requireQueue(input.QueueUrl, 'PurgeQueue', context).messages.clear();
    },
  } satisfies AwsService['operations'] & Record<string, (input: never, context: OperationContext) => unknown>;

  return {
    signingName: 'sqs',
    loadClient: () => import('@aws-sdk/client-sqs'),
    protocol: 'awsJson1_0',
    xmlNamespace: 'http://queue.amazonaws.com/doc/2012-11-05/',
    operations,
    accesses: (operation, input: { QueueUrl?: string; QueueName?: string; SourceArn?: string }, context) => [
      {
        action: `sqs:${permission(operation)}`,
        resource:
          operation === 'ListQueues'
            ? '*'
            : (input.SourceArn ?? queueArnFromUrl(input.QueueUrl ?? `/_/${input.QueueName}`, context)),
      },
    ],
  };
}

/** Batches need the permission of the single operation. */
function permission(operation: string): string {
  return operation.replace(/Batch$/, '');
}

function queueArnFromUrl(url: string | undefined, { caller, origin }: OperationContext): string {
  const [account, name] = new URL(url ?? '', origin).pathname.split('/').filter(Boolean);
  return `arn:aws:sqs:${caller.region}:${account === '_' ? caller.accountId : account}:${name}`;
}

function canUseQueue(queue: Queue, action: string, { caller }: OperationContext): boolean {
  if (accountIdFromArn(queue.arn) === caller.accountId) return true;
  const { Policy } = queue.attributes;
  if (!Policy) return false;
  const principal = { roleArn: caller.arn, accountId: caller.accountId };
  return isAllowedByResourcePolicy(JSON.parse(Policy) as PolicyDocument, principal, {
    action,
    resource: queue.arn,
  });
}

function checkOutgoing(queue: Queue, input: Omit<Client.SendMessageRequest, 'QueueUrl'>) {
  const { MessageBody: body = '', MessageGroupId, MessageDeduplicationId, DelaySeconds = 0 } = input;
  if (body === '')
    throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.');
  const limit = attributeSeconds(queue, 'MaximumMessageSize');
  if (Buffer.byteLength(body) > limit)
    throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`);
  requireInRange('DelaySeconds', DelaySeconds, 0, maxDelaySeconds);
  if (!queue.isFifo) return;
  if (!MessageGroupId)
    throw new AwsError('MissingParameter', 'The request must contain the parameter MessageGroupId.');
  if (!MessageDeduplicationId && queue.attributes.ContentBasedDeduplication !== 'true')
    throw invalid(
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  if (DelaySeconds !== 0)
    throw invalid(
      `Value ${DelaySeconds} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.`,
    );
}

function requireInRange(name: string, value: number, least: number, most: number) {
  if (value < least || value > most)
    throw invalid(
      `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${least} and ${most}, if provided.`,
    );
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message);
}

/** A batch treats each entry on its own. */
function applyBatch<E extends { Id?: string | undefined }, R>(
  entries: readonly E[] = [],
  applyEntry: (entry: E) => R,
) {
  if (entries.length === 0)
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > batchLimit)
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${batchLimit}. You have sent ${entries.length}.`,
    );
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
    throw new AwsError(
      'BatchEntryIdsNotDistinct',
      'Two or more batch entries in the request have the same Id.',
    );

  const Successful: (R & { Id: string })[] = [];
  const Failed: Client.BatchResultErrorEntry[] = [];
  for (const entry of entries) {
    const Id = entry.Id ?? '';
    try {
      Successful.push({ ...applyEntry(entry), Id });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, Failed };
}

function toReceiveOutput(
  messages: readonly Message[],
  input: Client.ReceiveMessageRequest,
): Client.ReceiveMessageResult {
  const systemNames = [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])];
  const requestedNames = input.MessageAttributeNames ?? [];
  if (messages.length === 0) return {};
  return {
    Messages: messages.map(({ messageId, receiptHandle, body, attributes, messageAttributes }) => {
      const chosen = pickAttributes(messageAttributes, requestedNames);
      const systemAttributes = pickAttributes(attributes, systemNames);
      return {
        MessageId: messageId,
        ReceiptHandle: receiptHandle,
        Body: body,
        MD5OfBody: bodyChecksum(body),
        MD5OfMessageAttributes: attributesChecksum(chosen),
        Attributes: Object.keys(systemAttributes).length > 0 ? systemAttributes : undefined,
        MessageAttributes: Object.keys(chosen).length > 0 ? chosen : undefined,
      };
    }),
  };
}

function pickAttributes<V>(record: Readonly<Record<string, V>>, names: readonly string[]): Record<string, V> {
  const isRequested = (name: string) => names.includes('All') || names.includes(name);
  return Object.fromEntries(Object.entries(record).filter(([name]) => isRequested(name)));
}

function readQueueAttributes(queue: Queue, queues: Queues): Record<string, string> {
  const { visible, handled, delayed, failed } = queues.counts(queue.arn);
  return {
    ...queue.attributes,
    QueueArn: queue.arn,
    CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(handled + failed),
    ApproximateNumberOfMessagesDelayed: String(delayed),
  };
}
