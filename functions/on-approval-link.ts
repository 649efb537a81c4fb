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

/** Handles GET and POST of an approval link. E-mail scanners call it too: only a POST with a reason decides. */
export const handler = handle<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>(
  logger,
  async (event, { awsRequestId: requestId }) => {
    const { response, logFields } = await handleLinkRequest(event, { ...deps, requestId });
    logger.info('approval link request', logFields);
    return response;
  },
);
