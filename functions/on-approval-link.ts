import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createSecret, createTable, createWorkBell, logger, rules, runtime } from '../lib/aws/deps.ts';
import { handleLinkRequest } from '../lib/channels/approval-link/receive-request.ts';
import { handler as handle } from '../lib/runtime/handler.ts';

const app = {
  table: createTable(),
  bell: createWorkBell(),
  signingKey: createSecret('links/signing-key'),
  rules,
  ...runtime,
};

/** Somebody follows a link of a mail, or a scanner does: only a form that a person has filled in decides. */
export const handler = handle<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>(
  logger,
  async (event, { awsRequestId: requestId }) => {
    const { response, told } = await handleLinkRequest(event, { ...app, requestId });
    logger.info('approval link request', told);
    return response;
  },
);
