import { expect, test } from '@jest/globals';
import { applyVerdicts } from '../../../lib/reconcile/apply-verdicts.ts';
import { sweepConnections } from '../../../lib/sweep/sweep-connections.ts';
import { endpointId, hub } from '../../builders.ts';
import { createCrashingProcess, forEachCallSite } from '../../doubles/crash-injection.ts';
import {
  advanceAndSweep,
  createConnections,
  createRevocationTestEnv,
  hour,
  processQueues,
  removeConsumerEntry,
  sweep,
} from './fixtures.ts';

const connections = createConnections(7);

/** Seven connections whose grace period is over: two more than the disconnect quota. */
async function overdue() {
  const env = await createRevocationTestEnv({ connections });
  await removeConsumerEntry(env);
  env.advanceSeconds(72 * hour);
  return env;
}

test('after a crash at any call, due connections are disconnected up to the disconnect quota, and the others await approval', async () => {
  const kills = await forEachCallSite(async (nth, moment) => {
    const env = await overdue();
    const { wrapCall, crashingTable, hasCrashed } = createCrashingProcess(nth, moment);
    const { deps, ec2 } = env;
    const dead = {
      ...deps,
      table: crashingTable(deps.table),
      bus: { publish: wrapCall(deps.bus.publish) },
      applyQueue: { enqueue: wrapCall(deps.applyQueue.enqueue) },
      connectionsClient: () => ({ ...ec2, page: wrapCall(ec2.page), reject: wrapCall(ec2.reject) }),
    };
    await sweepConnections(hub, 'pending', dead).catch(() => {});
    if (!hasCrashed()) {
      // The sweep succeeded. apply-verdicts comes next.
      env.remainingMs = 75_000;
      await settleDecisions(env);
      await applyVerdicts(hub, dead).catch(() => {});
    }
    for (const minutes of [5, 10]) {
      env.advanceSeconds(minutes * 60);
      await sweep(env, 'pending').catch(() => {});
    }
    await sweep(env, 'full');
    await advanceAndSweep(60, env);
    const states = connections.map(({ endpointId: id }) => ec2.state(id));
    expect(states.filter((state) => state === 'rejected')).toHaveLength(5);
    const records = await Promise.all(connections.map(({ endpointId: id }) => env.record(id)));
    expect(records.filter((record) => record?.verdict?.outcome === 'ask')).toHaveLength(2);
    expect(records.every((record) => !record?.pendingEffect)).toBe(true);
    return hasCrashed();
  });
  expect(kills).toBeGreaterThan(20);
});

/** Decides what the sweep published, without a message to apply-verdicts. */
async function settleDecisions(env: Awaited<ReturnType<typeof overdue>>): Promise<void> {
  const { applyQueue } = env.deps;
  env.deps.applyQueue = { enqueue: async () => {} };
  await processQueues(env);
  env.deps.applyQueue = applyQueue;
}

test('a run that crashed after it reserved the disconnect quota does not use it up twice', async () => {
  const env = await overdue();
  const { ec2 } = env;
  ec2.respond = () => {
    throw new Error('killed');
  };
  await sweep(env, 'pending');
  ec2.respond = (_call, take) => take();
  await advanceAndSweep(3_600, env);
  const disconnected = connections.filter(({ endpointId: id }) => ec2.state(id) === 'rejected');
  expect(disconnected.map(({ endpointId: id }) => id)).toEqual([1, 2, 3, 4, 5].map(endpointId));
});
