import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type Bus, type ConnectionEvent, eventSource } from '../connections/connection-event.ts';
import { schemaVersion } from '../events/bus-event.ts';
import type { DomainEvent, DomainEventBus } from '../events/publish-changes.ts';
import { chunks } from '../values/chunks.ts';

type BusEvent = ConnectionEvent | DomainEvent;

/** The maximum number of entries in one PutEvents call. */
const maxEventsPerCall = 10;

/** PutEvents failed for some entries. The retried notification or the next sweep detects the changes again. */
export class UndeliveredEventsError extends Error {
  override readonly name = 'UndeliveredEventsError';

  constructor(count: number, code: string) {
    super(`${count} events were not accepted by EventBridge: ${code}`);
  }
}

export function eventBridgeBus(eventBridge: EventBridgeClient, busName: string): Bus & DomainEventBus {
  async function putEvents(events: readonly BusEvent[]): Promise<void> {
    const { FailedEntryCount = 0, Entries = [] } = await eventBridge.send(
      new PutEventsCommand({
        Entries: events.map((event) => {
          const { type, ...detail } = event;
          return {
            EventBusName: busName,
            Source: eventSource,
            DetailType: type,
            Detail: JSON.stringify({ schemaVersion, ...detail }),
            Resources: eventResources(event),
          };
        }),
      }),
    );
    if (FailedEntryCount > 0)
      throw new UndeliveredEventsError(
        FailedEntryCount,
        Entries.find(({ ErrorCode }) => ErrorCode)?.ErrorCode ?? 'no reason given',
      );
  }

  return {
    async publish(events: readonly BusEvent[]) {
      for (const some of chunks(events, maxEventsPerCall)) await putEvents(some);
    },
  };
}

function eventResources(event: BusEvent): string[] {
  if (event.type === 'Service Drifted') return [event.service.serviceId];
  const { serviceId, endpointId } = event.connection;
  return [serviceId, endpointId];
}
