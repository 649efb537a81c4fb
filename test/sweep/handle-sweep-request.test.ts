import { describe, expect, test } from '@jest/globals';
import { handleSweepRequest } from '../../lib/sweep/handle-sweep-request.ts';
import { findJob, startJob } from '../../lib/sweep/job.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import type { SweepRequest } from '../../lib/sweep/sweep-queue.ts';
import { alice, aService, hub, noon } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const full = { location: hub, scope: 'full' } as const;
const requestedAtNoon = { ...full, requestedAt: noon.toISOString() };
const ofJob = { ...full, jobId: 'job-1' };

async function createSweepEnv() {
  const env = createTestEnv({ services: [aService()] });
  await startJob('job-1', [hub], alice, env.deps);
  env.advanceSeconds(1);
  const handle = (request: SweepRequest) => handleSweepRequest(request, env.deps);
  return { env, handle };
}

const acquire = ({ deps }: TestEnv) => acquireSweepLease(hub, 'full', deps);

describe('while another sweep runs', () => {
  test.each([
    ['a scheduled request is dropped', full, []],
    [
      'a request with a time is enqueued again after five seconds',
      requestedAtNoon,
      [{ ...requestedAtNoon, afterSeconds: 5 }],
    ],
    ['a request of a job is enqueued again after five seconds', ofJob, [{ ...ofJob, afterSeconds: 5 }]],
  ] as const)('%s', async (_title, request, enqueued) => {
    const { env, handle } = await createSweepEnv();
    await acquire(env);
    expect(await handle(request)).toEqual({ status: 'already-running' });
    expect(env.requestedSweeps).toEqual(enqueued);
  });
});

describe('a second copy of a request', () => {
  test.each([
    ['with a time', requestedAtNoon],
    ['of a job', ofJob],
  ] as const)('%s does not sweep again', async (_title, request) => {
    const { env, handle } = await createSweepEnv();
    expect(await handle(request)).toMatchObject({ status: 'done' });
    const calls = env.ec2.describeCalls.length;
    expect(await handle(request)).toEqual({ status: 'already-done' });
    expect(env.ec2.describeCalls).toHaveLength(calls);
    expect(env.requestedSweeps).toEqual([]);
  });

  test('is enqueued again while a newer sweep runs', async () => {
    const { env, handle } = await createSweepEnv();
    await acquire(env);
    expect(await handle(requestedAtNoon)).toEqual({ status: 'already-running' });
  });
});

test('a request is not served by a sweep that started before it', async () => {
  const { env, handle } = await createSweepEnv();
  const running = await acquire(env);
  const request = { ...full, requestedAt: env.time.toISOString() };
  env.advanceSeconds(1);
  await running?.release();
  expect(await handle(request)).toMatchObject({ status: 'done' });
});

test('a request of a job is served by another sweep if the first one ended without a result', async () => {
  const { env, handle } = await createSweepEnv();
  await (await acquire(env))?.release();
  expect(await handle(ofJob)).toMatchObject({ status: 'done' });
  expect(await findJob('job-1', env.table)).toMatchObject({ status: 'succeeded' });
});

test('a request of an unreadable job is swept, and the unreadable item is reported', async () => {
  const { env, handle } = await createSweepEnv();
  env.put({ pk: 'JOB#job-1', sk: 'JOB', schemaVersion: '2.0', version: 1 });
  expect(await handle(ofJob)).toMatchObject({ status: 'done' });
  expect(env.errors).not.toEqual([]);
});
