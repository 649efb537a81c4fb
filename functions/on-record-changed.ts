import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { announce } from '../lib/announcement/announce.ts';
import { handler as handle } from '../lib/handler.ts';
import { looksFor, reviewRequests, scopesIn } from '../lib/policy/review-requests.ts';
import { ringForPrincipals } from '../lib/principals/ring-for-changed.ts';
import { changeIn } from '../lib/table/stream-change.ts';
import { ringForChanged } from '../lib/telling/notice.ts';
import {
  everyRun,
  logger,
  rules,
  wireBus,
  wireConnections,
  wireNotices,
  wireServiceBell,
  wireTable,
} from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  bus: wireBus(),
  connectionsIn: wireConnections(),
  notices: wireNotices(),
  serviceBell: wireServiceBell(),
  rules,
  ...everyRun,
};

/**
 * Has people told of requests that they were asked about, and says on the bus which requests began to wait and which services
 * drifted. Where an entry or a service changed, the open requests that it may concern are decided anew.
 */
export const handler = handle<DynamoDBStreamEvent, DynamoDBBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const changes = Records.map(changeIn);
    await ringForChanged(changes, app);
    await ringForPrincipals(changes, app);
    logger.info('changes announced', { announced: await announce(changes, app) });
    for (const { scope, first } of looksFor(scopesIn(changes)))
      try {
        const observation = await reviewRequests(scope, { ...app, requestId });
        logger.info('open requests reviewed', { ...scope, ...observation });
      } catch (error) {
        logger.error('open requests could not be reviewed', { ...scope, error });
        return { batchItemFailures: [{ itemIdentifier: first.sequenceNumber }] };
      }
    return { batchItemFailures: [] };
  },
);
