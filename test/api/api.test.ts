import { describe, expect, test } from '@jest/globals';
import { TableBusyError } from '../../lib/storage/table.ts';
import { finishLocation, startJob } from '../../lib/sweep/job.ts';
import { emptySweep } from '../../lib/sweep/sweep.ts';
import {
  aConfiguration,
  aConnection,
  alice,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  hub,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi, errorAnswer, sendApiRequest } from './call-api.ts';

const services = [aService()];

describe('setup', () => {
  test('creates missing items, keeps existing ones and names the next step', async () => {
    const env = createTestEnv({ groups: [] });
    const next = expect.stringMatching(/^next: .*linkgate service add.*linkgate allow/);
    const people = expect.stringMatching(
      /in Slack: .*linkgate slack connect.*by email: .*linkgate approvers set/,
    );
    expect(await callApi(env, 'POST /setup')).toEqual({
      status: 200,
      body: {
        done: [
          'created the signing key of links',
          expect.stringContaining('created the approver group default without members'),
          next,
          people,
        ],
      },
    });
    expect(await callApi(env, 'POST /setup')).toMatchObject({
      body: { done: ['the signing key of links exists', 'the approver group default exists', next, people] },
    });
    expect([...env.secrets.keys()]).toEqual(['links/signing-key']);
  });

  test('sets the mode only on the first run; a lost mode parameter has to be set by `linkgate mode`', async () => {
    const env = createTestEnv({ groups: [] });
    const createdModes: string[] = [];
    const createOnce = async (mode: string) => createdModes.push(mode) > 0;
    env.deps.modeParameter = { ...env.deps.modeParameter, createIfMissing: createOnce };
    expect((await callApi(env, 'POST /setup')).body.done).toContain('set the mode to enforce');
    expect((await callApi(env, 'POST /setup')).body.done).not.toContain('set the mode to enforce');
    expect(createdModes).toEqual(['enforce']);
  });
});

describe('services', () => {
  test('are registered and listed with account and Region', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration());
    const registration = { serviceId: serviceId(1), name: 'orders', onUnlisted: 'hold' };
    const answer = await callApi(env, 'POST /services', registration);
    expect(answer).toMatchObject({
      status: 200,
      body: { service: { ...registration, accountId: '111111111111', region: 'us-east-1' }, warnings: [] },
    });
    expect(answer.body.service).not.toHaveProperty('version');
    expect(await callApi(env, 'GET /services')).toMatchObject({ body: { services: [registration] } });
  });

  test.each(['orders', serviceId(1)])('are found by name and by id: %s', async (name) => {
    const answer = await callApi(createTestEnv({ services }), `GET /services/${name}`);
    expect(answer).toMatchObject({ status: 200, body: { service: { serviceId: serviceId(1) } } });
  });

  test.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/pause'],
    ['POST', '/resume'],
    ['POST', '/disconnect'],
  ])(
    'are found by id even if another service has that id as its name: %s /services/<id>%s',
    async (method, path) => {
      const misnamed = aService({ serviceId: serviceId(2), name: serviceId(1) });
      const env = createTestEnv({ services: [misnamed, aService()] });
      const body = path === '/pause' ? {} : undefined;
      expect(await callApi(env, `${method} /services/${serviceId(1)}${path}`, body)).toMatchObject({
        status: 200,
        body: { service: { serviceId: serviceId(1) } },
      });
    },
  );

  test('are deregistered', async () => {
    const env = createTestEnv({ services });
    expect(await callApi(env, 'DELETE /services/orders')).toMatchObject({
      status: 200,
      body: { service: { serviceId: serviceId(1) }, warnings: [] },
    });
    expect(await callApi(env, 'GET /services')).toEqual({ status: 200, body: { services: [] } });
  });

  test('keep their allowlist entries after deregistration, and a warning says so', async () => {
    const entries = [anEntry(), anEntry({ serviceId: '*' })];
    const { body } = await callApi(createTestEnv({ services, entries }), 'DELETE /services/orders');
    expect(body.warnings).toEqual([
      expect.stringMatching(
        `of ${serviceId(1)} \\(accounts: 1\\).*linkgate allowlist --service ${serviceId(1)}`,
      ),
    ]);
  });
});

