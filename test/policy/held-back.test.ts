import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { submitDecision } from '../../lib/approvals/submit-decision.ts';
import {
  type EndpointQuota,
  endpointQuotaKey,
  quotaWrite,
  readEndpointQuota,
} from '../../lib/policy/endpoint-quota.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../lib/reconcile/detect-changes.ts';
import { affectedScope, reevaluateConnections } from '../../lib/reconcile/reevaluate.ts';
import { serviceItem } from '../../lib/services/service.ts';
import {
  aConnection,
  alice,
  anEntry,
  aRequest,
  aService,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { createRevocationTestEnv, pass, settle } from './connected/fixtures.ts';

const [first, second, third, fourth] = [made(1), made(2), made(3), made(4)];

function made(number: number) {
  return aConnection({ endpointId: endpointId(number), requestedAt: secondsAfterNoon(number).toISOString() });
}

/** The first endpoint is connected; of those after it none is let in while it is. */
async function aFullHouse({ maxEndpoints = 1, waiting = [second, third] } = {}): Promise<TestEnv> {
  const world = await createRevocationTestEnv({ entries: [anEntry({ maxEndpoints })], connections: [first] });
  for (const connection of waiting) {
    world.ec2.show(connection);
    world.wait(1);
    await pass(world, 'pending');
  }
  return world;
}

/** Its deletion rings, and that is written down. */
async function deleted(world: TestEnv, connection = first) {
  const gone = { ...connection, state: 'deleted' } as const;
  world.ec2.show(gone);
  await detectChanges([gone], world.deps);
  await settle(world);
}

function connected(world: TestEnv): string[] {
  return [first, second, third, fourth]
    .map(({ endpointId: id }) => id)
    .filter((id) => isConnected(world.ec2.state(id) ?? 'deleted'));
}

async function countedIn(world: TestEnv): Promise<EndpointQuota> {
  const [item] = await world.table.get([endpointQuotaKey(aRequest())]);
  if (!item) throw new Error('nothing counts');
  return readEndpointQuota(item);
}

describe('an endpoint that was made before the one that it replaces was deleted', () => {
  test('is let in with the next pass over what is pending', async () => {
    const world = await aFullHouse({ waiting: [second] });
    await deleted(world);
    expect(connected(world)).toEqual([]);
    await pass(world, 'pending');
    expect(connected(world)).toEqual([second.endpointId]);
    expect(await world.actions(second.endpointId)).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
      'applying',
      'applied',
    ]);
  });

  test('is let in as soon as the set of those that count has changed', async () => {
    const world = await aFullHouse({ waiting: [second] });
    await deleted(world);
    await reevaluateConnections({ serviceId: serviceId(1), ownerAccountId: consumer }, world.deps);
    await settle(world);
    expect(connected(world)).toEqual([second.endpointId]);
  });

  test('is let in by the full pass that misses the other one, where nothing told of its deletion', async () => {
    const world = await aFullHouse({ waiting: [second] });
    world.ec2.forget(first.endpointId);
    world.wait(600);
    await pass(world, 'full');
    expect(connected(world)).toEqual([second.endpointId]);
  });

  test('is let in when the other one is rejected, too', async () => {
    const world = await aFullHouse({ waiting: [second] });
    world.ec2.show({ ...first, state: 'rejected' });
    await pass(world, 'full');
    await pass(world, 'pending');
    expect(connected(world)).toEqual([second.endpointId]);
  });
});

