import { provider } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import type { InFlight } from '../in-flight.ts';
import { cloudTrailEvent, type RecordedCall } from '../privatelink/cloudtrail.ts';
import type { Timers } from '../timers.ts';
import { operationSchema } from '../wire/schema.ts';
import type { AwsService, CallerLocation } from './aws-service.ts';
import type { AwsEvent, Events } from './events.ts';

/** CloudTrail takes minutes on AWS. Here it takes seconds, but it is never immediate. */
const delayMs = 1000;

/** The trail of the provider's account. Its management events appear on the default event bus after a delay. */
export function createCloudTrail({
  clock,
  id,
  inFlight,
  events,
  timers,
}: {
  clock: Clock;
  id: () => string;
  inFlight: InFlight;
  events: Events;
  timers: Timers;
}) {
  const appear = timers.on<CallerLocation & { readonly event: AwsEvent }>(
    'cloudtrail',
    ({ accountId, region, event }) => events.putAwsEvent(accountId, region, event),
    inFlight,
  );

  return {
    async record(
      service: AwsService,
      call: Omit<RecordedCall, 'schema' | 'time' | 'eventId'>,
    ): Promise<void> {
      const { operation, caller } = call;
      if (operation.startsWith('Describe') || caller.accountId !== provider.accountId) return;
      const schema = await operationSchema(service, operation);
      if (!schema) return;
      const time = clock.now();
      const event = cloudTrailEvent({ ...call, schema, time, eventId: id() });
      appear(time + delayMs, { accountId: caller.accountId, region: caller.region, event });
    },
  };
}
