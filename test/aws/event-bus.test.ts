import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { expect, test } from '@jest/globals';
import { eventBridgeBus, UndeliveredEventsError } from '../../lib/aws/event-bus.ts';
import { aConnection, endpointId, noon, serviceId } from '../builders.ts';
import { stubSdkClient } from '../doubles/sdk-client.ts';

const observedAt = noon.toISOString();
const event = { type: 'Connection Request', connection: aConnection(), observedAt } as const;

test('an event lists its service and endpoint as resources', async () => {
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

test('events are sent in batches of ten, and without a call for an empty list', async () => {
  const { client, sent } = stubSdkClient<EventBridgeClient>();
  const bus = eventBridgeBus(client, 'linkgate-test');
  await bus.publish(Array.from({ length: 21 }, () => event));
  expect(sent.map(({ input }) => (input as { Entries: unknown[] }).Entries.length)).toEqual([10, 10, 1]);
  await bus.publish([]);
  expect(sent).toHaveLength(3);
});

test('a failed entry of PutEvents is an error', async () => {
  const { client } = stubSdkClient<EventBridgeClient>({
    FailedEntryCount: 1,
    Entries: [{ EventId: '1' }, { ErrorCode: 'InternalFailure' }],
  });
  const publishing = eventBridgeBus(client, 'linkgate-test').publish([event, event]);
  await expect(publishing).rejects.toThrow(UndeliveredEventsError);
  await expect(publishing).rejects.toThrow('1 events were not accepted by EventBridge: InternalFailure');
});
