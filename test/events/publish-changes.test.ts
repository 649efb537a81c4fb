import { describe, expect, test } from '@jest/globals';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import { type DomainEvent, publishDomainEvents } from '../../lib/events/publish-changes.ts';
import { type Service, serviceItem } from '../../lib/services/service.ts';
import { UnsupportedSchemaVersionError } from '../../lib/storage/entity.ts';
import type { TableChange } from '../../lib/storage/table.ts';
import {
  aConnection,
  aFinding,
  aRecord,
  aService,
  aVerdict,
  endpointId,
  hub,
  noon,
  serviceId,
} from '../builders.ts';
import { createMemoryItems, memoryTable } from '../doubles/memory-table.ts';

/** Returns the events and errors of `publishDomainEvents` for changes, with these registered services. */
async function publish(changes: readonly TableChange[], services: readonly Service[] = [aService()]) {
  const items = createMemoryItems();
  for (const service of services) items.commit([{ put: serviceItem(service) }]);
  const published: DomainEvent[] = [];
  const errors: unknown[] = [];
  await publishDomainEvents(changes, {
    table: memoryTable(items),
    bus: { publish: async (events) => void published.push(...events) },
    reportError: (error) => void errors.push(error),
  });
  return { published, errors };
}

function recordChange(
  before: Partial<ConnectionRecord> | undefined,
  after: Partial<ConnectionRecord>,
): TableChange {
  return {
    before: before && recordItem(aRecord(before)),
    after: recordItem(aRecord({ version: 2, ...after })),
  };
}

function serviceChange(before: Partial<Service> | undefined, after: Partial<Service>): TableChange {
  return {
    before: before && serviceItem(aService(before)),
    after: serviceItem(aService({ version: 2, ...after })),
  };
}

const ask = aVerdict('ask');
const missing = { check: 'tag-is-missing', detail: 'no tag' } as const;

describe('a request that waits for approval', () => {
  test('is published with its service and verdict', async () => {
    const { published } = await publish([recordChange(undefined, { verdict: ask })]);
    expect(published).toEqual([
      {
        type: 'Connection Waiting',
        deduplicationId: `${endpointId(1)}/2`,
        connection: aConnection(),
        service: { serviceId: serviceId(1), name: 'orders', location: hub, approvers: 'default' },
        verdict: {
          outcome: 'ask',
          findings: [aFinding({ outcome: 'ask' })],
          decidedAt: noon.toISOString(),
        },
      },
    ]);
  });

  test.each([
    ['had no verdict before', {}],
    ['had the verdict accept before, and EC2 had not accepted it', { verdict: aVerdict('accept') }],
    ['was on hold before', { verdict: aVerdict('hold') }],
    ['was recorded as deleted before', { state: 'deleted', verdict: ask, endedAt: noon.toISOString() }],
  ] as const)('is published if it %s', async (_what, before) => {
    const { published } = await publish([recordChange(before, { verdict: ask })]);
    expect(published).toHaveLength(1);
  });

  test.each([
    [
      'it waited for approval before',
      { verdict: ask },
      { verdict: aVerdict('ask', { decidedBy: 'somebody' }) },
    ],
    ['it has the verdict accept now', { verdict: ask }, { verdict: aVerdict('accept') }],
    ['EC2 shows it connected already', undefined, { state: 'available', verdict: ask }],
    ['it has no verdict', undefined, {}],
  ] as const)('is not published if %s', async (_what, before, after) => {
    const { published } = await publish([recordChange(before, after)]);
    expect(published).toEqual([]);
  });

  test('is not published if its service is no longer registered', async () => {
    const { published } = await publish([recordChange(undefined, { verdict: ask })], []);
    expect(published).toEqual([]);
  });

  test('has the same deduplication id if its change is delivered again', async () => {
    const change = recordChange(undefined, { verdict: ask });
    const [first, second] = (await publish([change, change])).published;
    expect(second?.deduplicationId).toBe(first?.deduplicationId);
  });
});

describe('a service', () => {
  test('is published when it drifts, with all its findings', async () => {
    const { published } = await publish([serviceChange({}, { drift: [missing] })]);
    expect(published).toEqual([
      {
        type: 'Service Drifted',
        deduplicationId: `${serviceId(1)}/${aService().checkedAt}`,
        service: { serviceId: serviceId(1), name: 'orders', location: hub, approvers: 'default' },
        drift: [missing],
        checkedAt: aService().checkedAt,
      },
    ]);
  });

  test.each([
    ['its drift was repaired', { drift: [missing] }, {}],
    ['it is registered with drift', undefined, { drift: [missing] }],
    ['its findings change', { drift: [missing] }, { drift: [{ ...missing, detail: 'other' }] }],
  ])('is published if %s', async (_what, before: Partial<Service> | undefined, after: Partial<Service>) => {
    const { published } = await publish([serviceChange(before, after)]);
    expect(published).toHaveLength(1);
  });

  test('has another deduplication id for each check, even if it was registered again', async () => {
    const createCheckedChange = (checkedAt: string) =>
      serviceChange(undefined, { drift: [missing], version: 1, checkedAt });
    const { published } = await publish([
      createCheckedChange('2026-11-20T12:00:00.000Z'),
      createCheckedChange('2026-11-21T12:00:00.000Z'),
    ]);
    expect(new Set(published.map(({ deduplicationId }) => deduplicationId)).size).toBe(2);
  });

  test.each([
    ['has the same drift as before', serviceChange({ drift: [missing] }, { drift: [missing] })],
    ['is registered without drift', serviceChange(undefined, {})],
    ['is deregistered', { before: serviceItem(aService({ drift: [missing] })), after: undefined }],
  ])('is not published if it %s', async (_what, change) => {
    expect((await publish([change])).published).toEqual([]);
  });
});

test('a change of an item that is neither a connection nor a service is not published', async () => {
  const { published } = await publish([{ before: undefined, after: { pk: 'JOB#1', sk: 'JOB', version: 1 } }]);
  expect(published).toEqual([]);
});

test('an item of a newer schema version is reported, and the others are published', async () => {
  const newer = { ...recordItem(aRecord({ verdict: ask })), schemaVersion: '2.0' };
  const { published, errors } = await publish([
    { before: undefined, after: newer },
    recordChange(undefined, { verdict: ask }),
  ]);
  expect(published).toHaveLength(1);
  expect(errors).toEqual([expect.any(UnsupportedSchemaVersionError)]);
});
