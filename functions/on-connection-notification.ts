import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { logger, runtime, wireBus, wireConnections, wireTable } from '../lib/aws/deps.ts';
import { formatAccountRegion } from '../lib/locations/account-region.ts';
import { parseNotification } from '../lib/reconcile/connection-notification.ts';
import { handleNotifications } from '../lib/reconcile/handle-notifications.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';

const app = { table: wireTable(), bus: wireBus(), connectionsIn: wireConnections(), ...runtime };

/** A doorbell rang: looks in EC2 at what it may be about, and says on the bus what is new. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const readable = Records.flatMap((record) => {
      const doorbell = parseNotification(record.body);
      return doorbell ? [{ record, doorbell }] : [];
    });
    const garbage = Records.length - readable.length;
    if (garbage > 0) logger.warn('unparseable notifications dropped', { garbage });
    // AWS does not document what a notification says; the first real ones end the guesswork.
    for (const { body } of Records) logger.debug('doorbell', { body });
    const doorbells = readable.map(({ doorbell }) => doorbell);
    const { observation, unanswered } = await handleNotifications(doorbells, { ...app, requestId });
    const failed = readable.filter(({ doorbell: { location } }) =>
      unanswered.has(formatAccountRegion(location)),
    );
    logger.info('notifications handled', {
      doorbells: doorbells.length,
      garbage,
      failed: failed.length,
      ...observation,
    });
    return batchItemFailures(failed.map(({ record }) => record));
  },
);
