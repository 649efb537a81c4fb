import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { expect, test } from '@jest/globals';
import { eventBridgeBus, UndeliveredEventsError } from '../../lib/aws/event-bus.ts';
import { aConnection, endpointId, noon, serviceId } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const observedAt = noon.toISOString();
const event = { type: 'Connection Request', connection: aConnection(), observedAt } as const;

test('an event names its connection and service among its resources', async () => {
  const { client, sent } = stubSdkClient<EventBridgeClient>();
  await eventBridgeBus(client, 'linkgate-test').publish([event]);
  expect(sent).toEqual([
    {
      command: 'PutEvents',
      input: {
        Entries: [
          {
            EventBusName: 'linkgate-test',
            Source: 'linkgate',
            DetailType: 'Connection Request',
            Detail: JSON.stringify({ schemaVersion: '1.0', connection: aConnection(), observedAt }),
            Resources: [serviceId(1), endpointId(1)],
          },
        ],
      },
    },
  ]);
});

test('events go out ten a call, and none by no call', async () => {
  const { client, sent } = stubSdkClient<EventBridgeClient>();
  const bus = eventBridgeBus(client, 'linkgate-test');
  await bus.publish(Array.from({ length: 21 }, () => event));
  expect(sent.map(({ input }) => (input as { Entries: unknown[] }).Entries.length)).toEqual([10, 10, 1]);
  await bus.publish([]);
  expect(sent).toHaveLength(3);
});

test('an event that the bus did not take inside a successful answer is an error', async () => {
  const { client } = stubSdkClient<EventBridgeClient>({
    FailedEntryCount: 1,
    Entries: [{ EventId: '1' }, { ErrorCode: 'InternalFailure' }],
  });
  const publishing = eventBridgeBus(client, 'linkgate-test').publish([event, event]);
  await expect(publishing).rejects.toThrow(UndeliveredEventsError);
  await expect(publishing).rejects.toThrow('1 events were not taken by the bus: InternalFailure');
});
