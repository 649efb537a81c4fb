import { readdirSync, readFileSync } from 'node:fs';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { describe, expect, test } from '@jest/globals';
import { schemaFiles } from '../events/schemas.ts';
import { eventBridgeBus } from '../lib/aws/event-bus.ts';
import { recordItem } from '../lib/connections/connection-record.ts';
import { busEvents } from '../lib/events/bus-event.ts';
import { publishDomainEvents } from '../lib/events/publish-changes.ts';
import { detectChanges } from '../lib/reconcile/detect-changes.ts';
import { serviceItem } from '../lib/services/service.ts';
import { aConnection, aRecord, aService, aVerdict, endpointId, hub, noon } from './builders.ts';
import { busSchemas } from './bus-schemas.ts';
import { stubSdkClient } from './doubles/sdk-client.ts';
import { createTestEnv } from './doubles/test-env.ts';

const events = new URL('../events/', import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, events), 'utf8'));
const problemsOf = busSchemas();

test.each(schemaFiles())(
  '%s says what the code publishes (node events/schemas.ts writes it)',
  (file, schema) => {
    expect(read(file)).toEqual(schema);
  },
);

describe('docs/events.md', () => {
  const page = readFileSync(new URL('../docs/events.md', import.meta.url), 'utf8');

  test('lists every event, and when it is published', () => {
    for (const [name, { publishedWhen }] of Object.entries(busEvents)) {
      const file = name.toLowerCase().replace(' ', '-');
      expect(page).toContain(
        `| \`${name}\` | ${publishedWhen} | [schema](../events/bus/${file}.schema.json), [sample](../events/bus/${file}.json) |`,
      );
    }
  });
});

describe('every event on the bus', () => {
  const names = schemaFiles().map(([file]) => file.replace('.schema.json', ''));

  test.each(names)('has a sample that its schema admits: %s', (name) => {
    expect(problemsOf(read(`${name}.json`))).toEqual([]);
  });

  test('has a schema and a sample, and nothing else is beside them', () => {
    const files = names.flatMap((name) => [`${name}.json`, `${name}.schema.json`]);
    expect(readdirSync(new URL('bus/', events)).map((file) => `bus/${file}`)).toEqual(files.sort());
  });

  test('is admitted by its schema as linkgate publishes it', async () => {
    const { client, sent } = stubSdkClient<EventBridgeClient>();
    const bus = eventBridgeBus(client, 'linkgate-test');
    const records = [
      aRecord({
        endpointId: endpointId(2),
        verdict: aVerdict('accept'),
        pendingEffect: { action: 'accept', attempts: 1 },
      }),
    ];
    const env = createTestEnv({ services: [aService()], records });
    await detectChanges([aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })], {
      ...env.deps,
      bus,
    });
    const changes = [
      recordItem(aRecord({ verdict: aVerdict('ask', { until: noon.toISOString() }) })),
      serviceItem(aService({ drift: [{ check: 'tag-is-missing', detail: 'no tag' }] })),
    ];
    await publishDomainEvents(
      changes.map((after) => ({ before: undefined, after })),
      { ...env.deps, bus },
    );
    const published = sent.flatMap(({ input }) =>
      (input as { Entries: Entry[] }).Entries.map(createDeliveredEvent),
    );
    expect(published.map((event) => event['detail-type'])).toEqual([
      'Connection Request',
      'Connection Changed',
      'Connection Waiting',
      'Service Drifted',
    ]);
    expect(published.flatMap(problemsOf)).toEqual([]);
  });
});

interface Entry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
  readonly Resources: readonly string[];
}

/** Creates the event that EventBridge delivers for an entry. */
function createDeliveredEvent({ Source, DetailType, Detail, Resources }: Entry) {
  return {
    version: '0',
    id: '1',
    source: Source,
    'detail-type': DetailType,
    account: hub.accountId,
    time: '2026-11-21T12:00:00Z',
    region: hub.region,
    resources: Resources,
    detail: JSON.parse(Detail),
  };
}
