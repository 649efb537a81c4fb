import { beforeEach, expect, test } from '@jest/globals';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import { runSweep } from '../../lib/sweep/run-sweep.ts';
import { emptySweep, type SweepResult, type SweepStep } from '../../lib/sweep/sweep.ts';
import { hub } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

let env: TestEnv;
let calls: string[];
/** What a run meets at its next call of each name. */
let onCall: Map<string, () => void>;
let remainingMs: number;

beforeEach(() => {
  env = createTestEnv();
  calls = [];
  onCall = new Map();
  remainingMs = 60_000;
});

function record(call: string, counts: Partial<SweepResult> = {}) {
  calls.push(call);
  onCall.get(call)?.();
  return counts;
}

const steps: SweepStep[] = [
  {
    start: async () => record('a starts', { decided: 1 }),
    onPage: async () => record('a reads', { described: 10 }),
    finish: async () => record('a finishes'),
  },
  {
    onPage: async () => record('b reads', { waiting: 1 }),
    finish: async () => record('b finishes', { ended: 1 }),
  },
];

/** Runs one sweep of three pages. */
async function run() {
  const lease = await acquireSweepLease(hub, 'full', env.deps);
  if (!lease) return 'leased';
  return runSweep(lease, {
    steps,
    remainingMs: () => remainingMs,
    async readPage(token = 'page-1') {
      record(token);
      const nextToken = { 'page-1': 'page-2', 'page-2': 'page-3' }[token];
      return { connections: [], unreadableIds: [], records: [], nextToken };
    },
  });
}

const readPage = (page: number) => [`page-${page}`, 'a reads', 'b reads'];
const whole = { ...emptySweep(), decided: 1, described: 30, waiting: 3, ended: 1 };

test('each step starts, reads each page in order, and finishes; their counts add up', async () => {
  expect(await run()).toEqual(whole);
  expect(calls).toEqual(['a starts', ...[1, 2, 3].flatMap(readPage), 'a finishes', 'b finishes']);
});

test('a run without time left stops after its page, and the next run resumes with the counts of both', async () => {
  remainingMs = 9_000;
  expect(await run()).toBeUndefined();
  expect(calls).toEqual(['a starts', ...readPage(1)]);
  remainingMs = 60_000;
  expect(await run()).toEqual(whole);
  expect(calls.slice(4)).toEqual([...[2, 3].flatMap(readPage), 'a finishes', 'b finishes']);
});

test.each(['a starts', 'page-2', 'a reads', 'b reads', 'a finishes', 'b finishes'])(
  'a run that crashes at "%s" holds the lease for less than a minute, and the next run ends the sweep',
  async (call) => {
    onCall.set(call, () => {
      onCall.clear();
      throw new Error('crash');
    });
    await expect(run()).rejects.toThrow('crash');
    expect(await run()).toBe('leased');
    env.advanceSeconds(60);
    expect(await run()).toMatchObject({ described: 30, ended: 1 });
    expect(new Set(calls)).toEqual(
      new Set(['a starts', ...[1, 2, 3].flatMap(readPage), 'a finishes', 'b finishes']),
    );
  },
);

test('an expired page token restarts the sweep at the first page', async () => {
  onCall.set('page-3', () => {
    onCall.clear();
    throw new ExpiredTokenError();
  });
  expect(await run()).toMatchObject({ described: 30, waiting: 3 });
});

test('an expired token at the first page is an error', async () => {
  onCall.set('page-1', () => {
    throw new ExpiredTokenError();
  });
  await expect(run()).rejects.toThrow(ExpiredTokenError);
});
