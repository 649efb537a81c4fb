import { beforeEach, describe, expect, test } from '@jest/globals';
import { type IdempotencyRecord, maxRunMs, withIdempotency } from '../../lib/storage/idempotency.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };

let env: TestEnv;
beforeEach(() => {
  env = createTestEnv();
});

const ask = (fingerprint = 'allow') => withIdempotency('a-name', fingerprint, env.deps);

async function claim(): Promise<Extract<IdempotencyRecord, { status: 'claimed' }>> {
  const result = await ask();
  if (result.status !== 'claimed') throw new Error(`it is ${result.status}`);
  return result;
}

describe('a request with an idempotency key', () => {
  test('runs once, and retries get the stored response', async () => {
    const { saveResponse } = await claim();
    await saveResponse(answer);
    expect(await ask()).toEqual({ status: 'answered', response: answer });
  });

  test('runs in only one of two concurrent calls', async () => {
    const both = await Promise.all([ask(), ask()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['claimed', 'running']);
  });

  test('is refused if another request used the same key', async () => {
    const { saveResponse } = await claim();
    expect(await ask('block')).toEqual({ status: 'reused' });
    await saveResponse(answer);
    expect(await ask('block')).toEqual({ status: 'reused' });
  });

  test('may run again after a failed attempt, and keeps the time of the first attempt', async () => {
    const firstRequestedAt = env.time.toISOString();
    const { release } = await claim();
    await release();
    env.advanceSeconds(5);
    expect(await claim()).toMatchObject({ firstRequestedAt });
  });

  test('may run again after the maximum run time, and not earlier', async () => {
    const firstRequestedAt = env.time.toISOString();
    expect(await claim()).toMatchObject({ firstRequestedAt: undefined });
    env.advanceSeconds(maxRunMs / 1000 - 1);
    expect(await ask()).toEqual({ status: 'running' });
    env.advanceSeconds(1);
    expect(await claim()).toMatchObject({ firstRequestedAt });
  });

  test('has the response of the run that took over, even if the earlier run ends later', async () => {
    const late = await claim();
    env.advanceSeconds(maxRunMs / 1000);
    const { saveResponse } = await claim();
    await late.saveResponse({ ...answer, status: 409 });
    expect(await ask()).toEqual({ status: 'running' });
    await saveResponse(answer);
    await late.release();
    expect(await ask()).toEqual({ status: 'answered', response: answer });
  });

  test('gets the stored response for one day, even if DynamoDB deletes the item later', async () => {
    const { saveResponse } = await claim();
    await saveResponse(answer);
    env.advanceSeconds(86_399);
    expect(await ask()).toMatchObject({ status: 'answered' });
    env.advanceSeconds(1);
    expect(await ask('block')).toMatchObject({ status: 'claimed', firstRequestedAt: undefined });
  });
});

test('an idempotency item has a TTL of one day', async () => {
  await claim();
  const [item] = await env.table.get([{ pk: 'IDEMPOTENCY#a-name', sk: 'REQUEST' }]);
  expect(item?.expiresAt).toBe(env.time.getTime() / 1000 + 86_400);
});
