import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { aConnection, anEntry, aService, consumer, endpointId, serviceId } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, allowEntry, blockEntry } from '../policy-as-code/fixtures.ts';
import { callApi, errorAnswer } from './call-api.ts';

interface PlanAnswer {
  readonly plan: {
    readonly planId: string;
    readonly summary: object;
    readonly interrupted?: object;
    readonly running?: object;
  };
}

function createEnvWith(...connections: readonly Connection[]) {
  return createTestEnv({ services: [aService()], connections });
}

async function createPlan(env: TestEnv, document: ReturnType<typeof aDocument>) {
  const { status, body } = await callApi(env, 'POST /plans', { document });
  expect(status).toBe(201);
  return (body as unknown as PlanAnswer).plan;
}

const policy = aDocument({ entries: [allowEntry(consumer), blockEntry('333333333333')] });

describe('a plan', () => {
  test('counts its changes and changes nothing', async () => {
    const env = createEnvWith();
    const plan = await createPlan(env, policy);
    expect(plan).toMatchObject({ summary: { add: 2, change: 0, remove: 0, conflicts: 0, unmanaged: 1 } });
    expect((await callApi(env, 'GET /allowlist')).body).toEqual({ entries: [] });
  });

  test('lists its changes page by page', async () => {
    const env = createEnvWith();
    const accounts = Array.from({ length: 2_500 }, (_, index) => String(200_000_000_000 + index));
    const { planId } = await createPlan(
      env,
      aDocument({ entries: accounts.map((account) => allowEntry(account)) }),
    );
    const names: string[] = [];
    let token = '';
    do {
      const { body } = await callApi(env, `GET /plans/${planId}/changes${token}`);
      names.push(...(body.changes as { name: string }[]).map(({ name }) => name));
      token = body.nextToken === undefined ? '' : `?nextToken=${body.nextToken}`;
    } while (token);
    expect(names).toEqual([...accounts, 'orders']);
  });

  test.each([
    ['content that is not gzip', 'CHANGES', 'not zipped'],
    ['a truncated gzip file', 'VERSIONS', gzipSync('[]').toString('base64').slice(0, 16)],
    ['a gzip file of invalid JSON', 'VERSIONS', gzipSync('[').toString('base64')],
    ['a gzip file of an invalid change', 'CHANGES', gzipSync('[{"kind":"nothing"}]').toString('base64')],
  ])(
    'with %s in one of its items answers UnreadableItem with the item, which can be removed before planning again',
    async (_what, name, packed) => {
      const env = createEnvWith();
      const { planId } = await createPlan(env, policy);
      const key = { pk: `PLAN#${planId}`, sk: `${name}#0000` };
      const [part] = await env.table.get([key]);
      env.put({ ...part, ...key, version: 1, packed });
      const reads = name === 'CHANGES' ? ['changes', 'impact', 'simulation'] : [];
      const answers = () =>
        Promise.all([
          callApi(env, `POST /plans/${planId}/apply`),
          ...reads.map((page) => callApi(env, `GET /plans/${planId}/${page}`)),
        ]);
      const message = expect.stringContaining(`item \`${key.pk}\` \`${key.sk}\` is malformed`);
      for (const answer of await answers())
        expect(answer).toMatchObject({ status: 409, body: { error: { code: 'UnreadableItem', message } } });

      const removed = await callApi(env, `DELETE /items?${new URLSearchParams(key)}`);
      expect(removed).toMatchObject({ status: 200, body: { warnings: ['next step: plan again'] } });
      for (const answer of await answers()) expect(answer).toMatchObject(errorAnswer(404, 'UnknownPlan'));
      await createPlan(env, policy);
    },
  );

  test('predicts its impact on connections', async () => {
    const env = createEnvWith(aConnection());
    const { planId } = await createPlan(env, policy);
    expect((await callApi(env, `GET /plans/${planId}/impact`)).body).toEqual({
      effects: [
        {
          effect: 'accept',
          endpointId: endpointId(1),
          service: 'orders',
          serviceId: serviceId(1),
          ownerAccountId: consumer,
          state: 'pendingAcceptance',
          reason: `account ${consumer} is allowed at orders`,
        },
      ],
      looked: 1,
    });
    expect(await env.record(endpointId(1))).toBeUndefined();
  });

  test('continues its impact prediction with the next page when time runs out', async () => {
    const env = createEnvWith(...[1, 2, 3].map((number) => aConnection({ endpointId: endpointId(number) })));
    const { planId } = await createPlan(env, policy);
    env.remainingMs = 1_000;
    const { body } = await callApi(env, `GET /plans/${planId}/impact`);
    expect(body).toMatchObject({ looked: 1, nextToken: expect.any(String) });
    env.remainingMs = 75_000;
    const rest = await callApi(env, `GET /plans/${planId}/impact?nextToken=${body.nextToken}`);
    expect(rest.body).toMatchObject({ looked: 2, effects: [{}, { endpointId: endpointId(3) }] });
    expect(rest.body).not.toHaveProperty('nextToken');
  });

  test('expires after a day', async () => {
    const env = createEnvWith();
    const { planId } = await createPlan(env, policy);
    env.advanceSeconds(86_400);
    expect(await callApi(env, `POST /plans/${planId}/apply`)).toMatchObject(errorAnswer(404, 'UnknownPlan'));
  });

  test('is rejected for an invalid policy, with all problems and their source positions', async () => {
    const env = createEnvWith();
    const document = aDocument({
      entries: [{ ...allowEntry(consumer, { service: 'order' }), at: 'policy.yml:3:5' }],
    });
    expect(await callApi(env, 'POST /plans', { document })).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidPolicy', details: { problems: [{ at: 'policy.yml:3:5' }] } } },
    });
  });

  test('is rejected for a malformed or too large document', async () => {
    const env = createEnvWith();
    expect(await callApi(env, 'POST /plans', { document: {} })).toMatchObject({ status: 400 });
    const large = aDocument({
      entries: Array.from({ length: 60 }, () => allowEntry(consumer, { note: 'x'.repeat(90_000) })),
    });
    expect(await callApi(env, 'POST /plans', { document: large })).toMatchObject(
      errorAnswer(400, 'TooLarge'),
    );
  });
});

