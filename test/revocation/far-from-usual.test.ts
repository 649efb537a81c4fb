import { describe, expect, test } from '@jest/globals';
import { removeEntry } from '../../lib/allowlist/entries.ts';
import { entryItem, everyService } from '../../lib/allowlist/entry.ts';
import { decideByPerson } from '../../lib/approval/decide-by-person.ts';
import { isOpen, recordItem } from '../../lib/connection/connection-record.ts';
import { type ReadMode, switchedItem } from '../../lib/mode/mode.ts';
import { sayOfLive } from '../../lib/revocation/by-person.ts';
import { serviceItem, serviceKey } from '../../lib/service/service.ts';
import {
  aConnection,
  alice,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aSwitch,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../builders.ts';
import type { World } from '../doubles/world.ts';
import { aHouse, day, endpoints, forget, hour, later, pass, policyChanged, settle } from './house.ts';

const stateOf = ({ ec2 }: World, number = 1) => ec2.state(endpointId(number));
const older = { state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' } as const;

async function put(world: World, entry: Parameters<typeof anEntry>[0]): Promise<void> {
  world.put(entryItem(anEntry({ version: 2, changedAt: world.time.toISOString(), ...entry })));
  await policyChanged(world);
}

function switchTo(world: World, mode: 'act' | 'observe', revision: number): void {
  world.mode = mode;
  world.put(
    switchedItem(aSwitch({ mode, since: world.time.toISOString(), revision, version: revision + 1 })),
  );
}

test('an entry at every service that counts fewer has the last to come cut', async () => {
  const entry = anEntry({ serviceId: everyService, maxEndpoints: 3 });
  const world = await aHouse({ entries: [entry], connections: endpoints(3) });
  world.put(entryItem({ ...entry, maxEndpoints: 1, version: 2 }));
  await policyChanged(world);
  await later(72 * hour, world);
  expect([1, 2, 3].map((number) => stateOf(world, number))).toEqual(['pending', 'rejected', 'rejected']);
});

describe('a cut that was put off', () => {
  const inAYear = secondsAfterNoon(300 * day).toISOString();
  const keep = { action: 'keep', by: alice, reason: 'they are moving', until: inAYear } as const;

  test('and then called off does not put the next one off', async () => {
    const world = await aHouse();
    await forget(world);
    await sayOfLive(endpointId(1), keep, world.deps);
    await put(world, {});
    world.wait(30 * day);
    await forget(world);
    await later(72 * hour, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('has people reminded again before it comes', async () => {
    const world = await aHouse();
    await forget(world);
    const record = await world.record(endpointId(1));
    if (!record?.asking) throw new Error('nobody was asked');
    world.put(recordItem({ ...record, asking: { ...record.asking, stage: 'escalated' } }));
    await sayOfLive(endpointId(1), keep, world.deps);
    await settle(world);
    expect(await world.record(endpointId(1))).toMatchObject({
      asking: { stage: 'asked', deadline: inAYear, version: record.asking.version },
    });
  });
});

describe('what is commanded in the mode observe', () => {
  test.each([
    ['a block', (world: World) => put(world, { effect: 'block' })],
    [
      'a revocation',
      (world: World) => sayOfLive(endpointId(1), { action: 'revoke', by: alice, now: true }, world.deps),
    ],
  ])('%s is carried out as soon as linkgate acts', async (_what, command) => {
    const world = await aHouse();
    switchTo(world, 'observe', 0);
    await command(world);
    await settle(world);
    expect(stateOf(world)).toBe('pending');
    switchTo(world, 'act', 1);
    await pass(world, 'full');
    expect(stateOf(world)).toBe('rejected');
  });
});

test('what was announced before the mode was switched by hand is announced anew', async () => {
  const world = await aHouse();
  await forget(world);
  world.wait(72 * hour);
  const switchedAt = new Date(world.time.getTime() - 60_000);
  const mode: ReadMode = async (since) => (since && since < switchedAt ? 'observe' : 'act');
  Object.assign(world.deps, { mode });
  await pass(world, 'full');
  expect(stateOf(world)).toBe('pending');
  const cutAt = new Date(world.time.getTime() + 72 * hour * 1000).toISOString();
  expect(await world.record(endpointId(1))).toMatchObject({ revocation: { cutAt } });
});

test('nobody is asked about a block, not even about one from before this table was in place', async () => {
  const block = anEntry({ effect: 'block', changedAt: '2026-10-01T00:00:00.000Z' });
  const world = await aHouse({ entries: [block], connections: [aConnection(older)] });
  await pass(world, 'full');
  const record = await world.record(endpointId(1));
  expect(record).toMatchObject({ revocation: { cause: 'policy' } });
  expect(record && isOpen(record)).toBe(false);
  const word = { by: alice, decision: 'approve' } as const;
  expect(await decideByPerson(endpointId(1), word, world.deps)).toMatchObject({ status: 'not-open' });
});

test('a block reaches what linkgate has not looked at yet', async () => {
  const world = await aHouse({ entries: [], connections: [] });
  world.ec2.show(aConnection(older));
  await put(world, { effect: 'block' });
  expect(stateOf(world)).toBe('rejected');
});

test('what a policy endorsed is not adopted as somebody else’s, whatever was decided in the mode observe', async () => {
  const world = await aHouse({ services: [aService({ onForeign: 'adopt' })], connections: [] });
  world.ec2.show(aConnection({ state: 'available' }));
  await pass(world, 'full');
  switchTo(world, 'observe', 0);
  await forget(world);
  switchTo(world, 'act', 1);
  await pass(world, 'full');
  expect(await world.record(endpointId(1))).toMatchObject({ revocation: { cause: 'policy' } });
});

describe('a service that is not registered', () => {
  test('has nothing revoked, now or when it is registered again', async () => {
    const world = await aHouse();
    await world.table.write([{ remove: serviceKey(aService().serviceId) }]);
    const revoke = { action: 'revoke', by: alice, now: true } as const;
    expect(await sayOfLive(endpointId(1), revoke, world.deps)).toEqual({ status: 'unknown' });
    world.put(serviceItem(aService({ registeredAt: world.time.toISOString(), revision: 2 })));
    await policyChanged(world);
    expect(stateOf(world)).toBe('pending');
  });

  test('and is registered again has what lived by then left alone, though its entry went meanwhile', async () => {
    const world = await aHouse();
    await world.table.write([{ remove: serviceKey(aService().serviceId) }]);
    await removeEntry({ serviceId: aService().serviceId, accountId: consumer }, world.deps);
    world.wait(day);
    world.put(serviceItem(aService({ registeredAt: world.time.toISOString(), revision: 2 })));
    await policyChanged(world);
    await later(100 * hour, world);
    await pass(world, 'full');
    expect(stateOf(world)).toBe('pending');
  });
});

test('a denial of the request is no denial of the connection that somebody made of it', async () => {
  const denied = aRecord({
    state: 'available',
    approval: anApproval({ decision: 'deny', at: noon.toISOString() }),
    verdict: aVerdict('reject'),
  });
  const world = await aHouse({ entries: [], connections: [], records: [denied] });
  world.put(recordItem(denied));
  world.ec2.show(aConnection({ state: 'available' }));
  await pass(world, 'full');
  await later(100 * hour, world);
  expect(stateOf(world)).toBe('available');
  const record = await world.record(endpointId(1));
  expect(record && isOpen(record)).toBe(true);
});
