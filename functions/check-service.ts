import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import { serviceIdsIn } from '../lib/connection/connection-notification.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { additionsIn } from '../lib/principals/additions.ts';
import { tendPrincipals } from '../lib/principals/tend-principals.ts';
import { checkServices, isCheckedSince } from '../lib/service/check-service.ts';
import { registeredServices } from '../lib/service/registered-services.ts';
import { ServiceRing } from '../lib/service/service-bell.ts';
import {
  everyRun,
  logger,
  sleep,
  wireMode,
  wirePrincipals,
  wireServiceBell,
  wireServices,
  wireTable,
} from '../lib/wiring.ts';

const table = wireTable();
const serviceBell = wireServiceBell();
const app = {
  table,
  serviceBell,
  servicesIn: wireServices(),
  principalsIn: wirePrincipals(),
  mode: wireMode(),
  sleep,
  say: (change: object) => logger.info('allowed principals changed', { ...change }),
  ...everyRun,
};

const Ring = v.pipe(v.string(), v.parseJson(), ServiceRing);

/** Somebody changed a service, or what its principals follow from: that is only the news; what counts is read anew. */
export const handler = handle<SQSEvent, SQSBatchResponse>(logger, async ({ Records }, context) => {
  const run = {
    ...app,
    requestId: context.awsRequestId,
    remaining: () => context.getRemainingTimeInMillis(),
  };
  const failed = [];
  for (const record of Records) if (!(await isDone(record, run))) failed.push(record);
  return failuresOf(failed);
});

type Run = typeof app & { readonly requestId: string; readonly remaining: () => number };

async function isDone({ body }: SQSRecord, run: Run): Promise<boolean> {
  const ring = v.safeParse(Ring, body);
  if (ring.success && (await isCheckedSince(ring.output.serviceId, ring.output.rungAt, table))) return true;
  const named = serviceIdsIn(body);
  // An event about a notification names no service, so that it may be about any.
  if (named.length === 0)
    await serviceBell.ring((await registeredServices(run)).map(({ serviceId }) => serviceId));
  const told = additionsIn(body);
  const results = await checkServices(named, {
    ...run,
    tendPrincipals: (service, actual) =>
      tendPrincipals(service, actual, told?.serviceId === service.serviceId ? told.additions : [], run),
  });
  for (const result of results)
    if ('error' in result)
      logger.error('a service could not be checked', { serviceId: result.input, error: result.error });
    else
      logger.info('service checked', { serviceId: result.input, drift: result.output ?? 'not registered' });
  return !results.some((result) => 'error' in result);
}
