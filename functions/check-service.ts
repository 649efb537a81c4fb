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
  const invocation = {
    ...deps,
    requestId: context.awsRequestId,
    remainingMs: () => context.getRemainingTimeInMillis(),
  };
  const failed = [];
  for (const record of Records) if (!(await handleRecord(record, invocation))) failed.push(record);
  return batchItemFailures(failed);
});

type CheckInvocation = typeof deps & { readonly requestId: string; readonly remainingMs: () => number };

async function handleRecord({ body }: SQSRecord, invocation: CheckInvocation): Promise<boolean> {
  const request = v.safeParse(CheckRequestBody, body);
  if (request.success && (await wasCheckedSince(request.output.serviceId, request.output.enqueuedAt, table)))
    return true;
  const serviceIds = findServiceIds(body);
  // An event about a connection notification names no service, so every service is checked.
  if (serviceIds.length === 0)
    await serviceCheckQueue.enqueue(
      (await listRegisteredServices(invocation)).map(({ serviceId }) => serviceId),
    );
  const external = parseExternalAdditions(body);
  const results = await checkServices(serviceIds, {
    ...invocation,
    reconcilePrincipals: (service, actual) =>
      reconcilePrincipals(
        service,
        actual,
        external?.serviceId === service.serviceId ? external.additions : [],
        invocation,
      ),
  });
  for (const result of results)
    if ('error' in result)
      logger.error('service check failed', { serviceId: result.input, error: result.error });
    else
      logger.info('service checked', { serviceId: result.input, drift: result.output ?? 'not registered' });
  return !results.some((result) => 'error' in result);
}
