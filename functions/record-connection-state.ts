import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createTable, logger, runtime } from '../lib/aws/deps.ts';
import { BusMessage } from '../lib/connections/connection-event.ts';
import { recordStates } from '../lib/reconcile/record-states.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const deps = { table: createTable(), ...runtime };

/** Records connection state changes that EC2 shows. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = parseRecords(Records, BusMessage, logger);
    const results = await recordStates(
      messages.map(({ value }) => value.detail),
      { ...deps, requestId },
    );
    const failed = results.flatMap((result, index) => {
      const { endpointId, state } = result.input.connection;
      if ('error' in result) {
        logger.error('recording connection state failed', { endpointId, error: result.error });
        return messages[index]?.record ?? [];
      }
      logger.info('connection state recorded', { endpointId, state, actions: result.output });
      return [];
    });
    return batchItemFailures([...malformed, ...failed]);
  },
);
