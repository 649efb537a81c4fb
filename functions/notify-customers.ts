import type { DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
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

/** A target with the record of the batch that names it. */
interface IncomingTarget {
  readonly target: NotificationTarget;
  readonly messageId: string;
}

/** Notifies the contacts of customers when a record changes, when an attempt is due, or when the sweep finds a lost event. */
export const handler = handle<DynamoDBStreamEvent | SQSEvent, SQSBatchResponse>(logger, async (event) => {
  if (!isFromQueue(event)) return batchItemFailures(await notify(await selectTargets(event), false));
  const { messages, malformed } = parseRecords(event.Records, NotificationTarget, logger);
  const incoming = messages.map(({ value, record }) => ({ target: value, messageId: record.messageId }));
  return batchItemFailures([...malformed, ...(await notify(incoming, true))]);
});

async function selectTargets({ Records }: DynamoDBStreamEvent): Promise<IncomingTarget[]> {
  const changes = Records.map(streamChange).map(async ({ sequenceNumber, ...change }) => {
    const target = await orReported(deps.reportError, 'read item', () => selectChangedTarget(change));
    return target ? [{ target, messageId: sequenceNumber }] : [];
  });
  return (await Promise.all(changes)).flat();
}

/** @returns those to deliver again. */
async function notify(incoming: readonly IncomingTarget[], hasItems: boolean): Promise<IncomingTarget[]> {
  if (incoming.length === 0) return [];
  const targets = new Map(incoming.map(({ target }) => [target.id, target]));
  const { notified, failed } = await notifyCustomers([...targets.values()], deps, hasItems);
  logger.info('customers notified', { endpoints: targets.size, notified, failed: failed.length });
  return incoming.filter(({ target }) => failed.includes(target.id));
}

function isFromQueue(event: DynamoDBStreamEvent | SQSEvent): event is SQSEvent {
  return event.Records.some((record) => record.eventSource === 'aws:sqs');
}
