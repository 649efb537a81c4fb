import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import {
  createCustomerSender,
  createModeReader,
  createTable,
  customerMessages,
  logger,
  runtime,
} from '../lib/aws/deps.ts';
import { streamChange } from '../lib/aws/stream-change.ts';
import { CustomerEndpoint, selectEndpointToNotify } from '../lib/customer-notifications/enqueue-missed.ts';
import { notifyCustomers } from '../lib/customer-notifications/notify-customers.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { orReported } from '../lib/runtime/runtime.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const deps = {
  table: createTable(),
  mode: createModeReader(),
  customerSender: createCustomerSender(),
  messages: customerMessages,
  ...runtime,
};

/** Notifies the contacts of customers when a record changes, or when the sweep finds an event that was not sent. */
export const handler = handle<DynamoDBStreamEvent | SQSEvent, DynamoDBBatchResponse | SQSBatchResponse>(
  logger,
  (event) => (isFromQueue(event) ? handleQueue(event) : handleStream(event)),
);

async function handleQueue({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const { messages, malformed } = parseRecords(Records, CustomerEndpoint, logger);
  const failed = await notifyAboutEndpoints(messages.map(({ value }) => value));
  const toRetry = messages.filter(({ value }) => failed.has(value.endpointId));
  return batchItemFailures([...malformed, ...toRetry.map(({ record }) => record)]);
}

async function handleStream({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const changes = await Promise.all(
    Records.map(streamChange).map(async ({ before, after, sequenceNumber }) => {
      const endpoint = await orReported(deps.reportError, 'read item', () =>
        selectEndpointToNotify(before, after),
      );
      return endpoint ? [{ endpoint, sequenceNumber }] : [];
    }),
  );
  const toNotify = changes.flat();
  const failed = await notifyAboutEndpoints(toNotify.map(({ endpoint }) => endpoint));
  const toRetry = toNotify.filter(({ endpoint }) => failed.has(endpoint.endpointId));
  return { batchItemFailures: toRetry.map(({ sequenceNumber }) => ({ itemIdentifier: sequenceNumber })) };
}

/** @returns the endpoints to retry. */
async function notifyAboutEndpoints(endpoints: readonly CustomerEndpoint[]): Promise<ReadonlySet<string>> {
  const uniqueEndpoints = [...new Map(endpoints.map((endpoint) => [endpoint.endpointId, endpoint])).values()];
  if (uniqueEndpoints.length === 0) return new Set();
  const { notified, failed } = await notifyCustomers(uniqueEndpoints, deps);
  logger.info('customers notified', { endpoints: uniqueEndpoints.length, notified, failed: failed.length });
  return new Set(failed);
}

function isFromQueue(event: DynamoDBStreamEvent | SQSEvent): event is SQSEvent {
  return event.Records.some((record) => record.eventSource === 'aws:sqs');
}
