import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import { applyVerdicts } from '../lib/connection/apply-verdicts.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { Place, placeName } from '../lib/place.ts';
import { readMessages } from '../lib/queue.ts';
import {
  logger,
  now,
  sleep,
  wireBus,
  wireConnectionsToChange,
  wireDoorbell,
  wireMode,
  wireTable,
} from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  connectionsIn: wireConnectionsToChange(),
  bus: wireBus(),
  doorbell: wireDoorbell(),
  mode: wireMode(),
  sleep,
  now,
};

const Ring = v.object({ place: Place });

/** A place has verdicts due: makes EC2 agree with them. Several rings of one place are one piece of work. */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const { messages, malformed } = readMessages(Records, Ring, logger);
  const places = new Map(messages.map(({ value: { place } }) => [placeName(place), place]));
  for (const place of places.values()) {
    const invocation = {
      requestId: context.awsRequestId,
      remaining: () => context.getRemainingTimeInMillis(),
    };
    const applied = await applyVerdicts(place, { ...app, ...invocation });
    logger.info('verdicts applied', { ...place, ...applied });
  }
  return failuresOf(malformed);
});
