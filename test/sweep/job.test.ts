import { expect, test } from '@jest/globals';
import { findJob, finishLocation, jobResult, startJob } from '../../lib/sweep/job.ts';
import { alice, hub, secondsAfterNoon } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const otherLocation = { accountId: '222222222222', region: 'eu-west-1' };
const result = {
  described: 7,
  decided: 6,
  changed: 5,
  waiting: 4,
  unregistered: 3,
  unreadable: 0,
  ended: 2,
  quotasRepaired: 1,
};

test('a job runs until each location has a result, and adds the results up', async () => {
  const { deps, table } = createTestEnv();
  await startJob('job-1', [hub, otherLocation], alice, deps);
  await finishLocation('job-1', hub, result, deps);
  expect(await findJob('job-1', table)).toMatchObject({ status: 'running', startedBy: alice });
  await finishLocation('job-1', otherLocation, result, deps);
  const job = await findJob('job-1', table);
  expect(job).toMatchObject({ status: 'succeeded', finishedAt: secondsAfterNoon(0).toISOString() });
  expect(job && jobResult(job)).toMatchObject({ described: 14, quotasRepaired: 2 });
});

test('a duplicate result of a location is ignored', async () => {
  const { deps, table } = createTestEnv();
  await startJob('job-1', [hub, otherLocation], alice, deps);
  await finishLocation('job-1', hub, result, deps);
  await finishLocation('job-1', hub, { ...result, described: 99 }, deps);
  const job = await findJob('job-1', table);
  expect(job && jobResult(job).described).toBe(7);
});

test('two results that arrive at the same time are both added', async () => {
  const { deps, table } = createTestEnv();
  await startJob('job-1', [hub, otherLocation], alice, deps);
  await Promise.all([hub, otherLocation].map((location) => finishLocation('job-1', location, result, deps)));
  expect(await findJob('job-1', table)).toMatchObject({ status: 'succeeded' });
});

test('a job without locations succeeds at once', async () => {
  expect(await startJob('job-1', [], alice, createTestEnv().deps)).toMatchObject({ status: 'succeeded' });
});

test('a job expires after a day', async () => {
  const { expiresAt } = await startJob('job-1', [], alice, createTestEnv().deps);
  expect(expiresAt * 1000).toBe(secondsAfterNoon(86_400).getTime());
});

test('a result of an expired job is ignored', async () => {
  const { deps, table } = createTestEnv();
  await finishLocation('job-1', hub, result, deps);
  expect(await findJob('job-1', table)).toBeUndefined();
});
