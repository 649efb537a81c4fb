import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createApplyQueue, createSecret, createTable, logger, rules, runtime } from '../lib/aws/deps.ts';
import { handleLinkRequest } from '../lib/channels/approval-link/handle-link-request.ts';
import { handler as handle } from '../lib/runtime/handler.ts';

const deps = {
  table: createTable(),
  applyQueue: createApplyQueue(),
  signingKey: createSecret('links/signing-key'),
  rules,
  ...runtime,
};

/** Somebody follows a link of a mail, or a scanner does: only a form that a person has filled in decides. */
export const handler = handle<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>(
  logger,
  async (event, { awsRequestId: requestId }) => {
    const { response, told } = await handleLinkRequest(event, { ...deps, requestId });
    logger.info('approval link request', told);
    return response;
  },
);
