import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import {
  createEmailSender,
  createLinks,
  createNotices,
  createSlackIfConnected,
  createTable,
  logger,
  runtime,
} from '../lib/aws/deps.ts';
import { NotificationTarget } from '../lib/notifications/notification.ts';
import { notifyApprovers } from '../lib/notifications/notify-approvers.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const app = {
  table: createTable(),
  mails: createEmailSender(),
  linkTo: createLinks(),
  notices: createNotices(),
  ...runtime,
};
const slackIfConnected = createSlackIfConnected({ timeoutMs: 5_000 });

/** Tells approvers in Slack and by mail what waits for them, and what became of it. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = parseRecords(Records, NotificationTarget, logger);
    const slack = await slackIfConnected();
    const { failed, ...told } = await notifyApprovers(
      messages.map(({ value }) => value),
      { ...app, requestId, ...(slack && { slack }) },
    );
    logger.info('approvers notified', { ...told, failed: failed.length });
    const again = messages.filter(({ value }) => failed.includes(value));
    return batchItemFailures([...malformed, ...again.map(({ record }) => record)]);
  },
);
