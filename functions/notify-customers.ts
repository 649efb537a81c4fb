import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createMode, createPost, createTable, customerMessages, logger, runtime } from '../lib/aws/deps.ts';
import { streamChange } from '../lib/aws/stream-change.ts';
import { Endpoint, endpointToNotify } from '../lib/customers/enqueue-missed.ts';
import { notifyCustomers } from '../lib/customers/notify-customers.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { orReported } from '../lib/runtime/runtime.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const app = {
  table: createTable(),
  mode: createMode(),
  post: createPost(),
  messages: customerMessages,
  ...runtime,
};

/** Tells the contacts of consumers how their endpoints stand, when a record changes or the sweep finds something untold. */
export const handler = handle<DynamoDBStreamEvent | SQSEvent, DynamoDBBatchResponse | SQSBatchResponse>(
  logger,
  (event) => (isFromQueue(event) ? onNotices(event) : onChanges(event)),
);

async function onNotices({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const { messages, malformed } = parseRecords(Records, Endpoint, logger);
  const failed = await tell(messages.map(({ value }) => value));
  const again = messages.filter(({ value }) => failed.has(value.endpointId));
  return batchItemFailures([...malformed, ...again.map(({ record }) => record)]);
}

async function onChanges({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const changes = await Promise.all(
    Records.map(streamChange).map(async ({ before, after, sequenceNumber }) => {
      const endpoint = await orReported(app.reportError, () => endpointToNotify(before, after));
      return endpoint ? [{ endpoint, sequenceNumber }] : [];
    }),
  );
  const toTell = changes.flat();
  const failed = await tell(toTell.map(({ endpoint }) => endpoint));
  const again = toTell.filter(({ endpoint }) => failed.has(endpoint.endpointId));
  return { batchItemFailures: again.map(({ sequenceNumber }) => ({ itemIdentifier: sequenceNumber })) };
}

/** @returns the endpoints of which it has to be tried again to tell. */
async function tell(endpoints: readonly Endpoint[]): Promise<ReadonlySet<string>> {
  const distinct = [...new Map(endpoints.map((endpoint) => [endpoint.endpointId, endpoint])).values()];
  if (distinct.length === 0) return new Set();
  const { told, failed } = await notifyCustomers(distinct, app);
  logger.info('customers notified', { endpoints: distinct.length, told, failed: failed.length });
  return new Set(failed);
}

function isFromQueue(event: DynamoDBStreamEvent | SQSEvent): event is SQSEvent {
  return event.Records.some((record) => record.eventSource === 'aws:sqs');
}
