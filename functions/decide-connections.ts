import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { BusMessage } from '../lib/connection/connection-event.ts';
import { decideConnections, failedRules, summaryOf } from '../lib/connection/decide-connections.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { readMessages } from '../lib/queue.ts';
import { everyRun, logger, rules, wireConnections, wireTable, wireWorkBell } from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  connectionsIn: wireConnections(),
  bell: wireWorkBell(),
  rules,
  ...everyRun,
};

/** Connection requests are decided by the policy; verdict, audit and what is due are written down, and the actor is rung for. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = readMessages(Records, BusMessage, logger);
    const requests = messages.map(({ value: { detail } }) => ({
      ...detail.connection,
      observedAt: detail.observedAt,
    }));
    const results = await decideConnections(requests, { ...app, requestId });
    const failed = results.flatMap((result, index) => {
      const { endpointId } = result.input;
      if ('error' in result) {
        logger.error('a connection request could not be decided', { endpointId, error: result.error });
        return messages[index]?.record ?? [];
      }
      logger.info('connection request decided', { endpointId, ...summaryOf(result.output) });
      for (const { rule, reason } of failedRules(result.output))
        logger.error('a rule failed, so the request waits', { endpointId, rule, reason });
      return [];
    });
    return failuresOf([...malformed, ...failed]);
  },
);
