import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { readMessages } from '../lib/queue.ts';
import { Subject } from '../lib/telling/notice.ts';
import { tellApprovers } from '../lib/telling/tell-approvers.ts';
import {
  everyRun,
  logger,
  wireLinks,
  wireMails,
  wireNotices,
  wireSlackIfConnected,
  wireTable,
} from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  mails: wireMails(),
  linkTo: wireLinks(),
  notices: wireNotices(),
  ...everyRun,
};
const slackIfConnected = wireSlackIfConnected({ timeoutMs: 5_000 });

/** Tells approvers in Slack and by mail what waits for them, and what became of it. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const { messages, malformed } = readMessages(Records, Subject, logger);
    const slack = await slackIfConnected();
    const { failed, ...told } = await tellApprovers(
      messages.map(({ value }) => value),
      { ...app, requestId, ...(slack && { slack }) },
    );
    logger.info('approvers told', { ...told, failed: failed.length });
    const again = messages.filter(({ value }) => failed.includes(value));
    return failuresOf([...malformed, ...again.map(({ record }) => record)]);
  },
);