describe('of several that wait for an endpoint to end', () => {
  test('the first to ask is let in, whoever is decided first', async () => {
    const world = await aFullHouse();
    await deleted(world);
    await decideConnections([third], world.deps);
    await decideConnections([second], world.deps);
    await settle(world);
    expect(connected(world)).toEqual([second.endpointId]);
    expect((await world.record(third.endpointId))?.verdict).toMatchObject({ outcome: 'ask' });
  });

  test('each is let in as there is room', async () => {
    const world = await aFullHouse();
    await deleted(world);
    await pass(world, 'pending');
    await deleted(world, second);
    await pass(world, 'pending');
    expect(connected(world)).toEqual([third.endpointId]);
  });

  test('the first ones are let in where their entry counts more from now on', async () => {
    const world = await aFullHouse({ waiting: [second, third, fourth] });
    world.put(entryItem(anEntry({ maxEndpoints: 3, version: 2 })));
    for (const request of [fourth, third, second]) await decideConnections([request], world.deps);
    await pass(world, 'full');
    expect(connected(world)).toEqual([first, second, third].map(({ endpointId: id }) => id));
  });

  test('none is overtaken by one that asks after the endpoint has ended', async () => {
    const world = await aFullHouse({ waiting: [second] });
    await deleted(world);
    world.ec2.show(third);
    await decideConnections([third], world.deps);
    expect((await world.record(third.endpointId))?.verdict).toMatchObject({ outcome: 'ask' });
    await pass(world, 'pending');
    expect(connected(world)).toEqual([second.endpointId]);
  });

  test('one that a person let in before its turn is waited for no longer', async () => {
    const world = await aFullHouse();
    await submitDecision(second.endpointId, { decision: 'approve', by: alice }, world.deps);
    await pass(world, 'pending');
    expect((await countedIn(world)).heldBack).toMatchObject([{ endpointId: third.endpointId }]);
    await deleted(world);
    await deleted(world, second);
    await pass(world, 'pending');
    expect(connected(world)).toEqual([third.endpointId]);
  });

  test.each([
    [
      'was denied',
      (world: TestEnv) =>
        submitDecision(second.endpointId, { decision: 'deny', by: alice, reason: 'no' }, world.deps),
    ],
    ['was deleted', (world: TestEnv) => deleted(world, second)],
  ])('one that %s keeps none after it waiting', async (_what, leaves) => {
    const world = await aFullHouse();
    await leaves(world);
    await settle(world);
    await deleted(world);
    await pass(world, 'pending');
    expect(connected(world)).toEqual([third.endpointId]);
  });

  test('one that went unheard keeps none after it waiting for longer than a full pass', async () => {
    const world = await aFullHouse();
    world.ec2.forget(second.endpointId);
    await deleted(world);
    await pass(world, 'pending');
    expect(connected(world)).toEqual([]);
    world.wait(600);
    await pass(world, 'full');
    expect(connected(world)).toEqual([third.endpointId]);
  });

  test('one is decided once, however often it is told of while there is no room', async () => {
    const world = await aFullHouse({ waiting: [second] });
    await decideConnections([second, second], world.deps);
    await pass(world, 'full');
    expect(await world.actions(second.endpointId)).toEqual(['requested', 'decided', 'approval-requested']);
  });

  test('each waits while its service is paused', async () => {
    const world = await aFullHouse({ waiting: [second] });
    const paused = aService({ pausedAt: noon.toISOString(), pausedBy: alice, policyRevision: 2, version: 2 });
    world.put(serviceItem(paused));
    await deleted(world);
    await pass(world, 'full');
    expect(connected(world)).toEqual([]);
  });
});

test('a set that lost who waits is made whole by a full pass', async () => {
  const world = await aFullHouse();
  const { heldBack, ...kept } = await countedIn(world);
  await world.table.write([quotaWrite(aRequest(), kept, kept)]);
  await pass(world, 'full');
  expect((await countedIn(world)).heldBack).toEqual(heldBack);
});

describe('the change of the set of those that count', () => {
  const kept = {
    serviceId: serviceId(1),
    accountId: consumer,
    endpointIds: [first.endpointId],
    entryVersion: 1,
    version: 1,
  };
  const { endpointId: id, requestedAt } = second;
  const heldBack = [{ endpointId: id, requestedAt }];
  const itemOf = (counted: EndpointQuota) => {
    const write = quotaWrite(aRequest(), counted, counted);
    return 'put' in write ? write.put : undefined;
  };

  test('concerns those who wait, where one that came before them left it', () => {
    const scope = { serviceId: serviceId(1), ownerAccountId: consumer };
    expect(
      affectedScope(itemOf({ ...kept, heldBack }), itemOf({ ...kept, endpointIds: [], heldBack })),
    ).toEqual(scope);
  });

  test.each([
    ['nobody waits', kept, { ...kept, endpointIds: [] }],
    [
      'one came',
      { ...kept, heldBack },
      { ...kept, endpointIds: [first.endpointId, third.endpointId], heldBack },
    ],
    ['one goes on to wait', kept, { ...kept, heldBack }],
    [
      'one that waited counts',
      { ...kept, endpointIds: [], heldBack },
      { ...kept, endpointIds: [id], heldBack: [] },
    ],
  ])('concerns nobody where %s', (_what, before, after) => {
    expect(affectedScope(itemOf(before), itemOf(after))).toBeUndefined();
  });

  test('concerns nobody where it is new', () => {
    expect(affectedScope(undefined, itemOf({ ...kept, heldBack }))).toBeUndefined();
  });
});
