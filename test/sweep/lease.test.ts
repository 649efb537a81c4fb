import { expect, test } from '@jest/globals';
import { acquireSweepLease, lastSweepSuccess } from '../../lib/sweep/lease.ts';
import { emptySweep } from '../../lib/sweep/sweep.ts';
import { hub, noon } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const reached = {
  nextToken: 'page-2',
  counts: { ...emptySweep(), described: 1_000, decided: 1 },
};

test('sweeps of another scope or location have their own lease', async () => {
  const { deps } = createTestEnv();
  await acquireSweepLease(hub, 'full', deps);
  expect(await acquireSweepLease(hub, 'pending', deps)).toBeDefined();
  expect(await acquireSweepLease({ ...hub, region: 'eu-west-1' }, 'full', deps)).toBeDefined();
});

test('the next run resumes an unfinished sweep from its checkpoint', async () => {
  const env = createTestEnv();
  await (await acquireSweepLease(hub, 'full', env.deps))?.save(reached, { release: true });
  env.advanceSeconds(1);
  const lease = await acquireSweepLease(hub, 'full', env.deps);
  expect(lease).toMatchObject({ startedAt: noon.toISOString(), checkpoint: reached });
});

test('an unfinished sweep that is older than an hour starts again', async () => {
  const env = createTestEnv();
  await (await acquireSweepLease(hub, 'full', env.deps))?.save(reached, { release: true });
  env.advanceSeconds(3_600);
  const lease = await acquireSweepLease(hub, 'full', env.deps);
  expect(lease?.checkpoint).toBeUndefined();
  expect(lease?.startedAt).toBe(env.time.toISOString());
});

test('the end of the last complete sweep stays recorded while the next one runs', async () => {
  const env = createTestEnv();
  expect(await lastSweepSuccess(hub, 'full', env.deps)).toBeUndefined();
  const first = await acquireSweepLease(hub, 'full', env.deps);
  expect(await lastSweepSuccess(hub, 'full', env.deps)).toBeUndefined();
  await first?.release();
  env.advanceSeconds(60);
  await acquireSweepLease(hub, 'full', env.deps);
  expect(await lastSweepSuccess(hub, 'full', env.deps)).toBe(noon.toISOString());
});
