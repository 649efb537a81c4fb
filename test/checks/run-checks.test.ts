import { expect, test } from '@jest/globals';
import { type Check, type CheckOutput, fail, notApplicable, pass, warn } from '../../lib/checks/check.ts';
import { runChecks } from '../../lib/checks/run-checks.ts';
import { createOnce } from '../../lib/values/create-once.ts';

const check = (id: string, run: () => CheckOutput | Promise<CheckOutput>): Check<undefined> => ({
  id,
  title: `${id} holds`,
  run,
});
const named = (name: string, message = 'no') => Object.assign(new Error(message), { name });

function createDeps() {
  const errors: unknown[] = [];
  return { errors, functionName: 'a-function', reportError: (error: unknown) => void errors.push(error) };
}

function gather(...checks: readonly Check<undefined>[]) {
  return Array.fromAsync(runChecks(checks, undefined, createDeps()));
}

test('a check that holds passes with its title', async () => {
  expect(await gather(check('a', () => true))).toEqual([{ checkId: 'a', status: 'PASS', text: 'a holds' }]);
});

test('a check has one result for each of its subjects, and none without subjects', async () => {
  const results = [
    { subject: 'x', ...pass('fine') },
    { subject: 'y', ...fail('broken', 'mend it') },
    { subject: 'z', error: named('TimeoutError', 'too slow') },
  ];
  expect(
    await gather(
      check('a', () => results),
      check('b', () => []),
    ),
  ).toEqual([
    { checkId: 'a', subject: 'x', status: 'PASS', text: 'fine' },
    { checkId: 'a', subject: 'y', status: 'FAIL', severity: 'high', text: 'broken', remedy: 'mend it' },
    {
      checkId: 'a',
      subject: 'z',
      status: 'UNKNOWN',
      text: 'the check failed: TimeoutError: too slow',
      remedy: 'try again; if the check fails again, see the log of a-function',
    },
  ]);
});

test.each([
  ['AccessDeniedException', 'deploy'],
  ['UnauthorizedOperation', 'deploy'],
  ['ThrottlingException', 'try again'],
  ['TimeoutError', 'try again'],
])('a check that throws %s is UNKNOWN and reported, and does not stop the others', async (name, remedy) => {
  const deps = createDeps();
  const error = named(name, 'not authorized to perform: ec2:DescribeSomething');
  const checks = [
    check('async', () => Promise.reject(error)),
    check('sync', () => {
      throw error;
    }),
    check('other', () => warn('late', 'wait')),
  ];
  const unknown = {
    status: 'UNKNOWN',
    text: `the check failed: ${name}: ${error.message}`,
    remedy: expect.stringContaining(remedy),
  };
  expect(await Array.fromAsync(runChecks(checks, undefined, deps))).toEqual([
    { checkId: 'async', ...unknown },
    { checkId: 'sync', ...unknown },
    { checkId: 'other', status: 'FAIL', severity: 'low', text: 'late', remedy: 'wait' },
  ]);
  expect(deps.errors).toEqual([error, error]);
});

test('results keep the order of the checks, of which at most eight run at a time', async () => {
  let [running, most] = [0, 0];
  const ids = Array.from({ length: 20 }, (_, index) => `check-${index}`);
  const checks = ids.map((id, index) =>
    check(id, async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 20 - index));
      running--;
      return notApplicable('nothing to see');
    }),
  );
  expect((await gather(...checks)).map(({ checkId }) => checkId)).toEqual(ids);
  expect(most).toBe(8);
});

test('no further check starts before the results are read', async () => {
  const started: number[] = [];
  const checks = Array.from({ length: 20 }, (_, index) =>
    check(`check-${index}`, () => started.push(index) > 0 || []),
  );
  for await (const { checkId } of runChecks(checks, undefined, createDeps()))
    if (checkId === 'check-1') break;
  expect(started.length).toBeLessThan(10);
});

test('checks share one read, and its error', async () => {
  let reads = 0;
  const read = createOnce(async () => {
    reads++;
    throw named('TimeoutError');
  });
  const reading = () => read().then(() => true as const);
  expect(await gather(check('a', reading), check('b', reading))).toMatchObject([
    { checkId: 'a', status: 'UNKNOWN' },
    { checkId: 'b', status: 'UNKNOWN' },
  ]);
  expect(reads).toBe(1);
});
