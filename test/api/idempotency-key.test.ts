import { describe, expect, test } from '@jest/globals';
import { createApiApp } from '../../lib/api/api.ts';
import {
  aConfiguration,
  aConnection,
  alice,
  anEntry,
  aService,
  consumer,
  endpointId,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { callApi, sendApiRequest } from './call-api.ts';

const services = [aService()];
const path = `/allowlist/orders/${consumer}`;
const allow = { effect: 'allow', note: 'ticket 17' };
const bob = 'arn:aws:iam::111111111111:user/bob';

const putEntry = (env: TestEnv, body: unknown = allow, key = 'key-1') =>
  sendApiRequest(env, 'PUT', path, { body, headers: { 'idempotency-key': key } });

async function read(response: Response) {
  const replayed = response.headers.get('idempotency-replayed');
  return { status: response.status, replayed, body: (await response.json()) as Record<string, unknown> };
}

const readErrorCode = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('a request with an Idempotency-Key', () => {
  test('is executed once, and its response is replayed', async () => {
    const env = createTestEnv({ services });
    const first = await read(await putEntry(env));
    env.advanceSeconds(60);
    const second = await read(await putEntry(env));
    expect(first).toMatchObject({
      status: 200,
      replayed: null,
      body: { entry: { changedAt: noon.toISOString() } },
    });
    expect(second).toEqual({ ...first, replayed: 'true' });
  });

  test('replays the Location of its job', async () => {
    const env = createTestEnv({ services });
    const headers = { 'idempotency-key': 'key-1' };
    for (const replayed of [null, 'true']) {
      const response = await sendApiRequest(env, 'POST', '/sweeps', { headers });
      expect(response.status).toBe(202);
      expect(response.headers.get('location')).toBe('/jobs/id-1');
      expect(response.headers.get('idempotency-replayed')).toBe(replayed);
    }
    expect(env.requestedSweeps).toHaveLength(1);
  });

  test('replays an error', async () => {
    const env = createTestEnv();
    expect(await read(await putEntry(env))).toMatchObject({ status: 404, replayed: null });
    expect(await read(await putEntry(env))).toMatchObject({ status: 404, replayed: 'true' });
  });

  test.each([
    ['body', () => [path, { effect: 'block' }] as const],
    ['path', () => [`/allowlist/*/${consumer}`, allow] as const],
  ])('answers IdempotencyKeyReused if another request with this key had another %s', async (_what, other) => {
    const env = createTestEnv({ services });
    await putEntry(env);
    const [otherPath, body] = other();
    const response = await sendApiRequest(env, 'PUT', otherPath, {
      body,
      headers: { 'idempotency-key': 'key-1' },
    });
    expect(response.status).toBe(422);
    expect(await readErrorCode(response)).toBe('IdempotencyKeyReused');
  });

  test('is executed once for each caller, even with the same key', async () => {
    const env = createTestEnv({ services });
    await putEntry(env);
    env.deps.caller = bob;
    expect(await read(await putEntry(env))).toMatchObject({
      replayed: null,
      body: { entry: { changedBy: bob } },
    });
  });

  test('answers InProgress with Retry-After while the first request is running', async () => {
    const env = createTestEnv({ services });
    let second: Response | undefined;
    env.ec2.beforePage = async () => {
      second ??= await putEntry(env);
    };
    await putEntry(env);
    expect(second?.status).toBe(409);
    expect(second?.headers.get('retry-after')).toBe('1');
    expect(await readErrorCode(second as Response)).toBe('InProgress');
  });

  test.each([
    ['other writers keep changing the entry', async () => false, 409],
    ['a write to the table fails', () => Promise.reject(new Error('the table is away')), 500],
  ])('is executed again after a transient error: %s', async (_what, write, status) => {
    const env = createTestEnv({ services });
    const { table } = env;
    const isEntry = (writes: Parameters<typeof table.write>[0]) =>
      writes.some((each) => 'put' in each && each.put.pk.startsWith('ALLOWLIST#'));
    env.deps.table = { ...table, write: (writes) => (isEntry(writes) ? write() : table.write(writes)) };
    expect((await putEntry(env)).status).toBe(status);
    env.deps.table = table;
    expect(await read(await putEntry(env))).toMatchObject({ status: 200, replayed: null });
  });

  test('is answered when the response cannot be stored', async () => {
    const env = createTestEnv({ services });
    const { table } = env;
    const storesResponse = (writes: Parameters<typeof table.write>[0]) =>
      writes.some((each) => 'put' in each && each.put.response !== undefined);
    const error = new Error('the response is too large');
    env.deps.table = {
      ...table,
      write: (writes) => (storesResponse(writes) ? Promise.reject(error) : table.write(writes)),
    };
    expect((await putEntry(env)).status).toBe(200);
    expect(env.errors).toEqual([error]);
  });

  test.each(['', 'k'.repeat(256), 'two words', 'Schlüssel'])(
    'is rejected with the invalid key `%s`',
    async (key) => {
      const response = await putEntry(createTestEnv({ services }), allow, key);
      expect(response.status).toBe(400);
    },
  );
});

test('an empty Idempotency-Key in the event, which Hono drops as a header, is rejected', async () => {
  const event = { routeKey: 'POST /setup', headers: { 'idempotency-key': '' } };
  const response = await createApiApp(() => createTestEnv().deps).request(
    '/setup',
    { method: 'POST' },
    { event },
  );
  expect(response.status).toBe(400);
});

test('a retry after a crash between the decision and its response answers with the decision', async () => {
  const env = createTestEnv({ services, connections: [aConnection()] });
  const decision = `/connections/${endpointId(1)}/decision`;
  const body = { decision: 'approve', reason: 'known' };
  const { table } = env;
  // The run crashes before its last write, which stores the response.
  const storesResponse = (writes: Parameters<typeof table.write>[0]) =>
    writes.some((each) => 'put' in each && each.put.response !== undefined);
  env.deps.table = { ...table, write: async (writes) => storesResponse(writes) || table.write(writes) };
  const send = () => callApi(env, 'POST', decision, body, { 'idempotency-key': 'key-1' });
  const first = await send();
  env.deps.table = table;
  env.advanceSeconds(30);
  expect(await send()).toEqual(first);
  expect(await callApi(env, 'POST', decision, body)).toMatchObject({
    status: 409,
    body: { error: { code: 'NotOpen', details: { by: alice } } },
  });
});

test('a retry after a crash answers with its approval, even if another approval met the quorum in the meantime', async () => {
  const group = { name: 'default', quorum: 2, slackUsers: [], emails: [], version: 1 };
  const env = createTestEnv({ services, connections: [aConnection()], groups: [group] });
  const decision = `/connections/${endpointId(1)}/decision`;
  const body = { decision: 'approve', reason: 'known' };
  const { table } = env;
  const storesResponse = (writes: Parameters<typeof table.write>[0]) =>
    writes.some((each) => 'put' in each && each.put.response !== undefined);
  const send = () => callApi(env, 'POST', decision, body, { 'idempotency-key': 'key-1' });
  env.deps.table = { ...table, write: async (writes) => storesResponse(writes) || table.write(writes) };
  await send();
  env.deps.table = table;
  env.deps.caller = 'arn:aws:iam::111111111111:user/bob';
  await callApi(env, 'POST', decision, body);
  env.deps.caller = alice;
  env.advanceSeconds(30);
  expect(await send()).toMatchObject({
    status: 200,
    body: { decision: { by: alice, approvals: 2, quorum: 2 } },
  });
});

test.each([
  ['entry', path],
  ['service', '/services/orders'],
])(
  'a retry after a crash between the removal of the %s and its response succeeds with a warning',
  async (_what, removed) => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    const { table } = env;
    const storesResponse = (writes: Parameters<typeof table.write>[0]) =>
      writes.some((each) => 'put' in each && each.put.response !== undefined);
    env.deps.table = { ...table, write: async (writes) => storesResponse(writes) || table.write(writes) };
    const send = (key: string) => callApi(env, 'DELETE', removed, undefined, { 'idempotency-key': key });
    expect((await send('key-1')).status).toBe(200);
    env.deps.table = table;
    env.advanceSeconds(30);
    expect(await send('key-1')).toMatchObject({
      status: 200,
      body: {
        warnings: [expect.stringContaining('an earlier run of this request has probably removed it')],
      },
    });
    expect((await send('key-2')).status).toBe(404);
  },
);

test('a permanent 409 is replayed, unlike a transient one', async () => {
  const env = createTestEnv();
  env.services.setConfiguration(aConfiguration({ otherStage: 'prod' }));
  const headers = { 'idempotency-key': 'key-1' };
  const register = () =>
    sendApiRequest(env, 'POST', '/services', { body: { serviceId: serviceId(1) }, headers });
  expect(await readErrorCode(await register())).toBe('OtherStage');
  expect((await register()).headers.get('idempotency-replayed')).toBe('true');
});

test('without an Idempotency-Key a request is executed each time', async () => {
  const env = createTestEnv({ services, entries: [anEntry()] });
  expect((await callApi(env, 'DELETE', path)).status).toBe(200);
  expect((await callApi(env, 'DELETE', path)).status).toBe(404);
});

test('an Idempotency-Key has no effect on a request that only reads', async () => {
  const env = createTestEnv({ services });
  const headers = { 'idempotency-key': 'key-1' };
  await sendApiRequest(env, 'GET', '/services', { headers });
  const again = await sendApiRequest(env, 'GET', '/services', { headers });
  expect(again.headers.get('idempotency-replayed')).toBeNull();
});
