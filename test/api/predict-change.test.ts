import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
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
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';

const graceEnds = secondsAfterNoon(72 * 3600).toISOString();
const path = `/allowlist/orders/${consumer}`;
const putEntry = `PUT ${path}`;
const deleteEntry = `DELETE ${path}`;

/** A connection that linkgate accepted. */
function live(record: Partial<ConnectionRecord> = {}) {
  return aRecord({
    state: 'available',
    acceptRequestedAt: '2026-11-20T12:00:00.000Z',
    verdict: aVerdict('accept'),
    ...record,
  });
}

function createEnvWith(record: ConnectionRecord, service = aService()) {
  const connections = [aConnection({ state: 'available' })];
  return createTestEnv({ services: [service], entries: [anEntry()], connections, records: [record] });
}

const first = { endpointId: endpointId(1), serviceId: serviceId(1), service: 'orders' };

describe('the predicted impact of an allowlist change on a connected endpoint is', () => {
  test('an immediate disconnect for a block', async () => {
    const { body } = await callApi(createEnvWith(live()), putEntry, { effect: 'block' });
    expect(body).toMatchObject({
      disconnects: [{ ...first, at: noon.toISOString() }],
      warnings: [`${endpointId(1)} at orders: disconnected now`],
    });
  });

  test.each([
    ['the entry is removed', 'DELETE', undefined],
    ['the entry allows only other endpoints', 'PUT', { effect: 'allow', endpointIds: [endpointId(2)] }],
    ['the entry allows only other Regions', 'PUT', { effect: 'allow', consumerRegions: ['eu-central-1'] }],
  ])('a disconnect after the grace period if %s', async (_change, method, input) => {
    const { body } = await callApi(createEnvWith(live()), `${method} ${path}`, input);
    expect(body).toMatchObject({
      disconnects: [{ ...first, at: graceEnds }],
      warnings: [
        expect.stringContaining(
          `${endpointId(1)} at orders: disconnected at 2026-11-24 12:00:00 UTC, unless`,
        ),
      ],
    });
  });

  test('a cancelled disconnect if the account is allowed within the grace period', async () => {
    const revocation = {
      since: noon.toISOString(),
      disconnectAt: graceEnds,
      cause: 'policy' as const,
      by: 'linkgate',
    };
    const verdict = aVerdict('reject', { until: graceEnds });
    const { body } = await callApi(createEnvWith(live({ revocation, verdict })), putEntry, {
      effect: 'allow',
    });
    expect(body).toMatchObject({
      disconnects: [],
      warnings: [`${endpointId(1)} at orders: stays connected; its scheduled disconnect is cancelled`],
    });
  });

  test('no disconnect while the service is paused, with a warning that the pause keeps it connected', async () => {
    const env = createEnvWith(live(), aService({ pausedAt: noon.toISOString() }));
    expect((await callApi(env, putEntry, { effect: 'block' })).body).toMatchObject({
      disconnects: [],
      warnings: [expect.stringContaining('stays connected while orders is paused')],
    });
  });

  test('no disconnect in the mode observe, with a warning that names the disconnect of enforce', async () => {
    const env = createEnvWith(live());
    env.mode = 'observe';
    expect((await callApi(env, putEntry, { effect: 'block' })).body).toMatchObject({
      disconnects: [],
      warnings: [expect.stringContaining('mode is observe'), `${endpointId(1)} at orders: disconnected now`],
    });
  });

  test('one warning for all connections that are disconnected in the same second', async () => {
    const connections = [1, 2].map((number) =>
      aConnection({ endpointId: endpointId(number), state: 'available' }),
    );
    const records = connections.map(({ endpointId: id }, index) => {
      const disconnectAt = `2026-11-24T12:00:00.${index}00Z`;
      const revocation = {
        since: noon.toISOString(),
        disconnectAt,
        cause: 'policy',
        by: 'linkgate',
      } as const;
      return live({ endpointId: id, revocation, verdict: aVerdict('reject', { until: disconnectAt }) });
    });
    const env = createTestEnv({ services: [aService()], entries: [anEntry()], connections, records });
    const { body } = await callApi(env, deleteEntry);
    expect(body.warnings).toEqual([
      expect.stringContaining(
        `${endpointId(1)}, ${endpointId(2)} at orders: disconnected at 2026-11-24 12:00:00 UTC, unless`,
      ),
    ]);
  });

  test('a decision of an approver if somebody accepted the connection outside linkgate', async () => {
    const externallyAccepted = aRecord({ state: 'available', verdict: aVerdict('ask') });
    expect((await callApi(createEnvWith(externallyAccepted), deleteEntry)).body).toMatchObject({
      disconnects: [],
      warnings: [expect.stringContaining('stays connected until an approver decides')],
    });
  });
});

