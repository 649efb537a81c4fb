import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import {
  createAllowedPrincipals,
  createEndpointServices,
  createModeReader,
  createServiceCheckQueue,
  createTable,
  logger,
  runtime,
  sleep,
} from '../lib/aws/deps.ts';
import { findServiceIds } from '../lib/reconcile/connection-notification.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { parseExternalAdditions } from '../lib/services/allowed-principals/external-additions.ts';
import { reconcilePrincipals } from '../lib/services/allowed-principals/reconcile-principals.ts';
import { checkServices, wasCheckedSince } from '../lib/services/check-service.ts';
import { listRegisteredServices } from '../lib/services/registered-services.ts';
import { ServiceCheckRequest } from '../lib/services/service-check-queue.ts';

const table = createTable();
const serviceCheckQueue = createServiceCheckQueue();
const deps = {
  table,
  serviceCheckQueue,
  servicesClient: createEndpointServices(),
  principalsClient: createAllowedPrincipals(),
  mode: createModeReader(),
  sleep,
  logChange: (change: object) => logger.info('allowed principals changed', { ...change }),
  ...runtime,
};

const CheckRequestBody = v.pipe(v.string(), v.parseJson(), ServiceCheckRequest);

/** Handles events about a changed service or allowlist. An event is only a hint: the check reads EC2 and the table again. */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const run = {
    ...deps,
    requestId: context.awsRequestId,
    remainingMs: () => context.getRemainingTimeInMillis(),
  };
  const failed = [];
  for (const record of Records) if (!(await isDone(record, run))) failed.push(record);
  return batchItemFailures(failed);
});

type Run = typeof deps & { readonly requestId: string; readonly remainingMs: () => number };

async function isDone({ body }: SQSRecord, run: Run): Promise<boolean> {
  const enqueue = v.safeParse(CheckRequestBody, body);
  if (enqueue.success && (await wasCheckedSince(enqueue.output.serviceId, enqueue.output.enqueuedAt, table)))
    return true;
  const named = findServiceIds(body);
  // An event about a connection notification names no service, so every service is checked.
  if (named.length === 0)
    await serviceCheckQueue.enqueue((await listRegisteredServices(run)).map(({ serviceId }) => serviceId));
  const told = parseExternalAdditions(body);
  const results = await checkServices(named, {
    ...run,
    reconcilePrincipals: (service, actual) =>
      reconcilePrincipals(service, actual, told?.serviceId === service.serviceId ? told.additions : [], run),
  });
  for (const result of results)
    if ('error' in result)
      logger.error('a service could not be checked', { serviceId: result.input, error: result.error });
    else
      logger.info('service checked', { serviceId: result.input, drift: result.output ?? 'not registered' });
  return !results.some((result) => 'error' in result);
}
