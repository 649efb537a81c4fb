import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import {
  createApplyQueue,
  createBus,
  createConnections,
  createCustomerNotificationQueue,
  createNotificationQueue,
  createServiceCheckQueue,
  createSweepQueue,
  createTable,
  logger,
  rules,
  runtime,
} from '../lib/aws/deps.ts';
import { enqueueDueRetries } from '../lib/outbox/notification.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { orReported } from '../lib/runtime/runtime.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';
import { listRegisteredServices, uniqueLocations } from '../lib/services/registered-services.ts';
import { handleSweepRequest } from '../lib/sweep/handle-sweep-request.ts';
import { SweepScope } from '../lib/sweep/sweep.ts';
import { SweepRequest } from '../lib/sweep/sweep-queue.ts';

const table = createTable();
const sweepQueue = createSweepQueue();
const serviceCheckQueue = createServiceCheckQueue();
const deps = {
  table,
  bus: createBus(),
  rules,
  connectionsClient: createConnections(),
  applyQueue: createApplyQueue(),
  notificationQueue: createNotificationQueue(),
  customerNotificationQueue: createCustomerNotificationQueue(),
  sweepQueue,
  ...runtime,
};

/** The input of an EventBridge schedule. */
const ScheduledSweep = v.object({ scope: SweepScope });

/** A schedule enqueues one sweep request for each location. A message from the queue runs the sweep of one location. */
export const handler = handle<
  SQSEvent | v.InferInput<typeof ScheduledSweep>,
  SQSBatchResponse | { locations: number }
>(logger, async (event, context) => {
  if (!('Records' in event)) return { locations: await enqueueSweeps(v.parse(ScheduledSweep, event).scope) };
  const { messages, malformed } = parseRecords(event.Records, SweepRequest, logger);
  const invocation = {
    requestId: context.awsRequestId,
    remainingMs: () => context.getRemainingTimeInMillis(),
  };
  for (const { value } of messages) {
    const sweep = await handleSweepRequest(value, { ...deps, ...invocation });
    logger.info('sweep finished', { ...value.location, scope: value.scope, ...sweep });
  }
  return batchItemFailures(malformed);
});

async function enqueueSweeps(scope: SweepScope): Promise<number> {
  if (scope === 'pending')
    await orReported(runtime.reportError, 'enqueue retries', () => enqueueDueRetries(deps));
  const services = await listRegisteredServices(deps);
  const locations = uniqueLocations(services);
  // The alarm no-successful-sweep counts this log line.
  if (locations.length === 0) logger.info('sweep finished', { scope, status: 'done', locations: 0 });
  for (const location of locations) await sweepQueue.enqueue({ location, scope });
  // A service can drift without an event.
  if (scope === 'full') await serviceCheckQueue.enqueue(services.map(({ serviceId }) => serviceId));
  return locations.length;
}
