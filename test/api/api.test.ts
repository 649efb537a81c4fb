import { describe, expect, test } from '@jest/globals';
import { TableBusyError } from '../../lib/storage/table.ts';
import { finishLocation, startJob } from '../../lib/sweep/job.ts';
import { emptySweep } from '../../lib/sweep/sweep.ts';
import {
  aConfiguration,
  aConnection,
  alice,
  anApproval,
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
import { callApi, sendApiRequest } from './call-api.ts';

const services = [aService()];

/** An environment before `linkgate setup`. */
async function createEnvBeforeSetup() {
  const env = createTestEnv();
  await env.table.write([{ remove: { pk: 'APPROVERS', sk: 'default' } }]);
  return env;
}

function refusal(status: number, code: string, message: unknown = expect.any(String)) {
  return { status, body: { error: { code, message } } };
}

describe('setup', () => {
  test('creates missing items, keeps existing ones and names the next step', async () => {
    const env = await createEnvBeforeSetup();
    const next = expect.stringMatching(/^next: .*linkgate service add.*linkgate allow/);
    const people = expect.stringMatching(
      /in Slack: .*linkgate slack connect.*by email: .*linkgate approvers set/,
    );
    expect(await callApi(env, 'POST', '/setup')).toEqual({
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
    expect(await callApi(env, 'POST', '/setup')).toMatchObject({
      body: {
        done: ['the signing key of links exists', 'the approver group default exists', next, people],
      },
    });
    expect([...env.secrets.keys()]).toEqual(['links/signing-key']);
  });

  test('sets the mode only on the first run; a lost mode parameter has to be set by `linkgate mode`', async () => {
    const env = await createEnvBeforeSetup();
    const createdModes: string[] = [];
    const createOnce = async (mode: string) => createdModes.push(mode) > 0;
    env.deps.modeParameter = { ...env.deps.modeParameter, createIfMissing: createOnce };
    expect((await callApi(env, 'POST', '/setup')).body.done).toContain('set the mode to enforce');
    expect((await callApi(env, 'POST', '/setup')).body.done).not.toContain('set the mode to enforce');
    expect(createdModes).toEqual(['enforce']);
  });
});

describe('services', () => {
  test('are registered and listed with account and Region', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration());
    const registration = { serviceId: serviceId(1), name: 'orders', onUnlisted: 'hold' };
    const answer = await callApi(env, 'POST', '/services', registration);
    expect(answer).toMatchObject({
      status: 200,
      body: { service: { ...registration, accountId: '111111111111', region: 'us-east-1' }, warnings: [] },
    });
    expect(answer.body.service).not.toHaveProperty('version');
    expect(await callApi(env, 'GET', '/services')).toMatchObject({ body: { services: [registration] } });
  });

  test.each(['orders', serviceId(1)])('are found by name and by id: %s', async (name) => {
    const answer = await callApi(createTestEnv({ services }), 'GET', `/services/${name}`);
    expect(answer).toMatchObject({ status: 200, body: { service: { serviceId: serviceId(1) } } });
  });

  test('that are not registered answer UnknownService, and the error names the registered ones', async () => {
    expect(await callApi(createTestEnv({ services }), 'GET', '/services/order')).toEqual(
      refusal(404, 'UnknownService', 'no service `order` is registered (registered: orders)'),
    );
    expect(await callApi(createTestEnv(), 'DELETE', '/services/order')).toEqual(
      refusal(404, 'UnknownService', 'no service `order` is registered (registered: none yet)'),
    );
  });

  test('are not registered when EC2 does not list them', async () => {
    expect(await callApi(createTestEnv(), 'POST', '/services', { serviceId: serviceId(1) })).toEqual(
      refusal(
        404,
        'UnknownService',
        `account 111111111111 has no endpoint service \`${serviceId(1)}\` in us-east-1`,
      ),
    );
  });

  test.each([
    '*',
    serviceId(1),
    'vpce-payments',
    'Payments API',
    'prod/payments',
    'ü',
    '..',
    '-x',
    'a'.repeat(65),
  ])('are rejected with the name `%s`, and the error describes a valid name', async (name) => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration({ serviceId: serviceId(2) }));
    expect(await callApi(env, 'POST', '/services', { serviceId: serviceId(2), name })).toEqual(
      refusal(400, 'InvalidRequest', expect.stringContaining('name: a name has 1 to 64 letters')),
    );
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
      expect(await callApi(env, method, `/services/${serviceId(1)}${path}`, body)).toMatchObject({
        status: 200,
        body: { service: { serviceId: serviceId(1) } },
      });
    },
  );

  test('are listed by their ids and not found by name when two share the name', async () => {
    const namesakes = [aService(), aService({ serviceId: serviceId(2) })];
    expect(await callApi(createTestEnv({ services: namesakes }), 'DELETE', '/services/orders')).toEqual(
      refusal(
        404,
        'UnknownService',
        `no service \`orders\` is registered (registered: ${serviceId(1)}, ${serviceId(2)})`,
      ),
    );
  });

  test('are not registered with the name of another service', async () => {
    const env = createTestEnv({ services });
    env.services.setConfiguration(aConfiguration({ serviceId: serviceId(2) }));
    const answer = await callApi(env, 'POST', '/services', { serviceId: serviceId(2), name: 'orders' });
    expect(answer).toEqual(
      refusal(400, 'NameTaken', `the name \`orders\` belongs to ${serviceId(1)}; choose another with --name`),
    );
  });

  test('of another stage are rejected, and the error names the command that deregisters them there', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration({ isTagged: false, otherStage: 'prod' }));
    expect(await callApi(env, 'POST', '/services', { serviceId: serviceId(1) })).toEqual(
      refusal(409, 'OtherStage', expect.stringContaining(`service remove ${serviceId(1)} --stage prod`)),
    );
  });

  test('with invalid fields are rejected, and the error names each field', async () => {
    const body = { serviceId: 7, onUnlisted: 'maybe', foo: 1 };
    const problems =
      'serviceId: it has to be a text, and is 7; onUnlisted: it has to be `ask` or `hold` or `reject`, and is `maybe`; foo: unknown field';
    expect(await callApi(createTestEnv(), 'POST', '/services', body)).toEqual(
      refusal(400, 'InvalidRequest', `the registration is invalid: ${problems}`),
    );
    expect(await callApi(createTestEnv(), 'POST', '/services', {})).toEqual(
      refusal(400, 'InvalidRequest', 'the registration is invalid: serviceId: it is missing'),
    );
  });

  test('are rejected with an approver group that does not exist', async () => {
    const env = createTestEnv();
    env.services.setConfiguration(aConfiguration());
    const approvalRequest = (approvers: string) =>
      callApi(env, 'POST', '/services', { serviceId: serviceId(1), approvers });
    expect(await approvalRequest('nobody')).toEqual(
      refusal(404, 'UnknownGroup', 'there is no approver group `nobody`; see `linkgate approvers list`'),
    );
    expect(await approvalRequest('default')).toMatchObject({ status: 200 });
  });

  test('are not registered before setup, and the error names `linkgate setup`', async () => {
    const env = await createEnvBeforeSetup();
    env.services.setConfiguration(aConfiguration());
    expect(await callApi(env, 'POST', '/services', { serviceId: serviceId(1) })).toEqual(
      refusal(409, 'NotSetUp', expect.stringContaining('linkgate setup')),
    );
    expect(env.services.calls).toEqual([]);
  });

  test('answer Conflict when concurrent changes exhaust the retries', async () => {
    const env = createTestEnv({ services });
    env.deps.table = { ...env.table, write: async () => false };
    expect(await callApi(env, 'DELETE', '/services/orders')).toEqual(refusal(409, 'Conflict'));
  });

  test('are deregistered', async () => {
    const env = createTestEnv({ services });
    expect(await callApi(env, 'DELETE', '/services/orders')).toMatchObject({
      status: 200,
      body: { service: { serviceId: serviceId(1) }, warnings: [] },
    });
    expect(await callApi(env, 'GET', '/services')).toEqual({ status: 200, body: { services: [] } });
  });

  test('keep their allowlist entries after deregistration, and a warning says so', async () => {
    const entries = [anEntry(), anEntry({ serviceId: '*' })];
    const { body } = await callApi(createTestEnv({ services, entries }), 'DELETE', '/services/orders');
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
    const answer = await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, {
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
    expect(await callApi(env, 'GET', '/allowlist')).toMatchObject({
      body: { entries: [{ accountId: consumer }] },
    });
  });

  test('stores an entry for every service', async () => {
    const env = createTestEnv({ services });
    await callApi(env, 'PUT', `/allowlist/*/${consumer}`, { effect: 'block' });
    expect(await callApi(env, 'GET', '/allowlist?service=*')).toMatchObject({
      body: { entries: [{ serviceId: '*', effect: 'block' }] },
    });
    expect(await callApi(env, 'GET', '/allowlist?service=orders')).toMatchObject({ body: { entries: [] } });
  });

  test('names the first 20 endpoints that an entry disconnects, and counts the others', async () => {
    const connections = Array.from({ length: 1_025 }, (_, index) =>
      aConnection({ endpointId: endpointId(index), state: 'available' }),
    );
    const env = createTestEnv({ services, connections });
    const { body } = await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, { effect: 'block' });
    const [warning = ''] = body.warnings as string[];
    expect(warning).toContain(' and 1,005 more at orders');
    expect(new Set(warning.match(/vpce-[0-9a-f]{17}/g)).size).toBe(20);
  });

  test('rejects an entry with more than 1,000 endpoints', async () => {
    const endpointIds = Array.from({ length: 1_001 }, (_, index) => endpointId(index));
    const body = { effect: 'allow', endpointIds };
    expect(
      await callApi(createTestEnv({ services }), 'PUT', `/allowlist/orders/${consumer}`, body),
    ).toMatchObject(refusal(400, 'InvalidRequest'));
  });

  test('describes the connections of each location once to predict the impact of a change', async () => {
    const twoServices = [...services, aService({ serviceId: serviceId(2), name: 'payments' })];
    const connections = [1, 2].map((number) =>
      aConnection({ endpointId: endpointId(number), serviceId: serviceId(number), state: 'available' }),
    );
    const env = createTestEnv({ services: twoServices, connections });
    const { body } = await callApi(env, 'PUT', `/allowlist/*/${consumer}`, { effect: 'block' });
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
    const { body } = await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, { effect: 'block' });
    expect(body.warnings).toEqual([]);
  });

  test('stores an entry when EC2 is unavailable, with a warning that the impact is unknown', async () => {
    const env = createTestEnv({ services });
    const error = new Error('EC2 is away');
    env.ec2.beforePage = () => {
      throw error;
    };
    const answer = await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, { effect: 'block' });
    expect(answer).toMatchObject({
      status: 200,
      body: { entry: { effect: 'block' }, warnings: [expect.stringContaining('the change is done')] },
    });
    expect(env.errors).toEqual([error]);
  });

  test('of a deregistered service is read and cleared by the service id', async () => {
    const env = createTestEnv({ entries: [anEntry()] });
    expect(await callApi(env, 'GET', `/allowlist?service=${serviceId(1)}`)).toMatchObject({
      body: { entries: [{ accountId: consumer }] },
    });
    expect(await callApi(env, 'DELETE', `/allowlist/${serviceId(1)}/${consumer}`)).toMatchObject({
      status: 200,
      body: { entry: { accountId: consumer }, warnings: [] },
    });
  });

  test('rejects a new entry of a service that is not registered', async () => {
    const body = { effect: 'allow' };
    expect(await callApi(createTestEnv(), 'PUT', `/allowlist/${serviceId(1)}/${consumer}`, body)).toEqual(
      refusal(404, 'UnknownService'),
    );
  });

  test('stores a note on a block', async () => {
    const env = createTestEnv({ services });
    const body = { effect: 'block', note: 'ticket 42' };
    expect(await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, body)).toMatchObject({
      status: 200,
      body: { entry: body },
    });
  });

  test('warns that a rejected connection stays rejected after its account is allowed', async () => {
    const env = createTestEnv({ services, connections: [aConnection({ state: 'rejected' })] });
    const { body } = await callApi(env, 'PUT', `/allowlist/orders/${consumer}`, { effect: 'allow' });
    expect(body.warnings).toEqual([expect.stringContaining('stays rejected')]);
  });

  test('removes an entry', async () => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    expect(await callApi(env, 'DELETE', `/allowlist/orders/${consumer}`)).toMatchObject({
      status: 200,
      body: { entry: { accountId: consumer } },
    });
    expect(await callApi(env, 'DELETE', `/allowlist/orders/${consumer}`)).toEqual(
      refusal(404, 'UnknownEntry', expect.stringContaining(`account ${consumer} has no entry`)),
    );
  });

  test.each([
    ['an account id of 11 digits', '12345678901', { effect: 'allow' }, 'an account id has 12 digits'],
    ['an unknown effect', consumer, { effect: 'permit' }, 'effect:'],
    ['an unknown field', consumer, { effect: 'allow', maxEndpoint: 1 }, 'maxEndpoint:'],
    ['an empty list of endpoints', consumer, { effect: 'allow', endpointIds: [] }, 'endpointIds:'],
    ['a malformed endpoint id', consumer, { effect: 'allow', endpointIds: ['vpce-x'] }, 'endpointIds.0:'],
    [
      'a malformed Region',
      consumer,
      { effect: 'allow', consumerRegions: ['Virginia'] },
      'consumerRegions.0:',
    ],
    ['an expiry in the past', consumer, { effect: 'allow', expiresAt: noon.toISOString() }, 'is in the past'],
    ...['endpointIds', 'consumerRegions', 'maxEndpoints', 'expiresAt'].map(
      (narrowing) =>
        [
          `a block narrowed by ${narrowing}`,
          consumer,
          { effect: 'block', [narrowing]: 1 },
          narrowing,
        ] as const,
    ),
    ['text that is not JSON', consumer, '{', 'the body is not JSON'],
  ])('rejects %s, and the error says why', async (_what, accountId, body, message) => {
    const answer = await callApi(createTestEnv({ services }), 'PUT', `/allowlist/orders/${accountId}`, body);
    expect(answer).toEqual(refusal(400, 'InvalidRequest', expect.stringContaining(message)));
  });
});

