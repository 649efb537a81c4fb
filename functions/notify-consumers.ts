import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { tellConsumers } from '../lib/customer/tell-consumers.ts';
import { Endpoint, endpointToTellOf } from '../lib/customer/untold.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { orReport } from '../lib/invocation.ts';
import { readMessages } from '../lib/queue.ts';
import { changeIn } from '../lib/table/stream-change.ts';
import { consumerMessages, everyRun, logger, wireMode, wirePost, wireTable } from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  mode: wireMode(),
  post: wirePost(),
  messages: consumerMessages,
  ...everyRun,
};

/** Tells the contacts of consumers how their endpoints stand, when a record changes or the sweep finds something untold. */
export const handler = handle<DynamoDBStreamEvent | SQSEvent, DynamoDBBatchResponse | SQSBatchResponse>(
  logger,
  (event) => (isFromQueue(event) ? onNotices(event) : onChanges(event)),
);

async function onNotices({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const { messages, malformed } = readMessages(Records, Endpoint, logger);
  const failed = await tell(messages.map(({ value }) => value));
  const again = messages.filter(({ value }) => failed.has(value.endpointId));
  return failuresOf([...malformed, ...again.map(({ record }) => record)]);
}

async function onChanges({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const changes = await Promise.all(
    Records.map(changeIn).map(async ({ before, after, sequenceNumber }) => {
      const endpoint = await orReport(app.report, () => endpointToTellOf(before, after));
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
  const { told, failed } = await tellConsumers(distinct, app);
  logger.info('consumers told', { endpoints: distinct.length, told, failed: failed.length });
  return new Set(failed);
}

function isFromQueue(event: DynamoDBStreamEvent | SQSEvent): event is SQSEvent {
  return event.Records.some((record) => record.eventSource === 'aws:sqs');
}