describe('the allowlist', () => {
  test('stores an entry with its author and time', async () => {
    const env = createTestEnv({ services });
    const answer = await callApi(env, `PUT /allowlist/orders/${consumer}`, {
      effect: 'allow',
      maxEndpoints: 2,
    });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        entry: {
          serviceId: serviceId(1),
          accountId: consumer,
          effect: 'allow',
          maxEndpoints: 2,
          changedBy: alice,
          changedAt: noon.toISOString(),
        },
        warnings: [],
      },
    });
    expect(await callApi(env, 'GET /allowlist')).toMatchObject({
      body: { entries: [{ accountId: consumer }] },
    });
  });

  test('stores an entry for every service', async () => {
    const env = createTestEnv({ services });
    await callApi(env, `PUT /allowlist/*/${consumer}`, { effect: 'block' });
    expect(await callApi(env, 'GET /allowlist?service=*')).toMatchObject({
      body: { entries: [{ serviceId: '*', effect: 'block' }] },
    });
    expect(await callApi(env, 'GET /allowlist?service=orders')).toMatchObject({ body: { entries: [] } });
  });

  test('names the first 20 endpoints that an entry disconnects, and counts the others', async () => {
    const connections = Array.from({ length: 1_025 }, (_, index) =>
      aConnection({ endpointId: endpointId(index), state: 'available' }),
    );
    const env = createTestEnv({ services, connections });
    const { body } = await callApi(env, `PUT /allowlist/orders/${consumer}`, { effect: 'block' });
    const [warning = ''] = body.warnings as string[];
    expect(warning).toContain(' and 1,005 more at orders');
    expect(new Set(warning.match(/vpce-[0-9a-f]{17}/g)).size).toBe(20);
  });

  test('describes the connections of each location once to predict the impact of a change', async () => {
    const twoServices = [...services, aService({ serviceId: serviceId(2), name: 'payments' })];
    const connections = [1, 2].map((number) =>
      aConnection({ endpointId: endpointId(number), serviceId: serviceId(number), state: 'available' }),
    );
    const env = createTestEnv({ services: twoServices, connections });
    const { body } = await callApi(env, `PUT /allowlist/*/${consumer}`, { effect: 'block' });
    expect(body.warnings).toEqual([
      expect.stringContaining(`${endpointId(1)} at orders: disconnected now`),
      expect.stringContaining(`${endpointId(2)} at payments: disconnected now`),
    ]);
    expect(env.ec2.describeCalls).toEqual([{ ownerAccountId: consumer }]);
  });

  test('predicts no impact on services outside the scope of a change', async () => {
    const twoServices = [...services, aService({ serviceId: serviceId(2), name: 'payments' })];
    const connections = [aConnection({ serviceId: serviceId(2), state: 'available' })];
    const env = createTestEnv({ services: twoServices, connections });
    const { body } = await callApi(env, `PUT /allowlist/orders/${consumer}`, { effect: 'block' });
    expect(body.warnings).toEqual([]);
  });

  test('stores an entry when EC2 is unavailable, with a warning that the impact is unknown', async () => {
    const env = createTestEnv({ services });
    const error = new Error('EC2 is away');
    env.ec2.beforePage = () => {
      throw error;
    };
    const answer = await callApi(env, `PUT /allowlist/orders/${consumer}`, { effect: 'block' });
    expect(answer).toMatchObject({
      status: 200,
      body: { entry: { effect: 'block' }, warnings: [expect.stringContaining('the change is done')] },
    });
    expect(env.errors).toEqual([error]);
  });

  test('of a deregistered service is read and cleared by the service id', async () => {
    const env = createTestEnv({ entries: [anEntry()] });
    expect(await callApi(env, `GET /allowlist?service=${serviceId(1)}`)).toMatchObject({
      body: { entries: [{ accountId: consumer }] },
    });
    expect(await callApi(env, `DELETE /allowlist/${serviceId(1)}/${consumer}`)).toMatchObject({
      status: 200,
      body: { entry: { accountId: consumer }, warnings: [] },
    });
  });

  test('warns that a rejected connection stays rejected after its account is allowed', async () => {
    const env = createTestEnv({ services, connections: [aConnection({ state: 'rejected' })] });
    const { body } = await callApi(env, `PUT /allowlist/orders/${consumer}`, { effect: 'allow' });
    expect(body.warnings).toEqual([expect.stringContaining('stays rejected')]);
  });

  test('removes an entry', async () => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    expect(await callApi(env, `DELETE /allowlist/orders/${consumer}`)).toMatchObject({
      status: 200,
      body: { entry: { accountId: consumer } },
    });
    expect(await callApi(env, `DELETE /allowlist/orders/${consumer}`)).toEqual(
      errorAnswer(404, 'UnknownEntry', `account ${consumer} has no entry`),
    );
  });
});

describe('connections', () => {
  const connections = [aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })];
  const records = [aRecord({ verdict: aVerdict('ask') })];

  test('are listed with their verdicts', async () => {
    const env = createTestEnv({ services, connections, records });
    expect(await callApi(env, 'GET /connections')).toMatchObject({
      status: 200,
      body: {
        connections: [
          { service: 'orders', endpointId: endpointId(1), verdict: 'ask' },
          { endpointId: endpointId(2) },
        ],
      },
    });
    expect(await callApi(env, 'GET /connections?state=available&service=orders')).toMatchObject({
      body: { connections: [{ endpointId: endpointId(2), verdict: null }] },
    });
    for (const query of ['waiting=true', 'waiting=true&state=pendingAcceptance'])
      expect(await callApi(env, `GET /connections?${query}`)).toMatchObject({
        body: { connections: [{ endpointId: endpointId(1) }] },
      });
  });
});