describe('an apply', () => {
  test('makes the changes of the plan', async () => {
    const env = createEnvWith();
    const { planId } = await createPlan(env, policy);
    expect((await callApi(env, `POST /plans/${planId}/apply`)).body).toEqual({
      apply: { status: 'done', done: 2, of: 2 },
      warnings: [],
    });
    expect((await callApi(env, 'GET /allowlist')).body).toMatchObject({
      entries: [
        { effect: 'allow', managedBy: 'file' },
        { effect: 'block', managedBy: 'file' },
      ],
    });
  });

  test('answers StalePlan with the changed objects when the table has changed', async () => {
    const env = createEnvWith();
    const { planId } = await createPlan(env, policy);
    env.put(entryItem(anEntry({ serviceId: '*' })));
    expect(await callApi(env, `POST /plans/${planId}/apply`)).toMatchObject({
      status: 409,
      body: { error: { code: 'StalePlan', details: { changed: [`account ${consumer} at *`] } } },
    });
  });

  test('that is not complete is shown in the next plan as running or interrupted', async () => {
    const env = createEnvWith();
    const first = await createPlan(env, policy);
    env.remainingMs = 1_000;
    expect((await callApi(env, `POST /plans/${first.planId}/apply`)).body).toMatchObject({
      apply: { status: 'running', done: 0, of: 2 },
    });
    const planWhileRunning = await createPlan(env, policy);
    expect(planWhileRunning).toMatchObject({ running: { done: 0, of: 2, leaseUntil: expect.any(String) } });
    expect(planWhileRunning).not.toHaveProperty('interrupted');
    const second = await createPlan(env, policy);
    expect(await callApi(env, `POST /plans/${second.planId}/apply`)).toMatchObject(
      errorAnswer(409, 'ApplyRunning'),
    );
    env.advanceSeconds(60);
    env.remainingMs = 75_000;
    const later = await createPlan(env, policy);
    expect(later).toMatchObject({ interrupted: { done: 0, of: 2 } });
    expect(later).not.toHaveProperty('running');
    await callApi(env, `POST /plans/${second.planId}/apply`);
    expect(await createPlan(env, policy)).not.toHaveProperty('interrupted');
  });
});

