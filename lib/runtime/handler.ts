import type { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';

/** Wraps every Lambda function: adds the invocation's ids to log lines, and logs uncaught errors. */
export function handler<Event, Result>(
  logger: Logger,
  handle: (event: Event, context: Context) => Promise<Result>,
) {
  return middy<Event, Result>()
    .use(injectLambdaContext(logger, { logEvent: false, flushBufferOnUncaughtError: true }))
    .onError(({ error }) => logger.error('the invocation failed', { error }))
    .handler((event, context) => handle(event, context));
}

/** Reports the messages of a batch that Lambda has to deliver again. */
export function batchItemFailures(failed: readonly Pick<SQSRecord, 'messageId'>[]): SQSBatchResponse {
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
