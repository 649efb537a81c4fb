import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { receive } from '../lib/approval-link/receive.ts';
import { handler as handle } from '../lib/handler.ts';
import { everyRun, logger, rules, wireSecret, wireTable, wireWorkBell } from '../lib/wiring.ts';

const app = {
  table: wireTable(),
  bell: wireWorkBell(),
  signingKey: wireSecret('links/signing-key'),
  rules,
  ...everyRun,
};

/** Somebody follows a link of a mail, or a scanner does: only a form that a person has filled in decides. */
export const handler = handle<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>(
  logger,
  async (event, { awsRequestId: requestId }) => {
    const { response, told } = await receive(event, { ...app, requestId });
    logger.info('link answered', told);
    return response;
  },
);
