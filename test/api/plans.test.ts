import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import type { Connection } from '../../lib/privatelink/connection.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { aConnection, anEntry, aService, consumer, endpointId, serviceId } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { aDocument, allowing, blocking } from '../policy-as-code/fixtures.ts';
import { ask } from './ask.ts';

interface PlanAnswer {
  readonly plan: {
    readonly planId: string;
    readonly summary: object;
    readonly interrupted?: object;
    readonly running?: object;
  };
}

function aWorldWith(...connections: readonly Connection[]) {
  return createTestEnv({ services: [aService()], connections });
}

async function planIn(world: TestEnv, document: ReturnType<typeof aDocument>) {
  const { status, body } = await ask(world, 'POST', '/plans', { document });
  expect(status).toBe(201);
  return (body as unknown as PlanAnswer).plan;
}

const policy = aDocument({ entries: [allowing(consumer), blocking('333333333333')] });

describe('a plan', () => {
  test('says how much it would change, and changes nothing', async () => {
    const world = aWorldWith();
    const plan = await planIn(world, policy);
    expect(plan).toMatchObject({ summary: { add: 2, change: 0, remove: 0, conflicts: 0, left: 1 } });
    expect((await ask(world, 'GET', '/allowlist')).body).toEqual({ entries: [] });
  });

  test('lists its changes page by page', async () => {
    const world = aWorldWith();
    const accounts = Array.from({ length: 2_500 }, (_, index) => String(200_000_000_000 + index));
    const { planId } = await planIn(
      world,
      aDocument({ entries: accounts.map((account) => allowing(account)) }),
    );
    const names: string[] = [];
    let token = '';
    do {
      const { body } = await ask(world, 'GET', `/plans/${planId}/changes${token}`);
      names.push(...(body.changes as { name: string }[]).map(({ name }) => name));
      token = body.nextToken === undefined ? '' : `?nextToken=${body.nextToken}`;
    } while (token);
    expect(names).toEqual([...accounts, 'orders']);
  });

  test.each([
    ['no zip', 'CHANGES', 'not zipped'],
    ['a zip that was cut', 'VERSIONS', gzipSync('[]').toString('base64').slice(0, 16)],
    ['a zip of what is no JSON', 'VERSIONS', gzipSync('[').toString('base64')],
    ['a zip of something else', 'CHANGES', gzipSync('[{"kind":"nothing"}]').toString('base64')],
  ])(
    'of which a part holds %s says which, which is removed, and planned again',
    async (_what, name, packed) => {
      const world = aWorldWith();
      const { planId } = await planIn(world, policy);
      const key = { pk: `PLAN#${planId}`, sk: `${name}#0000` };
      const [part] = await world.table.get([key]);
      world.put({ ...part, ...key, version: 1, packed });
      const reads = name === 'CHANGES' ? ['changes', 'impact', 'simulation'] : [];
      const answers = () =>
        Promise.all([
          ask(world, 'POST', `/plans/${planId}/apply`),
          ...reads.map((what) => ask(world, 'GET', `/plans/${planId}/${what}`)),
        ]);
      const message = expect.stringContaining(`item \`${key.pk}\` \`${key.sk}\` is malformed`);
      for (const answer of await answers())
        expect(answer).toMatchObject({ status: 409, body: { error: { code: 'UnreadableItem', message } } });

      const removed = await ask(world, 'DELETE', `/items?${new URLSearchParams(key)}`);
      expect(removed).toMatchObject({ status: 200, body: { warnings: ['what is left to do: plan again'] } });
      for (const answer of await answers())
        expect(answer).toMatchObject({ status: 404, body: { error: { code: 'UnknownPlan' } } });
      await planIn(world, policy);
    },
  );

  test('says what it would do to connections', async () => {
    const world = aWorldWith(aConnection());
    const { planId } = await planIn(world, policy);
    expect((await ask(world, 'GET', `/plans/${planId}/impact`)).body).toEqual({
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
    expect(await world.record(endpointId(1))).toBeUndefined();
  });

  test('goes on where the time did not suffice for a page of connections', async () => {
    const world = aWorldWith(...[1, 2, 3].map((number) => aConnection({ endpointId: endpointId(number) })));
    const { planId } = await planIn(world, policy);
    world.left = 1_000;
    const { body } = await ask(world, 'GET', `/plans/${planId}/impact`);
    expect(body).toMatchObject({ looked: 1, nextToken: expect.any(String) });
    world.left = 75_000;
    const rest = await ask(world, 'GET', `/plans/${planId}/impact?nextToken=${body.nextToken}`);
    expect(rest.body).toMatchObject({ looked: 2, effects: [{}, { endpointId: endpointId(3) }] });
    expect(rest.body).not.toHaveProperty('nextToken');
  });

  test('is forgotten after a day', async () => {
    const world = aWorldWith();
    const { planId } = await planIn(world, policy);
    world.wait(86_400);
    expect(await ask(world, 'POST', `/plans/${planId}/apply`)).toMatchObject({
      status: 404,
      body: { error: { code: 'UnknownPlan' } },
    });
  });

  test('is refused where the policy cannot be carried out, with all that is wrong and where it stands', async () => {
    const world = aWorldWith();
    const document = aDocument({
      entries: [{ ...allowing(consumer, { service: 'order' }), at: 'policy.yml:3:5' }],
    });
    expect(await ask(world, 'POST', '/plans', { document })).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidPolicy', details: { problems: [{ at: 'policy.yml:3:5' }] } } },
    });
  });

  test('is refused where its document is not one, or too large', async () => {
    const world = aWorldWith();
    expect(await ask(world, 'POST', '/plans', { document: {} })).toMatchObject({ status: 400 });
    const large = aDocument({
      entries: Array.from({ length: 60 }, () => allowing(consumer, { note: 'x'.repeat(90_000) })),
    });
    expect(await ask(world, 'POST', '/plans', { document: large })).toMatchObject({
      status: 400,
      body: { error: { code: 'TooLarge' } },
    });
  });
});

