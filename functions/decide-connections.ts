import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { BusMessage } from '../lib/connection/connection-event.ts';
import { decideConnections } from '../lib/connection/decide-connections.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { readMessages } from '../lib/queue.ts';
import { logger, now, rules, wireConnections, wireDoorbell, wireTable } from '../lib/wiring.ts';

const app = { table: wireTable(), connectionsIn: wireConnections(), doorbell: wireDoorbell(), rules, now };

/** Connection requests are decided by the policy; verdict, audit and what is due are written down, and the actor is rung for. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = readMessages(Records, BusMessage, logger);
    const requests = messages.map(({ value }) => value.detail.connection);
    const results = await decideConnections(requests, { ...app, requestId });
    const failed = results.flatMap((result, index) => {
      const { endpointId } = result.input;
      if ('error' in result) {
        logger.error('a connection request could not be decided', { endpointId, error: result.error });
        return messages[index]?.record ?? [];
      }
      const { outcome } = result.output;
      const verdict = 'record' in result.output ? result.output.record.verdict : undefined;
      logger.info('connection request decided', { endpointId, outcome, findings: verdict?.findings });
      for (const { rule, reason } of verdict?.findings.filter(
        ({ until, outcome }) => outcome === 'wait' && until,
      ) ?? [])
        logger.error('a rule failed, so the request waits', { endpointId, rule, reason });
      return [];
    });
    return failuresOf([...malformed, ...failed]);
  },
);