describe('a simulation', () => {
  test('lists the recorded requests whose verdict would have differed at the time of the request', async () => {
    const formatDay = (day: number) => `2026-11-${day}T00:00:00.000Z`;
    const connections = [
      aConnection({ endpointId: endpointId(1), requestedAt: formatDay(10) }),
      aConnection({ endpointId: endpointId(2), requestedAt: formatDay(20) }),
      aConnection({ endpointId: endpointId(3), requestedAt: '2026-01-01T00:00:00.000Z' }),
    ];
    const env = createEnvWith(...connections);
    for (const connection of connections) await decideConnection(connection, env.deps);
    const document = aDocument({ entries: [allowEntry(consumer, { expiresAt: formatDay(15) })] });
    const { planId } = await createPlan(env, document);
    expect(await readSimulation(env, planId)).toEqual({
      looked: 2,
      requests: [
        {
          endpointId: endpointId(1),
          service: 'orders',
          ownerAccountId: consumer,
          requestedAt: formatDay(10),
          was: 'ask',
          would: 'accept',
          reason: `account ${consumer} is allowed at orders`,
        },
      ],
    });
  });

  test('leaves out services that the policy does not name', async () => {
    const other = '444444444444';
    const otherService = { serviceId: serviceId(2) };
    const connections = [
      aConnection({ endpointId: endpointId(1), ...otherService }),
      aConnection({ endpointId: endpointId(2), ...otherService, ownerAccountId: other }),
    ];
    const services = [aService({ managedBy: 'file' }), aService({ ...otherService, name: 'theirs' })];
    const env = createTestEnv({ services, connections });
    for (const connection of connections) await decideConnection(connection, env.deps);
    env.put(entryItem(anEntry({ ...otherService, accountId: other })));
    const namedServices = [{ serviceId: serviceId(1), name: 'orders' }];
    const simulateDocument = async (document: ReturnType<typeof aDocument>) =>
      readSimulation(env, (await createPlan(env, document)).planId);
    expect(await simulateDocument(aDocument({ services: namedServices }))).toEqual({
      looked: 0,
      requests: [],
    });
    const everywhere = { ...allowEntry(consumer), service: '*' };
    expect(
      await simulateDocument(aDocument({ services: namedServices, entries: [everywhere] })),
    ).toMatchObject({ looked: 1, requests: [{ endpointId: endpointId(1), would: 'accept' }] });
    const naming = aDocument({ services: [...namedServices, { name: 'theirs' }] });
    expect(await simulateDocument(naming)).toMatchObject({
      looked: 2,
      requests: [{ endpointId: endpointId(2) }],
    });
  });

  test('counts the endpoints that the account had at the time of the request', async () => {
    const connections = [1, 2, 3].map((number) =>
      aConnection({ endpointId: endpointId(number), requestedAt: `2026-11-1${number}T00:00:00.000Z` }),
    );
    const env = createTestEnv({
      services: [aService()],
      connections,
      entries: [anEntry({ managedBy: 'file' })],
    });
    for (const connection of connections) await decideConnection(connection, env.deps);
    const { planId } = await createPlan(
      env,
      aDocument({ entries: [allowEntry(consumer, { maxEndpoints: 2 })] }),
    );
    expect(await readSimulation(env, planId)).toMatchObject({
      looked: 3,
      requests: [{ endpointId: endpointId(3), was: 'accept', would: 'ask' }],
    });
  });

  async function readSimulation(env: TestEnv, planId: string) {
    const requests: unknown[] = [];
    let [looked, token] = [0, ''];
    do {
      const { body } = await callApi(env, `GET /plans/${planId}/simulation${token}`);
      requests.push(...(body.requests as unknown[]));
      looked += body.looked as number;
      token = body.nextToken === undefined ? '' : `?nextToken=${body.nextToken}`;
    } while (token);
    return { requests, looked };
  }
});