describe('an apply', () => {
  test('makes the changes', async () => {
    const world = aWorldWith();
    const { planId } = await planIn(world, policy);
    expect((await ask(world, 'POST', `/plans/${planId}/apply`)).body).toEqual({
      apply: { status: 'done', done: 2, of: 2 },
      warnings: [],
    });
    expect((await ask(world, 'GET', '/allowlist')).body).toMatchObject({
      entries: [
        { effect: 'allow', managedBy: 'file' },
        { effect: 'block', managedBy: 'file' },
      ],
    });
  });

  test('is refused where the table moved on, naming what moved', async () => {
    const world = aWorldWith();
    const { planId } = await planIn(world, policy);
    world.put(entryItem(anEntry({ serviceId: '*' })));
    expect(await ask(world, 'POST', `/plans/${planId}/apply`)).toMatchObject({
      status: 409,
      body: { error: { code: 'Moved', details: { moved: [`account ${consumer} at *`] } } },
    });
  });

  test('that is not done is shown by the next plan, as one that runs or that was interrupted', async () => {
    const world = aWorldWith();
    const first = await planIn(world, policy);
    world.left = 1_000;
    expect((await ask(world, 'POST', `/plans/${first.planId}/apply`)).body).toMatchObject({
      apply: { status: 'running', done: 0, of: 2 },
    });
    const told = await planIn(world, policy);
    expect(told).toMatchObject({ running: { done: 0, of: 2, leaseUntil: expect.any(String) } });
    expect(told).not.toHaveProperty('interrupted');
    const second = await planIn(world, policy);
    expect(await ask(world, 'POST', `/plans/${second.planId}/apply`)).toMatchObject({
      status: 409,
      body: { error: { code: 'ApplyRunning' } },
    });
    world.wait(60);
    world.left = 75_000;
    const later = await planIn(world, policy);
    expect(later).toMatchObject({ interrupted: { done: 0, of: 2 } });
    expect(later).not.toHaveProperty('running');
    await ask(world, 'POST', `/plans/${second.planId}/apply`);
    expect(await planIn(world, policy)).not.toHaveProperty('interrupted');
  });
});

