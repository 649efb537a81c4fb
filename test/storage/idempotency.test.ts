import { beforeEach, describe, expect, test } from '@jest/globals';
import { type IdempotencyRecord, maxRunMs, withIdempotency } from '../../lib/storage/idempotency.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };

let world: TestEnv;
beforeEach(() => {
  world = createTestEnv();
});

const ask = (fingerprint = 'allow') => withIdempotency('a-name', fingerprint, world.deps);

async function claimed(): Promise<Extract<IdempotencyRecord, { status: 'claimed' }>> {
  const result = await ask();
  if (result.status !== 'claimed') throw new Error(`it is ${result.status}`);
  return result;
}

describe('a request under a key', () => {
  test('is carried out by the first who asks, and answered to all who ask again', async () => {
    const { keep } = await claimed();
    await keep(answer);
    expect(await ask()).toEqual({ status: 'answered', answer });
  });

  test('is carried out by one of two who ask at once', async () => {
    const both = await Promise.all([ask(), ask()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['claimed', 'running']);
  });

  test('is told apart from another one, whether it runs or is answered', async () => {
    const { keep } = await claimed();
    expect(await ask('block')).toEqual({ status: 'reused' });
    await keep(answer);
    expect(await ask('block')).toEqual({ status: 'reused' });
  });

  test('may be carried out again once it was let go of, and remembers when it came first', async () => {
    const firstAskedAt = world.time.toISOString();
    const { release } = await claimed();
    await release();
    world.wait(5);
    expect(await claimed()).toMatchObject({ firstAskedAt });
  });

  test('may be carried out again when the run that had it must have died, and not before', async () => {
    const firstAskedAt = world.time.toISOString();
    expect(await claimed()).toMatchObject({ firstAskedAt: undefined });
    world.wait(maxRunMs / 1000 - 1);
    expect(await ask()).toEqual({ status: 'running' });
    world.wait(1);
    expect(await claimed()).toMatchObject({ firstAskedAt });
  });

  test('is answered as the run says that took it over, whatever the one before says late', async () => {
    const late = await claimed();
    world.wait(maxRunMs / 1000);
    const { keep } = await claimed();
    await late.keep({ ...answer, status: 409 });
    expect(await ask()).toEqual({ status: 'running' });
    await keep(answer);
    await late.release();
    expect(await ask()).toEqual({ status: 'answered', answer });
  });

  test('is forgotten after a day, also where the table still has it', async () => {
    const { keep } = await claimed();
    await keep(answer);
    world.wait(86_399);
    expect(await ask()).toMatchObject({ status: 'answered' });
    world.wait(1);
    expect(await ask('block')).toMatchObject({ status: 'claimed', firstAskedAt: undefined });
  });
});

test('a claim vanishes from the table by itself', async () => {
  await claimed();
  const [item] = await world.table.get([{ pk: 'IDEMPOTENCY#a-name', sk: 'REQUEST' }]);
  expect(item?.expiresAt).toBe(world.time.getTime() / 1000 + 86_400);
});