describe("a person's decision", () => {
  const path = `/connections/${endpointId(1)}/decision`;
  const connections = [aConnection()];

  test('is recorded for the authenticated caller', async () => {
    const env = createTestEnv({ services, connections });
    expect(await callApi(env, `POST ${path}`, { decision: 'approve', reason: 'known' })).toEqual({
      status: 200,
      body: {
        decision: {
          endpointId: endpointId(1),
          decision: 'approve',
          reason: 'known',
          by: alice,
          at: noon.toISOString(),
          state: 'pendingAcceptance',
          verdict: 'accept',
          approvals: 1,
          quorum: 1,
        },
        warnings: [],
      },
    });
  });
});

describe('a sweep', () => {
  test('is a job with one sweep request per location, and is polled until it succeeds', async () => {
    const env = createTestEnv({ services });
    const { status, body } = await callApi(env, 'POST /sweeps');
    expect(status).toBe(202);
    expect(body.job).toMatchObject({ jobId: 'id-1', status: 'running', startedBy: alice });
    expect(env.requestedSweeps).toEqual([
      { location: { accountId: '111111111111', region: 'us-east-1' }, scope: 'full', jobId: 'id-1' },
    ]);
    expect(await callApi(env, 'GET /jobs/id-1')).toMatchObject({ body: { job: { status: 'running' } } });
  });

  test('without locations succeeds at once', async () => {
    const { body } = await callApi(createTestEnv(), 'POST /sweeps');
    expect(body.job).toMatchObject({ status: 'succeeded', result: { described: 0 } });
  });

  test('answers with Location and Retry-After until the job is done', async () => {
    const env = createTestEnv({ services });
    const started = await sendApiRequest(env, 'POST /sweeps');
    expect(started.headers.get('location')).toBe('/jobs/id-1');
    expect((await sendApiRequest(env, 'GET /jobs/id-1')).headers.get('retry-after')).toBe('1');
    await finishLocation('id-1', hub, { ...emptySweep(), described: 3 }, env.deps);
    const response = await sendApiRequest(env, 'GET /jobs/id-1');
    expect(response.headers.get('retry-after')).toBeNull();
    expect(await response.json()).toMatchObject({
      job: { status: 'succeeded', result: { described: 3 } },
      locations: [{ ...hub, result: { described: 3 } }],
    });
  });

  test('lists the results of 100 locations per page', async () => {
    const env = createTestEnv();
    const locations = Array.from({ length: 201 }, (_, index) => ({
      ...hub,
      accountId: String(index).padStart(12, '0'),
    }));
    await startJob('id-1', locations, alice, env.deps);
    const pages: unknown[][] = [];
    for (let token: unknown = ''; token !== undefined; ) {
      const { body } = await callApi(env, `GET /jobs/id-1${token && `?nextToken=${token}`}`);
      pages.push(body.locations as unknown[]);
      token = body.nextToken;
    }
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 1]);
    expect(pages.flat()).toEqual(locations.map((location) => ({ ...location, result: null })));
  });
});

describe('the caller', () => {
  const claims = { by: 'bob', caller: 'bob', changedBy: 'bob', registeredBy: 'bob', startedBy: 'bob' };
  const headers = { 'x-caller': 'bob', 'x-amzn-iam-user': 'bob', 'x-forwarded-user': 'bob' };

  test.each([
    [`PUT /allowlist/orders/${consumer}`, { effect: 'allow' }, 'entry.changedBy'],
    ['POST /services', { serviceId: serviceId(1) }, 'service.registeredBy'],
    [`POST /connections/${endpointId(1)}/decision`, { decision: 'approve' }, 'decision.by'],
    ['POST /services/orders/pause', {}, 'service.pausedBy'],
    ['PUT /mode', { mode: 'observe' }, 'by'],
    ['PUT /approvers/network', { emails: ['a@example.com'] }, 'group.changedBy'],
    ['POST /sweeps', undefined, 'job.startedBy'],
  ])('is recorded by %s, whatever headers and body claim', async (request, body, actorPath) => {
    const env = createTestEnv({
      services: request === 'POST /services' ? [] : services,
      connections: [aConnection()],
    });
    env.services.setConfiguration(aConfiguration());
    const { body: answer } = await callApi(env, request, body, headers);
    expect(answer).toHaveProperty(actorPath, alice);
    if (body === undefined) return;
    for (const [name, value] of Object.entries(claims))
      expect(await callApi(env, request, { ...body, [name]: value })).toMatchObject({ status: 400 });
  });
});

test('an unexpected error is logged and not shown to the caller', async () => {
  const env = createTestEnv();
  const error = new Error('the table is on fire');
  env.deps.table = { ...env.table, get: () => Promise.reject(error) };
  const answer = await callApi(env, 'GET /jobs/id-1');
  expect(answer).toMatchObject(errorAnswer(500, 'InternalError'));
  expect(JSON.stringify(answer)).not.toContain('fire');
  expect(env.errors).toEqual([error]);
});

test('a request that DynamoDB throttles answers 503 with Retry-After', async () => {
  const env = createTestEnv();
  env.deps.table = { ...env.table, write: () => Promise.reject(new TableBusyError('ThrottlingError')) };
  const response = await sendApiRequest(env, 'PUT /approvers/night', {
    body: { emails: ['night@example.com'] },
  });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await response.json()).toMatchObject({ error: { code: 'TableBusy' } });
});
