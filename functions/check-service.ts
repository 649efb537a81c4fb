import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import {
  createMode,
  createPrincipals,
  createServiceBell,
  createServices,
  createTable,
  logger,
  runtime,
  sleep,
} from '../lib/aws/deps.ts';
import { serviceIdsIn } from '../lib/reconcile/connection-notification.ts';
import { batchItemFailures, handler as handle } from '../lib/runtime/handler.ts';
import { externalAdditions } from '../lib/services/allowed-principals/external-additions.ts';
import { reconcilePrincipals } from '../lib/services/allowed-principals/reconcile-principals.ts';
import { checkServices, wasCheckedSince } from '../lib/services/check-service.ts';
import { registeredServices } from '../lib/services/registered-services.ts';
import { ServiceCheckRequest } from '../lib/services/service-check-queue.ts';

const table = createTable();
const serviceBell = createServiceBell();
const app = {
  table,
  serviceBell,
  servicesIn: createServices(),
  principalsIn: createPrincipals(),
  mode: createMode(),
  sleep,
  say: (change: object) => logger.info('allowed principals changed', { ...change }),
  ...runtime,
};

const Ring = v.pipe(v.string(), v.parseJson(), ServiceCheckRequest);

/** Somebody changed a service, or what its principals follow from: that is only the news; what counts is read anew. */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const run = {
    ...app,
    requestId: context.awsRequestId,
    remaining: () => context.getRemainingTimeInMillis(),
  };
  const failed = [];
  for (const record of Records) if (!(await isDone(record, run))) failed.push(record);
  return batchItemFailures(failed);
});

type Run = typeof app & { readonly requestId: string; readonly remaining: () => number };

async function isDone({ body }: SQSRecord, run: Run): Promise<boolean> {
  const enqueue = v.safeParse(Ring, body);
  if (enqueue.success && (await wasCheckedSince(enqueue.output.serviceId, enqueue.output.rungAt, table)))
    return true;
  const named = serviceIdsIn(body);
  // An event about a notification names no service, so that it may be about any.
  if (named.length === 0)
    await serviceBell.enqueue((await registeredServices(run)).map(({ serviceId }) => serviceId));
  const told = externalAdditions(body);
  const results = await checkServices(named, {
    ...run,
    tendPrincipals: (service, actual) =>
      reconcilePrincipals(service, actual, told?.serviceId === service.serviceId ? told.additions : [], run),
  });
  for (const result of results)
    if ('error' in result)
      logger.error('a service could not be checked', { serviceId: result.input, error: result.error });
    else
      logger.info('service checked', { serviceId: result.input, drift: result.output ?? 'not registered' });
  return !results.some((result) => 'error' in result);
}
