import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { BusMessage } from '../lib/connection/connection-event.ts';
import { tendConnections } from '../lib/connection/tend-connections.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { readMessages } from '../lib/queue.ts';
import { everyRun, logger, wireTable } from '../lib/wiring.ts';

const app = { table: wireTable(), ...everyRun };

/** EC2 shows a connection otherwise than it is remembered: that is written down. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = readMessages(Records, BusMessage, logger);
    const results = await tendConnections(
      messages.map(({ value }) => value.detail),
      { ...app, requestId },
    );
    const failed = results.flatMap((result, index) => {
      const { endpointId, state } = result.input.connection;
      if ('error' in result) {
        logger.error('a connection could not be tended', { endpointId, error: result.error });
        return messages[index]?.record ?? [];
      }
      logger.info('connection tended', { endpointId, state, actions: result.output });
      return [];
    });
    return failuresOf([...malformed, ...failed]);
  },
);
