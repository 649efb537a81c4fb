import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import {
  createApprovalLinks,
  createEmailSender,
  createNotificationQueue,
  createOperationsPublisher,
  createSlackIfConnected,
  createTable,
  logger,
  runtime,
} from '../lib/aws/deps.ts';
import { notifyApprovers } from '../lib/notifications/notify-approvers.ts';
import { NotificationTarget } from '../lib/outbox/notification.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseRecords } from '../lib/runtime/sqs-records.ts';

const deps = {
  table: createTable(),
  emailSender: createEmailSender(),
  publishToOperations: createOperationsPublisher(),
  createApprovalLink: createApprovalLinks(),
  notificationQueue: createNotificationQueue(),
  ...runtime,
};
// A post whose answer never comes may leave a copy, so the timeout is long. After one timeout a run calls Slack no more.
const slackIfConnected = createSlackIfConnected({ timeoutMs: 20_000 });

/** Notifies approvers of open requests and of their outcome, in Slack and by email. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = parseRecords(Records, NotificationTarget, logger);
    const slack = await slackIfConnected();
    const { failed, ...counts } = await notifyApprovers(
      messages.map(({ value }) => value),
      { ...deps, requestId, ...(slack && { slack }) },
    );
    logger.info('approvers notified', { ...counts, failed: failed.length });
    const again = messages.filter(({ value }) => failed.includes(value));
    return batchItemFailures([...malformed, ...again.map(({ record }) => record)]);
  },
);
