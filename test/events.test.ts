import { readdirSync, readFileSync } from 'node:fs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { announce, type Change } from '../lib/announcement/announce.ts';
import { BusMessage } from '../lib/connection/connection-event.ts';
import { serviceIdsIn } from '../lib/connection/connection-notification.ts';
import { Endpoint, endpointToTellOf } from '../lib/customer/untold.ts';
import { Place } from '../lib/place.ts';
import { scopeOf } from '../lib/policy/review-requests.ts';
import { Pass } from '../lib/sweep/lease.ts';
import { SweepRequest } from '../lib/sweep/sweeps.ts';
import type { Item } from '../lib/table/table.ts';
import { Subject } from '../lib/telling/notice.ts';
import { aService, consumer, endpointId, serviceId } from './builders.ts';
import { aWorld } from './doubles/world.ts';

const events = new URL('../events/', import.meta.url);

// A sample is whatever its source sends: each test names what it reads.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Sample = any;

function sample(path: string): Sample {
  return JSON.parse(readFileSync(new URL(`${path}.json`, events), 'utf8'));
}

function namesIn(folder: string): string[] {
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
  ['tend-connection', BusMessage],
  ['apply-verdicts', v.object({ place: Place })],
  ['notify-approvers', Subject],
] as const)('%s', (folder, schema) => {
  test.each(namesIn(folder))('reads what it is sent, unless that is malformed: %s', (name) => {
    for (const { body } of sample(`${folder}/${name}`).Records)
      expect(v.is(schema, JSON.parse(body))).toBe(name !== 'malformed');
  });
});

test.each(namesIn('sweep-connections'))('sweep-connections reads what it is sent: %s', (name) => {
  const event = sample(`sweep-connections/${name}`);
  const isRead = event.Records
    ? v.is(SweepRequest, JSON.parse(event.Records[0].body))
    : v.is(v.object({ pass: Pass }), event);
  expect(isRead).toBe(true);
});

test.each([
  ['acceptance-switched-off', [serviceId(1)]],
  ['principals-changed', [serviceId(1)]],
  ['notification-created', [serviceId(1)]],
  ['notification-deleted', []],
  ['tag-removed', [serviceId(1)]],
])('check-service is told of the services that an event names: %s', (name, named) => {
  expect(serviceIdsIn(sample(`check-service/${name}`).Records[0].body)).toEqual(named);
});

test.each([
  ['entry-added', { serviceId: serviceId(1), ownerAccountId: consumer }],
  ['entry-blocks', { serviceId: serviceId(1), ownerAccountId: consumer }],
  ['entry-removed', { serviceId: serviceId(1), ownerAccountId: consumer }],
  ['service-registered', { serviceId: serviceId(1) }],
  ['service-checked', undefined],
  ['service-drifted', undefined],
  ['request-waits', undefined],
])('on-record-changed is told whose requests a change concerns: %s', (name, scope) => {
  const { before, after } = changeIn(name);
  expect(scopeOf(before, after)).toEqual(scope);
});

test.each([
  ['request-waits', ['Connection Waiting']],
  ['service-drifted', ['Service Drifted']],
  ['service-checked', []],
  ['service-registered', []],
  ['entry-added', []],
])('on-record-changed is told what is to be announced: %s', async (name, types) => {
  const world = aWorld({ services: [aService()] });
  const announced: string[] = [];
  await announce([changeIn(name)], {
    ...world.deps,
    bus: { publish: async (events) => void announced.push(...events.map(({ type }) => type)) },
  });
  expect(announced).toEqual(types);
  expect(world.errors).toEqual([]);
});

test.each([
  ['request-waits', { endpointId: endpointId(1), ownerAccountId: consumer }],
  ['became-available', { endpointId: endpointId(1), ownerAccountId: consumer }],
  ['nothing-new', undefined],
])('notify-consumers is told which endpoint a change may be news of: %s', (name, endpoint) => {
  const { before, after } = changeIn(name, 'notify-consumers');
  expect(endpointToTellOf(before, after)).toEqual(endpoint);
});

test.each([
  ['left-untold', true],
  ['malformed', false],
])('notify-consumers reads what the sweep sends it: %s', (name, isRead) => {
  const [{ body }] = sample(`notify-consumers/${name}`).Records;
  expect(v.is(v.pipe(v.string(), v.parseJson(), Endpoint), body)).toBe(isRead);
});

function changeIn(name: string, folder = 'on-record-changed'): Change {
  const { OldImage, NewImage } = sample(`${folder}/${name}`).Records[0].dynamodb;
  const itemOf = (image: Sample) => image && (unmarshall(image) as Item);
  return { before: itemOf(OldImage), after: itemOf(NewImage) };
}
