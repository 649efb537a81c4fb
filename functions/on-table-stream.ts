import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import {
  createBus,
  createConnections,
  createNotificationQueue,
  createServiceCheckQueue,
  createTable,
  logger,
  rules,
  runtime,
} from '../lib/aws/deps.ts';
import { streamChange } from '../lib/aws/stream-change.ts';
import { publishDomainEvents } from '../lib/events/publish-changes.ts';
import { enqueueForChanges } from '../lib/notifications/notification.ts';
import { saveNoticesForChanges } from '../lib/notifications/operations-changes.ts';
import { affectedScopes, coalesceScopes, reevaluateConnections } from '../lib/reconcile/reevaluate.ts';
import { handler as handle } from '../lib/runtime/handler.ts';
import { enqueueServiceChecks } from '../lib/services/allowed-principals/enqueue-service-checks.ts';

const deps = {
  table: createTable(),
  bus: createBus(),
  connectionsClient: createConnections(),
  notificationQueue: createNotificationQueue(),
  serviceCheckQueue: createServiceCheckQueue(),
  rules,
  ...runtime,
};

/**
 * Enqueues notifications of approval requests, and publishes events about waiting requests and drifted services. After a change
 * of an entry or a service it re-evaluates the open requests that it may affect.
 */
export const handler = handle<DynamoDBStreamEvent, DynamoDBBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const changes = Records.map(streamChange);
    await enqueueForChanges(changes, deps);
    await saveNoticesForChanges(changes, deps);
    await enqueueServiceChecks(changes, deps);
    logger.info('domain events published', { count: await publishDomainEvents(changes, deps) });
    for (const { scope, first } of coalesceScopes(affectedScopes(changes)))
      try {
        const changeCounts = await reevaluateConnections(scope, { ...deps, requestId });
        logger.info('connections re-evaluated', { ...scope, ...changeCounts });
      } catch (error) {
        logger.error('re-evaluation failed', { ...scope, error });
        return { batchItemFailures: [{ itemIdentifier: first.sequenceNumber }] };
      }
    return { batchItemFailures: [] };
  },
);