describe('connections', () => {
  const connections = [aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })];
  const records = [aRecord({ verdict: aVerdict('ask') })];

  test('are listed with their verdicts', async () => {
    const env = createTestEnv({ services, connections, records });
    expect(await callApi(env, 'GET', '/connections')).toMatchObject({
      status: 200,
      body: {
        connections: [
          { service: 'orders', endpointId: endpointId(1), verdict: 'ask' },
          { endpointId: endpointId(2) },
        ],
      },
    });
    expect(await callApi(env, 'GET', '/connections?state=available&service=orders')).toMatchObject({
      body: { connections: [{ endpointId: endpointId(2), verdict: null }] },
    });
    for (const query of ['waiting=true', 'waiting=true&state=pendingAcceptance'])
      expect(await callApi(env, 'GET', `/connections?${query}`)).toMatchObject({
        body: { connections: [{ endpointId: endpointId(1) }] },
      });
  });

  test.each([
    ['state=Available', 'state:'],
    ['account=1', 'account:'],
  ])('are not listed by an invalid filter: %s', async (query, message) => {
    const answer = await callApi(createTestEnv({ services }), 'GET', `/connections?${query}`);
    expect(answer).toEqual(refusal(400, 'InvalidRequest', expect.stringContaining(message)));
  });

  test('are explained with verdict, history and next step', async () => {
    const env = createTestEnv({ services, connections, records });
    expect(await callApi(env, 'GET', `/connections/${endpointId(1)}`)).toMatchObject({
      status: 200,
      body: { connection: { state: 'pendingAcceptance' }, verdict: { outcome: 'ask' }, history: [] },
    });
  });

  test('that neither EC2 nor linkgate knows answer UnknownEndpoint', async () => {
    expect(await callApi(createTestEnv({ services }), 'GET', `/connections/${endpointId(9)}`)).toEqual(
      refusal(404, 'UnknownEndpoint', expect.stringContaining(endpointId(9))),
    );
    expect(await callApi(createTestEnv({ services }), 'GET', `/connections/${serviceId(1)}`)).toEqual(
      refusal(400, 'InvalidRequest', expect.stringContaining('the endpoint id')),
    );
  });
});

