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
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';
import { listRegisteredServices, uniqueLocations } from '../lib/services/registered-services.ts';
import { finishLocation } from '../lib/sweep/job.ts';
import { SweepScope } from '../lib/sweep/lease.ts';
import { sweepConnections } from '../lib/sweep/sweep-connections.ts';
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
  ...runtime,
};

/** The input of an EventBridge schedule. */
const ScheduledSweep = v.object({ scope: SweepScope });

/** The delay after which a request is tried again while another sweep runs. */
const retryDelaySeconds = 5;

/** A schedule enqueues one request for each location. A request from the queue runs the sweep of one location. */
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
  for (const { value } of messages) await runSweep(value, { ...deps, ...invocation });
  return batchItemFailures(malformed);
});

async function enqueueSweeps(scope: SweepScope): Promise<number> {
  const services = await listRegisteredServices(deps);
  const locations = uniqueLocations(services);
  // The alarm no-successful-sweep counts this log line.
  if (locations.length === 0) logger.info('sweep finished', { scope, status: 'done', locations: 0 });
  for (const location of locations) await sweepQueue.enqueue({ location, scope });
  // A service can drift without an event.
  if (scope === 'full') await serviceCheckQueue.enqueue(services.map(({ serviceId }) => serviceId));
  return locations.length;
}

async function runSweep(request: SweepRequest, invocation: Parameters<typeof sweepConnections>[2]) {
  const { location, scope, jobId, queueIfRunning } = request;
  const sweep = await sweepConnections(location, scope, invocation);
  logger.info('sweep finished', { ...location, scope, ...sweep });
  if (sweep.status === 'unfinished') await sweepQueue.enqueue(request);
  else if (sweep.status === 'already-running' && (queueIfRunning || jobId !== undefined))
    await sweepQueue.enqueue(request, { afterSeconds: retryDelaySeconds });
  else if (sweep.status === 'done' && jobId !== undefined)
    await finishLocation(jobId, location, sweep.result, invocation);
}
