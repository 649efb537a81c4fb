import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createApplyQueue, createConnections, createTable, logger, rules, runtime } from '../lib/aws/deps.ts';
import { BusMessage } from '../lib/connections/connection-event.ts';
import { decideConnections, decisionLogFields, failedRules } from '../lib/reconcile/decide-connections.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const deps = {
  table: createTable(),
  connectionsClient: createConnections(),
  applyQueue: createApplyQueue(),
  rules,
  ...runtime,
};

/**
 * Decides connection requests by policy, writes the verdict, the audit entries and the pending effect, and enqueues the location.
 */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = parseRecords(Records, BusMessage, logger);
    const requests = messages.map(({ value: { detail } }) => ({
      ...detail.connection,
      observedAt: detail.observedAt,
    }));
    const results = await decideConnections(requests, { ...deps, requestId });
    const failed = results.flatMap((result, index) => {
      const { endpointId } = result.input;
      if ('error' in result) {
        logger.error('deciding a connection request failed', { endpointId, error: result.error });
        return messages[index]?.record ?? [];
      }
      logger.info('connection request decided', { endpointId, ...decisionLogFields(result.output) });
      for (const { rule, reason } of failedRules(result.output))
        logger.error('rule failed, request on hold', { endpointId, rule, reason });
      return [];
    });
    return batchItemFailures([...malformed, ...failed]);
  },
);
