import { expect, test } from '@jest/globals';
import { applyVerdicts } from '../../../lib/reconcile/apply-verdicts.ts';
import { sweepConnections } from '../../../lib/sweep/sweep-connections.ts';
import { endpointId, hub } from '../../builders.ts';
import { forEachCallSite, mortal } from '../../doubles/crash-injection.ts';
import { createRevocationTestEnv, endpoints, forget, hour, later, pass, settle } from './fixtures.ts';

const connections = endpoints(7);

/** Seven connections whose grace period is over: two more than the budget has room for. */
async function overdue() {
  const world = await createRevocationTestEnv({ connections });
  await forget(world);
  world.wait(72 * hour);
  return world;
}

test('linkgate may be killed at each call while it cuts: nothing is lost, and nothing is cut beyond the budget', async () => {
  const kills = await forEachCallSite(async (nth, moment) => {
    const world = await overdue();
    const { dying, dyingTable, isKilled } = mortal(nth, moment);
    const { deps, ec2 } = world;
    const dead = {
      ...deps,
      table: dyingTable(deps.table),
      bus: { publish: dying(deps.bus.publish) },
      bell: { enqueue: dying(deps.bell.enqueue) },
      connectionsIn: () => ({ ...ec2, page: dying(ec2.page), reject: dying(ec2.reject) }),
    };
    await sweepConnections(hub, 'pending', dead).catch(() => {});
    if (!isKilled()) {
      // The pass went well, and the actor comes next.
      world.left = 75_000;
      await settleDecisions(world);
      await applyVerdicts(hub, dead).catch(() => {});
    }
    for (const minutes of [5, 10]) {
      world.wait(minutes * 60);
      await pass(world, 'pending').catch(() => {});
    }
    await pass(world, 'full');
    await later(60, world);
    const states = connections.map(({ endpointId: id }) => ec2.state(id));
    expect(states.filter((state) => state === 'rejected')).toHaveLength(5);
    const records = await Promise.all(connections.map(({ endpointId: id }) => world.record(id)));
    expect(records.filter((record) => record?.verdict?.outcome === 'ask')).toHaveLength(2);
    expect(records.every((record) => !record?.effect)).toBe(true);
    return isKilled();
  });
  expect(kills).toBeGreaterThan(20);
});

/** What the pass handed over is decided, and the actor does not hear of it yet. */
async function settleDecisions(world: Awaited<ReturnType<typeof overdue>>): Promise<void> {
  const { bell } = world.deps;
  world.deps.bell = { enqueue: async () => {} };
  await settle(world);
  world.deps.bell = bell;
}

test('what is claimed of the budget by a run that died is not claimed twice', async () => {
  const world = await overdue();
  const { ec2 } = world;
  ec2.answer = () => {
    throw new Error('killed');
  };
  await pass(world, 'pending');
  ec2.answer = (_call, take) => take();
  await later(3_600, world);
  const cut = connections.filter(({ endpointId: id }) => ec2.state(id) === 'rejected');
  expect(cut.map(({ endpointId: id }) => id)).toEqual([1, 2, 3, 4, 5].map(endpointId));
});
