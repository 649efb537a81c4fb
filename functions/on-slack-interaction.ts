import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import {
  createApplyQueue,
  createSecret,
  createSlack,
  createSlackRespond,
  createTable,
  logger,
  rules,
  runtime,
} from '../lib/aws/deps.ts';
import { type HttpResponse, handleSlackRequest } from '../lib/channels/slack/handle-request.ts';
import { handler as handle } from '../lib/runtime/handler.ts';

const deps = {
  table: createTable(),
  applyQueue: createApplyQueue(),
  rules,
  signingSecret: createSecret('slack/signing-secret'),
  // Slack waits three seconds for the response, and a `trigger_id` expires three seconds after the click.
  slack: createSlack({ timeoutMs: 2_000 }),
  respond: createSlackRespond({ timeoutMs: 1_500 }),
  ...runtime,
};

/** Handles button clicks, modals and slash commands. The URL is public: the signature proves that Slack sent the request. */
export const handler = handle<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>(
  logger,
  async ({ headers = {}, body = '', isBase64Encoded }, { awsRequestId: requestId }) => {
    const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
    const response = await handleSlackRequest({ headers, body: bytes }, { ...deps, requestId });
    logger.info('slack request', { status: response.statusCode });
    return toApiGatewayResponse(response);
  },
);

function toApiGatewayResponse({ statusCode, json }: HttpResponse): APIGatewayProxyStructuredResultV2 {
  if (!json) return { statusCode };
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) };
}
