import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { answerDoorbells } from '../lib/connection/answer-doorbells.ts';
import { readDoorbell } from '../lib/connection/connection-notification.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { placeName } from '../lib/place.ts';
import { everyRun, logger, wireBus, wireConnections, wireTable } from '../lib/wiring.ts';

const app = { table: wireTable(), bus: wireBus(), connectionsIn: wireConnections(), ...everyRun };

/** A doorbell rang: looks in EC2 at what it may be about, and says on the bus what is new. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const readable = Records.flatMap((record) => {
      const doorbell = readDoorbell(record.body);
      return doorbell ? [{ record, doorbell }] : [];
    });
    const garbage = Records.length - readable.length;
    if (garbage > 0) logger.warn('messages that are no doorbells were dropped', { garbage });
    // AWS does not document what a notification says; the first real ones end the guesswork.
    for (const { body } of Records) logger.debug('doorbell', { body });
    const doorbells = readable.map(({ doorbell }) => doorbell);
    const { observation, unanswered } = await answerDoorbells(doorbells, { ...app, requestId });
    const failed = readable.filter(({ doorbell: { place } }) => unanswered.has(placeName(place)));
    logger.info('doorbells answered', {
      doorbells: doorbells.length,
      garbage,
      failed: failed.length,
      ...observation,
    });
    return failuresOf(failed.map(({ record }) => record));
  },
);
