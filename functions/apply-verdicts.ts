import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import {
  createBus,
  createConnectionsToChange,
  createDeadLetters,
  createMode,
  createTable,
  createWorkBell,
  logger,
  runtime,
  sleep,
} from '../lib/aws/deps.ts';
import { dropMalformed } from '../lib/aws/sqs-dead-letters.ts';
import { AccountRegion, formatAccountRegion, parseAccountRegion } from '../lib/locations/account-region.ts';
import { applyVerdicts } from '../lib/reconcile/apply-verdicts.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const app = {
  table: createTable(),
  connectionsIn: createConnectionsToChange(),
  bus: createBus(),
  bell: createWorkBell(),
  mode: createMode(),
  sleep,
  ...runtime,
};

const deadLetters = createDeadLetters();

const Ring = v.object({ location: AccountRegion });

/**
 * A place has verdicts due: makes EC2 agree with them. Several rings of one place are one piece of work, and one
 * place that fails keeps no other waiting. A malformed ring would keep its place waiting: it is taken out at once.
 */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const { messages, malformed } = parseRecords(Records, Ring, logger);
  const byLocation = Map.groupBy(messages, ({ value }) => formatAccountRegion(value.location));
  const invocation = {
    requestId: context.awsRequestId,
    remaining: () => context.getRemainingTimeInMillis(),
  };
  const failed: SQSRecord[] = [];
  for (const [name, rings] of byLocation)
    try {
      const applied = await applyVerdicts(parseAccountRegion(name), { ...app, ...invocation });
      logger.info('verdicts applied', { location: name, ...applied });
    } catch (error) {
      logger.error('verdicts could not be applied', { location: name, error });
      failed.push(...rings.map(({ record }) => record));
    }
  const left = await dropMalformed(malformed, deadLetters, app.reportError);
  return batchItemFailures([...left, ...failed]);
});