describe('disconnects beyond the disconnect quota', () => {
  function createEnvWithConnected(connected: number, ofOthers = 0) {
    const connections = Array.from({ length: connected + ofOthers }, (_, index) =>
      aConnection({
        endpointId: endpointId(index + 1),
        state: 'available',
        ...(index >= connected && { ownerAccountId: '033333333333' }),
      }),
    );
    const records = connections.map(({ endpointId: id, ownerAccountId }) =>
      live({ endpointId: id, ownerAccountId }),
    );
    return createTestEnv({ services: [aService()], entries: [anEntry()], connections, records });
  }
  const warnings = async (env: ReturnType<typeof createTestEnv>, method: string, input?: object) =>
    (await callApi(env, `${method} ${path}`, input)).body.warnings;
  const quotaWarning = (count: number, limit: number) =>
    `linkgate disconnects at most ${limit} of these ${count} at orders in 24 hours (disconnect quota); approvers decide on the others`;

  test('are announced in a warning when accounts lose their permission', async () => {
    expect(await warnings(createEnvWithConnected(16), 'DELETE')).toEqual([
      expect.stringContaining('disconnected at'),
      quotaWarning(16, 5),
    ]);
  });

  test('are fewer if the service has more connections', async () => {
    expect(await warnings(createEnvWithConnected(16, 64), 'DELETE')).toContain(quotaWarning(16, 8));
  });

  test('do not occur for a block or for up to five disconnects', async () => {
    expect(await warnings(createEnvWithConnected(16), 'PUT', { effect: 'block' })).toHaveLength(1);
    expect(await warnings(createEnvWithConnected(5), 'DELETE')).toHaveLength(1);
  });
});

describe('resuming a paused service', () => {
  const paused = aService({ pausedAt: noon.toISOString() });
  const scheduledRevocation = (disconnectAt: string) => ({
    since: '2026-11-18T11:00:00.000Z',
    disconnectAt,
    cause: 'policy' as const,
    by: 'linkgate',
  });
  const late = '2026-11-21T11:00:00.000Z';
  const resumption = '/services/orders/resume?dryRun=true';

  function pausedWith(record: ConnectionRecord, entries = [anEntry({ effect: 'block' })]) {
    const connections = [aConnection({ state: 'available' })];
    return createTestEnv({ services: [paused], entries, connections, records: [record] });
  }
  const due = live({ revocation: scheduledRevocation(late), verdict: aVerdict('hold') });

  test('disconnects overdue connections at once, as predicted', async () => {
    const env = pausedWith(due, []);
    const prediction = { disconnects: [{ ...first, at: late }] };
    expect((await callApi(env, `POST ${resumption}`)).body).toMatchObject({ ...prediction, warnings: [] });
    expect((await callApi(env, 'POST /services/orders/resume')).body).toMatchObject(prediction);
    expect((await callApi(env, 'POST /services/orders/resume')).body).toMatchObject({ disconnects: [] });
  });

  test('does not disconnect connections whose grace period is not over', async () => {
    const later = live({ revocation: scheduledRevocation(graceEnds), verdict: aVerdict('hold') });
    for (const record of [later, live({ verdict: aVerdict('hold') })])
      expect((await callApi(pausedWith(record, []), `POST ${resumption}`)).body).toMatchObject({
        disconnects: [],
        warnings: [],
      });
  });

  test('disconnects nothing in the mode observe', async () => {
    const env = pausedWith(due, []);
    env.mode = 'observe';
    expect((await callApi(env, `POST ${resumption}`)).body).toMatchObject({ disconnects: [] });
  });

  test('succeeds when EC2 is unavailable, with a warning that the impact is unknown', async () => {
    const env = pausedWith(due, []);
    env.ec2.beforePage = () => {
      throw new Error('EC2 is down');
    };
    const { status, body } = await callApi(env, 'POST /services/orders/resume');
    expect(status).toBe(200);
    expect(body).toMatchObject({ disconnects: [], warnings: [expect.stringContaining('could not predict')] });
    expect(body.service).not.toHaveProperty('pausedAt');
  });
});

test('a block that replaces a block warns about the replaced note', async () => {
  const entries = [anEntry({ effect: 'block', note: 'incident 7' })];
  const env = createTestEnv({ services: [aService()], entries });
  expect((await callApi(env, putEntry, { effect: 'block', note: 'incident 8' })).body.warnings).toEqual([
    `account ${consumer} was blocked already; this entry replaces the note “incident 7”`,
  ]);
  expect((await callApi(env, putEntry, { effect: 'block', note: 'incident 8' })).body.warnings).toEqual([]);
});