describe("a person's decision", () => {
  const path = `/connections/${endpointId(1)}/decision`;
  const connections = [aConnection()];

  test('is recorded for the authenticated caller', async () => {
    const env = createTestEnv({ services, connections });
    expect(await callApi(env, 'POST', path, { decision: 'approve', reason: 'known' })).toEqual({
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

  test('cannot name another author in its body', async () => {
    const answer = await callApi(createTestEnv({ services, connections }), 'POST', path, {
      decision: 'approve',
      by: 'bob',
    });
    expect(answer).toEqual(refusal(400, 'InvalidRequest', expect.stringContaining('by:')));
  });

  test.each([
    [{ decision: 'deny' }, 400, 'InvalidRequest'],
    [{ decision: 'deny', reason: ' ' }, 422, 'BlankText'],
  ] as const)('that denies without a reason is rejected: %j answers %d %s', async (body, status, code) => {
    const answer = await callApi(createTestEnv({ services, connections }), 'POST', path, body);
    expect(answer).toEqual(refusal(status, code, expect.stringContaining('reason:')));
  });

  test.each([
    [
      'a decision of a person',
      { personDecision: anApproval({ reason: 'known' }) },
      `${alice} approved it at ${noon.toISOString()} (known)`,
    ],
    ['a decision of policy', {}, `linkgate decided to accept it at ${noon.toISOString()} (because)`],
    [
      'a decision of policy against that of a person',
      { personDecision: anApproval({ decision: 'deny', reason: 'unknown' }) },
      `linkgate decided to accept it at ${noon.toISOString()} (because)`,
    ],
    [
      'a decision of a person that policy holds',
      { personDecision: anApproval({ reason: 'known' }), verdict: aVerdict('hold') },
      `${alice} approved it at ${noon.toISOString()} (known)`,
    ],
  ])(
    'answers NotOpen after %s, with author, decision, time and reason',
    async (_who, decisionFields, message) => {
      const records = [aRecord({ verdict: aVerdict('accept'), ...decisionFields })];
      const env = createTestEnv({ services, connections, records });
      expect(await callApi(env, 'POST', path, { decision: 'approve' })).toMatchObject({
        status: 409,
        body: {
          error: {
            code: 'NotOpen',
            message: `${endpointId(1)} is not open: ${message}`,
            details: { state: 'pendingAcceptance', at: noon.toISOString() },
          },
        },
      });
    },
  );

  test('answers NotOpen with state deleted when EC2 no longer lists the endpoint', async () => {
    const env = createTestEnv({ services, records: [aRecord({ verdict: aVerdict('ask') })] });
    expect(await callApi(env, 'POST', path, { decision: 'approve' })).toMatchObject({
      status: 409,
      body: { error: { code: 'NotOpen', details: { state: 'deleted' } } },
    });
  });

  test('answers NotOpen with the state in EC2 when somebody else answered the request', async () => {
    const env = createTestEnv({ services, connections: [aConnection({ state: 'available' })] });
    expect(await callApi(env, 'POST', path, { decision: 'approve' })).toMatchObject({
      status: 409,
      body: { error: { code: 'NotOpen', details: { state: 'available' } } },
    });
  });
});

describe('a sweep', () => {
  test('is a job with one sweep request per location, and is polled until it succeeds', async () => {
    const env = createTestEnv({ services });
    const { status, body } = await callApi(env, 'POST', '/sweeps');
    expect(status).toBe(202);
    expect(body.job).toMatchObject({ jobId: 'id-1', status: 'running', startedBy: alice });
    expect(env.requestedSweeps).toEqual([
      { location: { accountId: '111111111111', region: 'us-east-1' }, scope: 'full', jobId: 'id-1' },
    ]);
    expect(await callApi(env, 'GET', '/jobs/id-1')).toMatchObject({ body: { job: { status: 'running' } } });
  });

  test('without locations succeeds at once', async () => {
    const { body } = await callApi(createTestEnv(), 'POST', '/sweeps');
    expect(body.job).toMatchObject({ status: 'succeeded', result: { described: 0 } });
  });

  test('answers with Location and Retry-After until the job is done', async () => {
    const env = createTestEnv({ services });
    const started = await sendApiRequest(env, 'POST', '/sweeps');
    expect(started.headers.get('location')).toBe('/jobs/id-1');
    expect((await sendApiRequest(env, 'GET', '/jobs/id-1')).headers.get('retry-after')).toBe('1');
    await finishLocation('id-1', hub, { ...emptySweep(), described: 3 }, env.deps);
    const response = await sendApiRequest(env, 'GET', '/jobs/id-1');
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
      const { body } = await callApi(env, 'GET', `/jobs/id-1${token && `?nextToken=${token}`}`);
      pages.push(body.locations as unknown[]);
      token = body.nextToken;
    }
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 1]);
    expect(pages.flat()).toEqual(locations.map((location) => ({ ...location, result: null })));
  });

  test('answers UnknownJob once the job has expired', async () => {
    expect(await callApi(createTestEnv(), 'GET', '/jobs/id-9')).toEqual(refusal(404, 'UnknownJob'));
  });
});

describe('the caller', () => {
  const claims = { by: 'bob', caller: 'bob', changedBy: 'bob', registeredBy: 'bob', startedBy: 'bob' };
  const headers = { 'x-caller': 'bob', 'x-amzn-iam-user': 'bob', 'x-forwarded-user': 'bob' };

  test.each([
    ['PUT', `/allowlist/orders/${consumer}`, { effect: 'allow' }, 'entry.changedBy'],
    ['POST', '/services', { serviceId: serviceId(1) }, 'service.registeredBy'],
    ['POST', `/connections/${endpointId(1)}/decision`, { decision: 'approve' }, 'decision.by'],
    ['POST', '/services/orders/pause', {}, 'service.pausedBy'],
    ['PUT', '/mode', { mode: 'observe' }, 'by'],
    ['PUT', '/approvers/network', { emails: ['a@example.com'] }, 'group.changedBy'],
    ['POST', '/sweeps', undefined, 'job.startedBy'],
  ])('is recorded by %s %s, whatever headers and body claim', async (method, path, body, actorPath) => {
    const env = createTestEnv({
      services: path === '/services' ? [] : services,
      connections: [aConnection()],
    });
    env.services.setConfiguration(aConfiguration());
    const { body: answer } = await callApi(env, method, path, body, headers);
    expect(answer).toHaveProperty(actorPath, alice);
    if (body === undefined) return;
    for (const [name, value] of Object.entries(claims))
      expect(await callApi(env, method, path, { ...body, [name]: value })).toMatchObject({ status: 400 });
  });
});

test('an unknown path answers 404', async () => {
  expect(await callApi(createTestEnv(), 'PATCH', '/nothing')).toEqual(
    refusal(404, 'NotFound', 'there is no PATCH /nothing'),
  );
});

test('an unexpected error is logged and not shown to the caller', async () => {
  const env = createTestEnv();
  const error = new Error('the table is on fire');
  env.deps.table = { ...env.table, get: () => Promise.reject(error) };
  expect(await callApi(env, 'GET', '/jobs/id-1')).toEqual(
    refusal(500, 'InternalError', expect.not.stringContaining('fire')),
  );
  expect(env.errors).toEqual([error]);
});

test('a request that DynamoDB throttles answers 503 with Retry-After', async () => {
  const env = createTestEnv();
  env.deps.table = { ...env.table, write: () => Promise.reject(new TableBusyError('ThrottlingError')) };
  const response = await sendApiRequest(env, 'PUT', '/approvers/night', {
    body: { emails: ['night@example.com'] },
  });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('5');
  expect(await response.json()).toMatchObject({ error: { code: 'TableBusy' } });
});
