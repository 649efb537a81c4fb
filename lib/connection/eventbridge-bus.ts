import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { chunks } from '../chunks.ts';
import { type Bus, type ConnectionEvent, eventSource } from './connection-event.ts';

/** How many events PutEvents takes in one call. */
const eventsPerCall = 10;

/** EventBridge took some events and not others. All are observed again when the doorbell or the sweep comes again. */
export class UndeliveredEventsError extends Error {
  override readonly name = 'UndeliveredEventsError';

  constructor(count: number, code: string) {
    super(`${count} events were not taken by the bus: ${code}`);
  }
}

export function eventBridgeBus(eventBridge: EventBridgeClient, busName: string): Bus {
  async function put(events: readonly ConnectionEvent[]): Promise<void> {
    const { FailedEntryCount = 0, Entries = [] } = await eventBridge.send(
      new PutEventsCommand({
        Entries: events.map(({ type, ...detail }) => ({
          EventBusName: busName,
          Source: eventSource,
          DetailType: type,
          Detail: JSON.stringify(detail),
          Resources: [detail.connection.serviceId, detail.connection.endpointId],
        })),
      }),
    );
    if (FailedEntryCount > 0)
      throw new UndeliveredEventsError(
        FailedEntryCount,
        Entries.find(({ ErrorCode }) => ErrorCode)?.ErrorCode ?? 'no reason given',
      );
  }

  return {
    async publish(events) {
      for (const some of chunks(events, eventsPerCall)) await put(some);
    },
  };
}
