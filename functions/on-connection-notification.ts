import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createBus, createConnections, createTable, logger, runtime } from '../lib/aws/deps.ts';
import { formatAccountRegion } from '../lib/locations/account-region.ts';
import { parseNotification } from '../lib/reconcile/connection-notification.ts';
import { handleNotifications } from '../lib/reconcile/handle-notifications.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';

const deps = { table: createTable(), bus: createBus(), connectionsClient: createConnections(), ...runtime };

/** Describes the connections that a notification may be about, and publishes an event for each change. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const readable = Records.flatMap((record) => {
      const notification = parseNotification(record.body);
      return notification ? [{ record, notification }] : [];
    });
    const unparseable = Records.length - readable.length;
    if (unparseable > 0) logger.warn('unparseable notifications dropped', { count: unparseable });
    // AWS does not document the body of a notification, so the log records it.
    for (const { body } of Records) logger.debug('connection notification received', { body });
    const notifications = readable.map(({ notification }) => notification);
    const { changeCounts, failedLocations } = await handleNotifications(notifications, {
      ...deps,
      requestId,
    });
    const failed = readable.filter(({ notification: { location } }) =>
      failedLocations.has(formatAccountRegion(location)),
    );
    logger.info('notifications handled', {
      notifications: notifications.length,
      unparseable,
      failed: failed.length,
      ...changeCounts,
    });
    return batchItemFailures(failed.map(({ record }) => record));
  },
);
