import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import {
  createCustomerNotificationQueue,
  createCustomerSender,
  createModeReader,
  createTable,
  customerMessages,
  logger,
  runtime,
  sleep,
} from '../lib/aws/deps.ts';
import { streamChange } from '../lib/aws/stream-change.ts';
import { selectChangedTarget } from '../lib/customer-notifications/due-events.ts';
import { notifyCustomers } from '../lib/customer-notifications/notify-customers.ts';
import { NotificationTarget } from '../lib/outbox/notification.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { orReported } from '../lib/runtime/runtime.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const deps = {
  table: createTable(),
  mode: createModeReader(),
  customerSender: createCustomerSender(),
  notificationQueue: createCustomerNotificationQueue(),
  messages: customerMessages,
  sleep,
  ...runtime,
};

/** Notifies the contacts of customers when a record changes, when an attempt is due, or when the sweep finds a lost event. */
export const handler = handle<DynamoDBStreamEvent | SQSEvent, DynamoDBBatchResponse | SQSBatchResponse>(
  logger,
  (event) => (isFromQueue(event) ? handleQueue(event) : handleStream(event)),
);

async function handleQueue({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const { messages, malformed } = parseRecords(Records, NotificationTarget, logger);
  const failed = await notify(
    messages.map(({ value }) => value),
    true,
  );
  const toRetry = messages.filter(({ value }) => failed.has(value.id));
  return batchItemFailures([...malformed, ...toRetry.map(({ record }) => record)]);
}

async function handleStream({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const changes = await Promise.all(
    Records.map(streamChange).map(async ({ sequenceNumber, ...change }) => {
      const target = await orReported(deps.reportError, 'read item', () => selectChangedTarget(change));
      return target ? [{ target, sequenceNumber }] : [];
    }),
  );
  const changed = changes.flat();
  const failed = await notify(
    changed.map(({ target }) => target),
    false,
  );
  const toRetry = changed.filter(({ target }) => failed.has(target.id));
  return { batchItemFailures: toRetry.map(({ sequenceNumber }) => ({ itemIdentifier: sequenceNumber })) };
}

/** @returns the ids of the targets to retry. */
async function notify(
  targets: readonly NotificationTarget[],
  hasItems: boolean,
): Promise<ReadonlySet<string>> {
  const unique = [...new Map(targets.map((target) => [target.id, target])).values()];
  if (unique.length === 0) return new Set();
  const { notified, failed } = await notifyCustomers(unique, deps, hasItems);
  logger.info('customers notified', { endpoints: unique.length, notified, failed: failed.length });
  return new Set(failed);
}

function isFromQueue(event: DynamoDBStreamEvent | SQSEvent): event is SQSEvent {
  return event.Records.some((record) => record.eventSource === 'aws:sqs');
}
