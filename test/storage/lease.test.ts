import { beforeEach, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { MalformedItemError, rethrow } from '../../lib/storage/entity.ts';
import { isLeased, lease, leaseEnd, leasePartition } from '../../lib/storage/lease.ts';
import { noon } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const key = { pk: leasePartition, sk: 'count' };
const counting = lease({ count: v.number() }, 60_000);

let env: TestEnv;
beforeEach(() => {
  env = createTestEnv();
});

const acquire = (deps = env.deps) =>
  counting.acquire(key, (before) => ({ count: (before?.count ?? 0) + 1 }), deps);

async function acquired() {
  const { lease: held } = await acquire();
  if (!held) throw new Error('another run holds the lease');
  return held;
}

const write = (...writes: Parameters<typeof env.table.write>[0]) => env.table.write(writes);
const storedItem = async () => (await env.table.get([key]))[0];

describe('a lease', () => {
  test('belongs to one of two concurrent runs, and the other one learns the stored payload', async () => {
    const both = await Promise.all([acquire(), acquire()]);
    expect(both.filter(({ lease: held }) => held)).toHaveLength(1);
    expect(both.find(({ lease: held }) => !held)?.before).toMatchObject({ count: 1 });
  });

  test('belongs to one of two concurrent runs that write without a read', async () => {
    const first = () => counting.acquire(key, () => ({ count: 1 }), env.deps, { isUsuallyNew: true });
    const both = await Promise.all([first(), first()]);
    expect(both.filter(({ lease: held }) => held)).toHaveLength(1);
  });

  test('of a crashed run expires, and the next run continues from its last payload', async () => {
    await acquired();
    env.advanceSeconds(59);
    expect((await acquire()).lease).toBeUndefined();
    env.advanceSeconds(1);
    expect((await acquired()).payload).toEqual({ count: 2 });
  });

  test('is renewed by each write', async () => {
    const held = await acquired();
    env.advanceSeconds(40);
    await write(counting.renew(held, { count: 7 }, env.time).write);
    env.advanceSeconds(40);
    expect((await acquire()).before).toMatchObject({ count: 7 });
  });

  test('is free after its release, and keeps the payload', async () => {
    const held = await acquired();
    await write(counting.release(held, { count: 7 }).write);
    expect(await storedItem()).not.toHaveProperty('leaseUntil');
    expect((await acquired()).payload).toEqual({ count: 8 });
  });

  test('is not acquired if there is nothing to do', async () => {
    expect(await counting.acquire(key, () => undefined, env.deps)).toEqual({});
    expect(await storedItem()).toBeUndefined();
  });

  test('that a later run took over cannot be renewed, released, or used in a transaction', async () => {
    const late = await acquired();
    env.advanceSeconds(60);
    const current = await acquired();
    const other = { pk: 'OTHER', sk: '1', version: 1 };
    expect(await write({ put: other }, counting.renew(late, { count: 9 }, env.time).write)).toBe(false);
    expect(await write(counting.release(late, { count: 9 }).write)).toBe(false);
    expect(await env.table.get([other])).toEqual([]);
    expect(await write(counting.renew(current, { count: 3 }, env.time).write)).toBe(true);
  });

  test.each([{ version: 4 }, { version: 'four' }])(
    'replaces an unreadable item with the attributes %j, and reports it',
    async (attributes) => {
      env.put({ ...key, count: 'many', ...attributes } as never);
      const errors: unknown[] = [];
      const { lease: held } = await acquire({ ...env.deps, reportError: (error) => errors.push(error) });
      expect(held?.payload).toEqual({ count: 1 });
      expect(errors).toEqual([expect.any(MalformedItemError)]);
      await expect(storedItem()).resolves.toMatchObject({ count: 1 });
    },
  );

  test('stays as it is if the caller must not replace an unreadable item', async () => {
    env.put({ ...key, version: 4 });
    await expect(acquire({ ...env.deps, reportError: rethrow })).rejects.toThrow(MalformedItemError);
    expect(await storedItem()).toEqual({ ...key, version: 4 });
  });
});

test('a lease inside another item ends at its time, or with the attribute', () => {
  const item = { leaseUntil: leaseEnd(noon, 1_000) };
  expect(isLeased(item, new Date(noon.getTime() + 999))).toBe(true);
  expect(isLeased(item, new Date(noon.getTime() + 1_000))).toBe(false);
  expect(isLeased({}, noon)).toBe(false);
  expect(isLeased(undefined, noon)).toBe(false);
});
