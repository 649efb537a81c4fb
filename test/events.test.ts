import { readdirSync, readFileSync } from 'node:fs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { BusMessage } from '../lib/connections/connection-event.ts';
import { selectChangedTarget } from '../lib/customer-notifications/due-events.ts';
import { publishDomainEvents } from '../lib/events/publish-changes.ts';
import { AccountRegion } from '../lib/locations/account-region.ts';
import { NotificationTarget } from '../lib/outbox/notification.ts';
import { findServiceIds } from '../lib/reconcile/connection-notification.ts';
import { affectedScope } from '../lib/reconcile/reevaluate.ts';
import type { Item, TableChange } from '../lib/storage/table.ts';
import { SweepScope } from '../lib/sweep/sweep.ts';
import { SweepRequest } from '../lib/sweep/sweep-queue.ts';
import { aService, consumer, endpointId, serviceId } from './builders.ts';
import { createTestEnv } from './doubles/test-env.ts';

const events = new URL('../events/', import.meta.url);

// Samples have no common shape: each test knows the fields that it reads.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Sample = any;

function sample(path: string): Sample {
  return JSON.parse(readFileSync(new URL(`${path}.json`, events), 'utf8'));
}

function listSamples(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, events)).map((file) => file.replace(/\.json$/, ''));
}

test('each function has samples, and each folder of samples a function', () => {
  const isFolder = (name: string) => !name.includes('.');
  const functions = readdirSync(new URL('../functions/', import.meta.url)).map((file) =>
    file.replace(/\.ts$/, ''),
  );
  expect(readdirSync(events).filter(isFolder).sort()).toEqual(['bus', ...functions].sort());
});

describe.each([
  ['decide-connections', BusMessage],
  ['record-connection-state', BusMessage],
  ['apply-verdicts', v.object({ location: AccountRegion })],
  ['notify-approvers', NotificationTarget],
] as const)('%s', (folder, schema) => {
  test.each(listSamples(folder))('parses its messages, unless they are malformed: %s', (name) => {
    for (const { body } of sample(`${folder}/${name}`).Records)
      expect(v.is(schema, JSON.parse(body))).toBe(name !== 'malformed');
  });
});

test.each(listSamples('sweep-connections'))('sweep-connections parses its events: %s', (name) => {
  const event = sample(`sweep-connections/${name}`);
  const isRead = event.Records
    ? v.is(SweepRequest, JSON.parse(event.Records[0].body))
    : v.is(v.object({ scope: SweepScope }), event);
  expect(isRead).toBe(true);
});

test.each([
  ['acceptance-switched-off', [serviceId(1)]],
  ['principals-changed', [serviceId(1)]],
  ['notification-created', [serviceId(1)]],
  ['notification-deleted', []],
  ['tag-removed', [serviceId(1)]],
])('check-service checks the services that an event names: %s', (name, serviceIds) => {
  expect(findServiceIds(sample(`check-service/${name}`).Records[0].body)).toEqual(serviceIds);
});

test.each([
  ['entry-added', { serviceId: serviceId(1), ownerAccountId: consumer }],
  ['entry-blocks', { serviceId: serviceId(1), ownerAccountId: consumer }],
  ['entry-removed', { serviceId: serviceId(1), ownerAccountId: consumer }],
  ['service-registered', { serviceId: serviceId(1) }],
  ['service-checked', undefined],
  ['service-drifted', undefined],
  ['request-waits', undefined],
])('on-table-stream selects the requests that a change affects: %s', (name, scope) => {
  const { before, after } = readChange(name);
  expect(affectedScope(before, after)).toEqual(scope);
});

test.each([
  ['request-waits', ['Connection Waiting']],
  ['service-drifted', ['Service Drifted']],
  ['service-checked', []],
  ['service-registered', []],
  ['entry-added', []],
])('on-table-stream publishes the events of a change: %s', async (name, types) => {
  const env = createTestEnv({ services: [aService()] });
  const announced: string[] = [];
  await publishDomainEvents([readChange(name)], {
    ...env.deps,
    bus: { publish: async (events) => void announced.push(...events.map(({ type }) => type)) },
  });
  expect(announced).toEqual(types);
  expect(env.errors).toEqual([]);
});

test.each([
  ['request-waits', { kind: 'customer-event', id: `${consumer}#${endpointId(1)}` }],
  ['became-available', { kind: 'customer-event', id: `${consumer}#${endpointId(1)}` }],
  ['nothing-new', undefined],
])('notify-customers selects the endpoint that a change is about: %s', (name, target) => {
  expect(selectChangedTarget(readChange(name, 'notify-customers'))).toEqual(target);
});

test.each([
  ['backfill', true],
  ['malformed', false],
])('notify-customers parses the messages of the sweep: %s', (name, isRead) => {
  const [{ body }] = sample(`notify-customers/${name}`).Records;
  expect(v.is(v.pipe(v.string(), v.parseJson(), NotificationTarget), body)).toBe(isRead);
});

function readChange(name: string, folder = 'on-table-stream'): TableChange {
  const { OldImage, NewImage } = sample(`${folder}/${name}`).Records[0].dynamodb;
  const parseImage = (image: Sample) => image && (unmarshall(image) as Item);
  return { before: parseImage(OldImage), after: parseImage(NewImage) };
}
