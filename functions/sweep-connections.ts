import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { readMessages } from '../lib/queue.ts';
import { placesIn, registeredServices } from '../lib/service/registered-services.ts';
import { finishPlace } from '../lib/sweep/job.ts';
import { Pass } from '../lib/sweep/lease.ts';
import { sweepConnections } from '../lib/sweep/sweep-connections.ts';
import { SweepRequest } from '../lib/sweep/sweeps.ts';
import {
  everyRun,
  logger,
  rules,
  wireBus,
  wireConnections,
  wireConsumerNotices,
  wireNotices,
  wireServiceBell,
  wireSweeps,
  wireTable,
  wireWorkBell,
} from '../lib/wiring.ts';

const table = wireTable();
const sweeps = wireSweeps();
const serviceBell = wireServiceBell();
const app = {
  table,
  bus: wireBus(),
  rules,
  connectionsIn: wireConnections(),
  bell: wireWorkBell(),
  notices: wireNotices(),
  consumers: wireConsumerNotices(),
  ...everyRun,
};

/** What a schedule hands over. */
const Scheduled = v.object({ pass: Pass });

/** How long a pass that waits for its turn lets another one finish, in seconds. */
const turnAfter = 5;

/** A schedule asks for a pass: one message a place. A message asks for one place: that pass is made. */
export const handler = handle<
  SQSEvent | v.InferInput<typeof Scheduled>,
  SQSBatchResponse | { places: number }
>(logger, async (event, context) => {
  if (!('Records' in event)) return { places: await requestPasses(v.parse(Scheduled, event).pass) };
  const { messages, malformed } = readMessages(event.Records, SweepRequest, logger);
  const invocation = {
    requestId: context.awsRequestId,
    remaining: () => context.getRemainingTimeInMillis(),
  };
  for (const { value } of messages) await makePass(value, { ...app, ...invocation });
  return failuresOf(malformed);
});

async function requestPasses(pass: Pass): Promise<number> {
  const services = await registeredServices(app);
  const places = placesIn(services);
  // Said in the words of a pass: an alarm rings when nothing says so for five minutes.
  if (places.length === 0) logger.info('connections swept', { pass, status: 'done', places: 0 });
  for (const place of places) await sweeps.request({ place, pass });
  // What drifted shows without any event too.
  if (pass === 'full') await serviceBell.ring(services.map(({ serviceId }) => serviceId));
  return places.length;
}

async function makePass(request: SweepRequest, invocation: Parameters<typeof sweepConnections>[2]) {
  const { place, pass, jobId, waitsForTurn } = request;
  const sweep = await sweepConnections(place, pass, invocation);
  logger.info('connections swept', { ...place, pass, ...sweep });
  if (sweep.status === 'unfinished') await sweeps.request(request);
  else if (sweep.status === 'overlapping' && (waitsForTurn || jobId !== undefined))
    await sweeps.request(request, { afterSeconds: turnAfter });
  else if (sweep.status === 'done' && jobId !== undefined)
    await finishPlace(jobId, place, sweep.result, invocation);
}
