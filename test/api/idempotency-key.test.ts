import { describe, expect, test } from '@jest/globals';
import { createApiApp } from '../../lib/api/api.ts';
import type { Item } from '../../lib/storage/table.ts';
import {
  aConfiguration,
  aConnection,
  aGroup,
  alice,
  anEntry,
  aService,
  consumer,
  endpointId,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { callApi, errorAnswer, sendApiRequest } from './call-api.ts';

const services = [aService()];
const path = `/allowlist/orders/${consumer}`;
const allow = { effect: 'allow', note: 'ticket 17' };
const bob = 'arn:aws:iam::111111111111:user/bob';
const keyed = { 'idempotency-key': 'key-1' };

const putEntry = (env: TestEnv, body: unknown = allow, key = 'key-1') =>
  sendApiRequest(env, `PUT ${path}`, { body, headers: { 'idempotency-key': key } });

async function read(response: Response) {
  const replayed = response.headers.get('idempotency-replayed');
  return { status: response.status, replayed, body: (await response.json()) as Record<string, unknown> };
}

type Writes = Parameters<TestEnv['table']['write']>[0];

/** Replaces the writes of the table that contain an item like this. Returns a function that ends that. */
function replaceWrites(env: TestEnv, isReplaced: (item: Item) => boolean, write: () => Promise<boolean>) {
  const { table } = env;
  const replaces = (writes: Writes) => writes.some((each) => 'put' in each && isReplaced(each.put));
  env.deps.table = { ...table, write: (writes) => (replaces(writes) ? write() : table.write(writes)) };
  return () => {
    env.deps.table = table;
  };
}

const storesResponse = ({ response }: Item) => response !== undefined;

/** Runs a request that crashes before its last write, which stores the response, and is sent again later. */
async function crashBeforeResponse<Answer>(env: TestEnv, run: () => Promise<Answer>): Promise<Answer> {
  const endCrash = replaceWrites(env, storesResponse, async () => true);
  const answer = await run();
  endCrash();
  env.advanceSeconds(30);
  return answer;
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
    for (const replayed of [null, 'true']) {
      const response = await sendApiRequest(env, 'POST /sweeps', { headers: keyed });
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
    ['body', path, { effect: 'block' }],
    ['path', `/allowlist/*/${consumer}`, allow],
  ])(
    'answers IdempotencyKeyReused if another request with this key had another %s',
    async (_what, otherPath, body) => {
      const env = createTestEnv({ services });
      await putEntry(env);
      expect(await callApi(env, `PUT ${otherPath}`, body, keyed)).toMatchObject(
        errorAnswer(422, 'IdempotencyKeyReused'),
      );
    },
  );

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
    const endFailure = replaceWrites(env, ({ pk }) => pk.startsWith('ALLOWLIST#'), write);
    expect((await putEntry(env)).status).toBe(status);
    endFailure();
    expect(await read(await putEntry(env))).toMatchObject({ status: 200, replayed: null });
  });

  test('is answered when the response cannot be stored', async () => {
    const env = createTestEnv({ services });
    const error = new Error('the response is too large');
    replaceWrites(env, storesResponse, () => Promise.reject(error));
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

describe('a retry after a crash between the change and its response', () => {
  const decide = `POST /connections/${endpointId(1)}/decision`;
  const body = { decision: 'approve', reason: 'known' };

  test('answers with the decision', async () => {
    const env = createTestEnv({ services, connections: [aConnection()] });
    const send = () => callApi(env, decide, body, keyed);
    const first = await crashBeforeResponse(env, send);
    expect(await send()).toEqual(first);
    expect(await callApi(env, decide, body)).toMatchObject({
      status: 409,
      body: { error: { code: 'NotOpen', details: { by: alice } } },
    });
  });

  test('answers with its approval, even if another approval met the quorum in the meantime', async () => {
    const groups = [aGroup({ quorum: 2 })];
    const env = createTestEnv({ services, connections: [aConnection()], groups });
    const send = () => callApi(env, decide, body, keyed);
    await crashBeforeResponse(env, send);
    env.deps.caller = bob;
    await callApi(env, decide, body);
    env.deps.caller = alice;
    expect(await send()).toMatchObject({
      status: 200,
      body: { decision: { by: alice, approvals: 2, quorum: 2 } },
    });
  });

  test.each([path, '/services/orders'])('succeeds with a warning for DELETE %s', async (removed) => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    const send = (key: string) => callApi(env, `DELETE ${removed}`, undefined, { 'idempotency-key': key });
    expect((await crashBeforeResponse(env, () => send('key-1'))).status).toBe(200);
    const warning = expect.stringContaining('an earlier run of this request has probably removed it');
    expect(await send('key-1')).toMatchObject({ status: 200, body: { warnings: [warning] } });
    expect((await send('key-2')).status).toBe(404);
  });
});

test('a permanent 409 is replayed, unlike a transient one', async () => {
  const env = createTestEnv();
  env.services.setConfiguration(aConfiguration({ otherStage: 'prod' }));
  const register = () =>
    sendApiRequest(env, 'POST /services', { body: { serviceId: serviceId(1) }, headers: keyed });
  expect(await readErrorCode(await register())).toBe('OtherStage');
  expect((await register()).headers.get('idempotency-replayed')).toBe('true');
});

test('without an Idempotency-Key a request is executed each time', async () => {
  const env = createTestEnv({ services, entries: [anEntry()] });
  expect((await callApi(env, `DELETE ${path}`)).status).toBe(200);
  expect((await callApi(env, `DELETE ${path}`)).status).toBe(404);
});

test('an Idempotency-Key has no effect on a request that only reads', async () => {
  const env = createTestEnv({ services });
  await sendApiRequest(env, 'GET /services', { headers: keyed });
  const again = await sendApiRequest(env, 'GET /services', { headers: keyed });
  expect(again.headers.get('idempotency-replayed')).toBeNull();
});
