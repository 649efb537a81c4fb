import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { serviceIdsIn } from '../lib/connection/connection-notification.ts';
import { failuresOf, handler as handle } from '../lib/handler.ts';
import { checkServices } from '../lib/service/check-service.ts';
import { registeredServices } from '../lib/service/registered-services.ts';
import { everyRun, logger, wireServices, wireTable } from '../lib/wiring.ts';

const table = wireTable();
const app = { table, servicesIn: wireServices(), ...everyRun };

/** Somebody changed a service: CloudTrail's record is only the news; what counts is read anew in EC2. */
export const handler = handle<SQSEvent, SQSBatchResponse>(
  logger,
  async ({ Records }, { awsRequestId: requestId }) => {
    const failed = [];
    for (const record of Records) {
      const results = await checkServices(await servicesIn(record.body), { ...app, requestId });
      for (const result of results)
        if ('error' in result)
          logger.error('a service could not be checked', { serviceId: result.input, error: result.error });
        else
          logger.info('service checked', {
            serviceId: result.input,
            drift: result.output ?? 'not registered',
          });
      if (results.some((result) => 'error' in result)) failed.push(record);
    }
    return failuresOf(failed);
  },
);

/** The services that an event names; one about a notification names none, so that it may be about any. */
async function servicesIn(body: string): Promise<string[]> {
  const named = serviceIdsIn(body);
  if (named.length > 0) return named;
  return (await registeredServices(table)).map(({ serviceId }) => serviceId);
}
