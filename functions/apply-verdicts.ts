import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import { applyVerdicts } from '../lib/connection/apply-verdicts.ts';
import { dropMalformed } from '../lib/dead-letters.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { Place, placeName, placeNamed } from '../lib/place.ts';
import { readMessages } from '../lib/queue.ts';
import {
  everyRun,
  logger,
  sleep,
  wireBus,
  wireConnectionsToChange,
  wireDeadLetters,
  wireMode,
  wireTable,
  wireWorkBell,
} from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  connectionsIn: wireConnectionsToChange(),
  bus: wireBus(),
  bell: wireWorkBell(),
  mode: wireMode(),
  sleep,
  ...everyRun,
};

const deadLetters = wireDeadLetters();

const Ring = v.object({ place: Place });

/**
 * A place has verdicts due: makes EC2 agree with them. Several rings of one place are one piece of work, and one
 * place that fails keeps no other waiting. A malformed ring would keep its place waiting: it is taken out at once.
 */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const { messages, malformed } = readMessages(Records, Ring, logger);
  const byPlace = Map.groupBy(messages, ({ value }) => placeName(value.place));
  const invocation = {
    requestId: context.awsRequestId,
    remaining: () => context.getRemainingTimeInMillis(),
  };
  const failed: SQSRecord[] = [];
  for (const [name, rings] of byPlace)
    try {
      const applied = await applyVerdicts(placeNamed(name), { ...app, ...invocation });
      logger.info('verdicts applied', { place: name, ...applied });
    } catch (error) {
      logger.error('verdicts could not be applied', { place: name, error });
      failed.push(...rings.map(({ record }) => record));
    }
  const left = await dropMalformed(malformed, deadLetters, app.report);
  return failuresOf([...left, ...failed]);
});
