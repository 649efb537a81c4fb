import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { handler as handle } from '../lib/handler.ts';
import { reviewRequests, scopeOf } from '../lib/policy/review-requests.ts';
import type { Item } from '../lib/table/table.ts';
import { everyRun, logger, wireBus, wireConnections, wireTable } from '../lib/wiring.ts';

const app = { table: wireTable(), bus: wireBus(), connectionsIn: wireConnections(), ...everyRun };

/** An entry or a service changed: the open requests that it may concern are decided anew. */
export const handler = handle<DynamoDBStreamEvent, DynamoDBBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    for (const { dynamodb } of Records) {
      const scope = scopeOf(imageOf(dynamodb?.OldImage), imageOf(dynamodb?.NewImage));
      if (!scope) continue;
      try {
        const observation = await reviewRequests(scope, { ...app, requestId });
        logger.info('open requests reviewed', { ...scope, ...observation });
      } catch (error) {
        logger.error('open requests could not be reviewed', { ...scope, error });
        return { batchItemFailures: [{ itemIdentifier: dynamodb?.SequenceNumber ?? '' }] };
      }
    }
    return { batchItemFailures: [] };
  },
);

function imageOf(image: object | undefined): Item | undefined {
  return image && (unmarshall(image as Record<string, AttributeValue>) as Item);
}
