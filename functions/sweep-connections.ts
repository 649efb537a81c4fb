import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import {
  createBus,
  createConnections,
  createConsumerNotices,
  createNotices,
  createServiceBell,
  createSweeps,
  createTable,
  createWorkBell,
  logger,
  rules,
  runtime,
} from '../lib/aws/deps.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';
import { locationsOf, registeredServices } from '../lib/services/registered-services.ts';
import { finishLocation } from '../lib/sweep/job.ts';
import { SweepScope } from '../lib/sweep/lease.ts';
import { sweepConnections } from '../lib/sweep/sweep-connections.ts';
import { SweepRequest } from '../lib/sweep/sweep-queue.ts';

const table = createTable();
const sweeps = createSweeps();
const serviceBell = createServiceBell();
const app = {
  table,
  bus: createBus(),
  rules,
  connectionsIn: createConnections(),
  bell: createWorkBell(),
  notices: createNotices(),
  consumers: createConsumerNotices(),
  ...runtime,
};

/** What a schedule hands over. */
const Scheduled = v.object({ pass: SweepScope });

/** How long a pass that waits for its turn lets another one finish, in seconds. */
const turnAfter = 5;

/** A schedule asks for a pass: one message a place. A message asks for one place: that pass is made. */
export const handler = handle<
  SQSEvent | v.InferInput<typeof Scheduled>,
  SQSBatchResponse | { locations: number }
>(logger, async (event, context) => {
  if (!('Records' in event)) return { locations: await requestPasses(v.parse(Scheduled, event).pass) };
  const { messages, malformed } = parseRecords(event.Records, SweepRequest, logger);
  const invocation = {
    requestId: context.awsRequestId,
    remaining: () => context.getRemainingTimeInMillis(),
  };
  for (const { value } of messages) await makePass(value, { ...app, ...invocation });
  return batchItemFailures(malformed);
});

async function requestPasses(pass: SweepScope): Promise<number> {
  const services = await registeredServices(app);
  const locations = locationsOf(services);
  // Said in the words of a pass: an alarm rings when nothing says so for five minutes.
  if (locations.length === 0) logger.info('sweep finished', { pass, status: 'done', locations: 0 });
  for (const location of locations) await sweeps.request({ location, pass });
  // What drifted shows without any event too.
  if (pass === 'full') await serviceBell.enqueue(services.map(({ serviceId }) => serviceId));
  return locations.length;
}

async function makePass(request: SweepRequest, invocation: Parameters<typeof sweepConnections>[2]) {
  const { location, pass, jobId, queueIfRunning } = request;
  const sweep = await sweepConnections(location, pass, invocation);
  logger.info('sweep finished', { ...location, pass, ...sweep });
  if (sweep.status === 'unfinished') await sweeps.request(request);
  else if (sweep.status === 'overlapping' && (queueIfRunning || jobId !== undefined))
    await sweeps.request(request, { afterSeconds: turnAfter });
  else if (sweep.status === 'done' && jobId !== undefined)
    await finishLocation(jobId, location, sweep.result, invocation);
}
