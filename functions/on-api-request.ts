import type { LambdaContext } from 'hono/aws-lambda';
import { createApiApp } from '../lib/api/api.ts';
import { type HttpApiEvent, respondByRoute } from '../lib/api/route.ts';
import {
  createApplyQueue,
  createApproverSubscriptions,
  createConnections,
  createCustomerSubscriptions,
  createDeployment,
  createEndpointServices,
  createModeParameter,
  createOperationsSubscriptions,
  createSecrets,
  createSlackForTokens,
  createSweepQueue,
  createTable,
  hub,
  logger,
  newId,
  newSigningKey,
  rules,
  runtime,
} from '../lib/aws/deps.ts';
import { env } from '../lib/aws/env.ts';
import { handler as handle } from '../lib/runtime/handler.ts';

const deps = {
  table: createTable(),
  connectionsClient: createConnections(),
  servicesClient: createEndpointServices(),
  applyQueue: createApplyQueue(),
  sweepQueue: createSweepQueue(),
  secrets: createSecrets(),
  subscriptions: createApproverSubscriptions(),
  customerSubscriptions: createCustomerSubscriptions(),
  operationsSubscriptions: createOperationsSubscriptions(),
  slackWith: createSlackForTokens(),
  slackRequestUrl: env('LINKGATE_SLACK_REQUEST_URL'),
  ...createModeParameter(),
  deployment: createDeployment(),
  hub: hub(),
  topicArn: env('LINKGATE_CONNECTIONS_TOPIC_ARN'),
  rules,
  ...runtime,
  id: newId,
  newSigningKey,
  random: Math.random,
  logRemoval: (removal: object) => logger.warn('unreadable item removed', { ...removal }),
};

const respond = respondByRoute(
  createApiApp(({ env }) => ({
    ...deps,
    caller: readCallerArn(env.event),
    apiId: env.event.requestContext.apiId,
    requestId: env.lambdaContext.awsRequestId,
    remainingMs: () => env.lambdaContext.getRemainingTimeInMillis(),
  })),
);

/** Serves the HTTP API for the command line and other systems. */
export const handler = handle(logger, async (event: HttpApiEvent, context) => {
  const response = await respond(event, context as unknown as LambdaContext);
  const { routeKey, rawPath } = event;
  logger.info('api request', {
    route: routeKey,
    path: rawPath,
    caller: readCallerArn(event),
    status: response.statusCode,
  });
  return response;
});

/** Reads the caller's ARN that API Gateway authenticated by IAM. */
function readCallerArn(event: HttpApiEvent): string {
  const { authorizer } = event.requestContext as { authorizer?: { iam?: { userArn?: string } } };
  const arn = authorizer?.iam?.userArn;
  if (arn === undefined) throw new Error('the request was not authorised by IAM');
  return arn;
}
