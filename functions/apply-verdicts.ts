import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import {
  createApplyQueue,
  createBus,
  createChangeableConnections,
  createDeadLetterQueue,
  createModeReader,
  createTable,
  logger,
  runtime,
  sleep,
} from '../lib/aws/deps.ts';
import { deadLetterMalformed } from '../lib/aws/sqs-dead-letter-queue.ts';
import { formatAccountRegion, parseAccountRegion } from '../lib/locations/account-region.ts';
import { ApplyMessage } from '../lib/reconcile/apply-queue.ts';
import { applyVerdicts } from '../lib/reconcile/apply-verdicts.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const deps = {
  table: createTable(),
  connectionsClient: createChangeableConnections(),
  bus: createBus(),
  applyQueue: createApplyQueue(),
  mode: createModeReader(),
  sleep,
  ...runtime,
};

const deadLetters = createDeadLetterQueue();

/**
 * Applies the pending effects of a location. Several messages for one location cause one run, and a failure at one location does
 * not stop the others. A malformed message would block its FIFO group, so it moves to the dead-letter queue at once.
 */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const { messages, malformed } = parseRecords(Records, ApplyMessage, logger);
  const byLocation = Map.groupBy(messages, ({ value }) => formatAccountRegion(value.location));
  const invocation = {
    requestId: context.awsRequestId,
    remainingMs: () => context.getRemainingTimeInMillis(),
  };
  const failed: SQSRecord[] = [];
  for (const [name, locationMessages] of byLocation)
    try {
      const applied = await applyVerdicts(parseAccountRegion(name), { ...deps, ...invocation });
      logger.info('verdicts applied', { location: name, ...applied });
    } catch (error) {
      logger.error('applying verdicts failed', { location: name, error });
      failed.push(...locationMessages.map(({ record }) => record));
    }
  const notDeadLettered = await deadLetterMalformed(malformed, deadLetters, deps.reportError);
  return batchItemFailures([...notDeadLettered, ...failed]);
});