describe('the manager of an entry', () => {
  const cli = { 'user-agent': 'linkgate-cli/1.2.3' };
  const ofFile = anEntry({ managedBy: 'file', customer: 'acme' });
  const services = [aService()];

  test.each([
    ['a person at the command line', cli, 'person'],
    ['another system', {}, 'api'],
  ])('is %s', async (_who, headers, managedBy) => {
    const answer = await callApi(createTestEnv({ services }), putEntry, { effect: 'allow' }, headers);
    expect(answer).toMatchObject({ body: { entry: { managedBy } } });
  });

  test.each([{ effect: 'allow', maxEndpoints: 1 }, { effect: 'block' }])(
    'becomes the person who changes an entry of the policy file: $effect',
    async (body) => {
      const env = createTestEnv({ services, entries: [ofFile] });
      expect((await callApi(env, putEntry, body, cli)).body).toMatchObject({
        entry: { managedBy: 'person', customer: 'acme', effect: body.effect },
        warnings: [expect.stringContaining('`linkgate apply` no longer changes it')],
      });
    },
  );

  test('is the policy file, whose next apply restores a removed entry; a warning says so', async () => {
    const env = createTestEnv({ services, entries: [ofFile] });
    expect((await callApi(env, deleteEntry, undefined, cli)).body).toMatchObject({
      warnings: [expect.stringContaining('restores it')],
    });
  });

  test('is recorded for a new service and kept for a registered one', async () => {
    const env = createTestEnv({ services: [aService({ managedBy: 'file' })] });
    for (const number of [1, 2])
      env.services.setConfiguration(aConfiguration({ serviceId: serviceId(number) }));
    const registerService = async (number: number) =>
      (await callApi(env, 'POST /services', { serviceId: serviceId(number) }, cli)).body.service;
    expect(await registerService(1)).toMatchObject({ managedBy: 'file' });
    expect(await registerService(2)).toMatchObject({ managedBy: 'person', registeredBy: alice });
  });
});

test('the allowlist can be filtered by account', async () => {
  const other = '333333333333';
  const entries = [anEntry(), anEntry({ accountId: other }), anEntry({ serviceId: '*' })];
  const { body } = await callApi(
    createTestEnv({ services: [aService()], entries }),
    `GET /allowlist?account=${consumer}`,
  );
  expect(body.entries).toMatchObject([
    { serviceId: '*', accountId: consumer },
    { serviceId: serviceId(1), accountId: consumer },
  ]);
});

const aPendingConnection = (number: number, more: object = {}) =>
  aConnection({ endpointId: endpointId(number), requestedAt: `2026-11-2${number}T00:00:00.000Z`, ...more });
const accept = (number: number) => ({
  endpointId: endpointId(number),
  serviceId: serviceId(1),
  service: 'orders',
});

function createEnvWithPending(...connections: readonly ReturnType<typeof aPendingConnection>[]) {
  const records = connections.map((each) => aRecord({ ...each, verdict: aVerdict('ask') }));
  return createTestEnv({
    services: [aService(), aService({ serviceId: serviceId(2), name: 'invoices' })],
    connections,
    records,
  });
}

describe('the response to an allowlist change predicts', () => {
  test('the accept of each pending request, without deciding it', async () => {
    const env = createEnvWithPending(
      aPendingConnection(1),
      aPendingConnection(0, { serviceId: serviceId(2) }),
      aPendingConnection(2, { state: 'rejected' }),
    );
    const { body } = await callApi(env, putEntry, { effect: 'allow' });
    expect(body.accepts).toEqual([accept(1)]);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
    const { body: everywhere } = await callApi(env, `PUT /allowlist/*/${consumer}`, { effect: 'allow' });
    expect(everywhere.accepts).toEqual([
      { endpointId: endpointId(0), serviceId: serviceId(2), service: 'invoices' },
      accept(1),
    ]);
  });

  test('no accepts in the mode observe, and a warning names those of enforce', async () => {
    const env = createEnvWithPending(aPendingConnection(1));
    env.mode = 'observe';
    expect((await callApi(env, putEntry, { effect: 'allow' })).body).toMatchObject({
      accepts: [],
      warnings: [
        expect.stringContaining(`it accepts nothing; in the mode enforce it would accept: ${endpointId(1)}`),
      ],
    });
  });
});

describe('a dry run', () => {
  const dryRun = (env: ReturnType<typeof createTestEnv>, method: string, url: string, input?: object) =>
    callApi(env, `${method} ${url}?dryRun=true`, input, { 'idempotency-key': 'k1' });

  test.each([
    ['PUT', path, { effect: 'block' }],
    ['DELETE', path, undefined],
    ['POST', '/services/orders/disconnect', undefined],
  ])('of %s %s writes no item, not even for its Idempotency-Key', async (method, url, input) => {
    const env = createEnvWith(live());
    env.deps.table = { ...env.table, write: () => Promise.reject(new Error('this writes no item')) };
    expect(await dryRun(env, method, url, input)).toMatchObject({
      status: 200,
      body: { disconnects: [first] },
    });
  });

  test('lists all connections', async () => {
    const connections = Array.from({ length: 101 }, (_, index) =>
      aPendingConnection(1, { endpointId: endpointId(index) }),
    );
    const env = createEnvWithPending(...connections);
    const list = async (url: string) => (await callApi(env, `PUT ${url}`, { effect: 'block' })).body.rejects;
    expect(await list(`${path}?dryRun=true`)).toHaveLength(101);
    expect(await list(path)).toHaveLength(100);
  });

  test('fails when EC2 is unavailable', async () => {
    const env = createEnvWith(live());
    env.ec2.beforePage = () => {
      throw new Error('EC2 is down');
    };
    expect((await dryRun(env, 'PUT', path, { effect: 'block' })).status).toBe(500);
  });
});