describe('a simulation', () => {
  test('says which recorded requests would have been decided otherwise, by the clock of the request', async () => {
    const requestedAt = (day: number) => `2026-11-${day}T00:00:00.000Z`;
    const connections = [
      aConnection({ endpointId: endpointId(1), requestedAt: requestedAt(10) }),
      aConnection({ endpointId: endpointId(2), requestedAt: requestedAt(20) }),
      aConnection({ endpointId: endpointId(3), requestedAt: '2026-01-01T00:00:00.000Z' }),
    ];
    const world = aWorldWith(...connections);
    for (const connection of connections) await decideConnection(connection, world.deps);
    const document = aDocument({ entries: [allowing(consumer, { expiresAt: requestedAt(15) })] });
    const { planId } = await planIn(world, document);
    expect(await simulated(world, planId)).toEqual({
      looked: 2,
      requests: [
        {
          endpointId: endpointId(1),
          service: 'orders',
          ownerAccountId: consumer,
          requestedAt: requestedAt(10),
          was: 'ask',
          would: 'accept',
          reason: `account ${consumer} is allowed at orders`,
        },
      ],
    });
  });

  test('leaves out what the file does not speak of', async () => {
    const other = '444444444444';
    const elsewhere = { serviceId: serviceId(2) };
    const connections = [
      aConnection({ endpointId: endpointId(1), ...elsewhere }),
      aConnection({ endpointId: endpointId(2), ...elsewhere, ownerAccountId: other }),
    ];
    const services = [aService({ managedBy: 'file' }), aService({ ...elsewhere, name: 'theirs' })];
    const world = createTestEnv({ services, connections });
    for (const connection of connections) await decideConnection(connection, world.deps);
    world.put(entryItem(anEntry({ ...elsewhere, accountId: other })));
    const named = [{ serviceId: serviceId(1), name: 'orders' }];
    const looked = async (document: ReturnType<typeof aDocument>) =>
      simulated(world, (await planIn(world, document)).planId);
    expect(await looked(aDocument({ services: named }))).toEqual({ looked: 0, requests: [] });
    const everywhere = { ...allowing(consumer), service: '*' };
    expect(await looked(aDocument({ services: named, entries: [everywhere] }))).toMatchObject({
      looked: 1,
      requests: [{ endpointId: endpointId(1), would: 'accept' }],
    });
    const naming = aDocument({ services: [...named, { name: 'theirs' }] });
    expect(await looked(naming)).toMatchObject({ looked: 2, requests: [{ endpointId: endpointId(2) }] });
  });

  test('counts the endpoints that the account had when it asked for another', async () => {
    const connections = [1, 2, 3].map((number) =>
      aConnection({ endpointId: endpointId(number), requestedAt: `2026-11-1${number}T00:00:00.000Z` }),
    );
    const world = createTestEnv({
      services: [aService()],
      connections,
      entries: [anEntry({ managedBy: 'file' })],
    });
    for (const connection of connections) await decideConnection(connection, world.deps);
    const { planId } = await planIn(world, aDocument({ entries: [allowing(consumer, { maxEndpoints: 2 })] }));
    expect(await simulated(world, planId)).toMatchObject({
      looked: 3,
      requests: [{ endpointId: endpointId(3), was: 'accept', would: 'ask' }],
    });
  });

  async function simulated(world: TestEnv, planId: string) {
    const requests: unknown[] = [];
    let [looked, token] = [0, ''];
    do {
      const { body } = await ask(world, 'GET', `/plans/${planId}/simulation${token}`);
      requests.push(...(body.requests as unknown[]));
      looked += body.looked as number;
      token = body.nextToken === undefined ? '' : `?nextToken=${body.nextToken}`;
    } while (token);
    return { requests, looked };
  }
});
