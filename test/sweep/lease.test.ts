import { expect, test } from '@jest/globals';
import { acquireSweepLease, lastSweepSuccess } from '../../lib/sweep/lease.ts';
import { hub, noon } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const reached = {
  nextToken: 'page-2',
  counts: { described: 1_000, decided: 1, changed: 2, waiting: 3, unregistered: 4, unreadable: 0 },
};

test('of two passes of a kind over a place one runs, and the other keeps away', async () => {
  const { deps } = createTestEnv();
  const leases = await Promise.all([
    acquireSweepLease(hub, 'full', deps),
    acquireSweepLease(hub, 'full', deps),
  ]);
  expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
});

test('passes of another kind or over another place do not meet', async () => {
  const { deps } = createTestEnv();
  await acquireSweepLease(hub, 'full', deps);
  expect(await acquireSweepLease(hub, 'pending', deps)).toBeDefined();
  expect(await acquireSweepLease({ ...hub, region: 'eu-west-1' }, 'full', deps)).toBeDefined();
});

test('a pass that ended leaves the next one free to begin', async () => {
  const { deps } = createTestEnv();
  await (await acquireSweepLease(hub, 'full', deps))?.release();
  expect(await acquireSweepLease(hub, 'full', deps)).toBeDefined();
});

test('a run that crashed keeps others away for less than a minute', async () => {
  const env = createTestEnv();
  await acquireSweepLease(hub, 'full', env.deps);
  env.advanceSeconds(49);
  expect(await acquireSweepLease(hub, 'full', env.deps)).toBeUndefined();
  env.advanceSeconds(1);
  expect(await acquireSweepLease(hub, 'full', env.deps)).toBeDefined();
});

test('a run that gives signs of life keeps its lease', async () => {
  const env = createTestEnv();
  const lease = await acquireSweepLease(hub, 'full', env.deps);
  env.advanceSeconds(40);
  await lease?.save(reached, { release: false });
  env.advanceSeconds(40);
  expect(await acquireSweepLease(hub, 'full', env.deps)).toBeUndefined();
});

test('a pass that let go is gone on with where it got to, as the same pass', async () => {
  const env = createTestEnv();
  await (await acquireSweepLease(hub, 'full', env.deps))?.save(reached, { release: true });
  env.advanceSeconds(1);
  const lease = await acquireSweepLease(hub, 'full', env.deps);
  expect(lease).toMatchObject({ startedAt: noon.toISOString(), checkpoint: reached });
});

test('a pass that was left an hour ago is begun anew', async () => {
  const env = createTestEnv();
  await (await acquireSweepLease(hub, 'full', env.deps))?.save(reached, { release: true });
  env.advanceSeconds(3_600);
  const lease = await acquireSweepLease(hub, 'full', env.deps);
  expect(lease?.checkpoint).toBeUndefined();
  expect(lease?.startedAt).toBe(env.time.toISOString());
});

test('when a pass last ended is remembered while the next one runs', async () => {
  const env = createTestEnv();
  expect(await lastSweepSuccess(hub, 'full', env.deps)).toBeUndefined();
  const first = await acquireSweepLease(hub, 'full', env.deps);
  expect(await lastSweepSuccess(hub, 'full', env.deps)).toBeUndefined();
  await first?.release();
  env.advanceSeconds(60);
  await acquireSweepLease(hub, 'full', env.deps);
  expect(await lastSweepSuccess(hub, 'full', env.deps)).toBe(noon.toISOString());
});
