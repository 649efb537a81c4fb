import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
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
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';

const graceEnds = secondsAfterNoon(72 * 3600).toISOString();
const path = `/allowlist/orders/${consumer}`;

/** Accepted by linkgate's verdict, and connected. */
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

describe('what a change of the allowlist makes of a connection that lives', () => {
  test('a block cuts it at once', async () => {
    const { body } = await callApi(createEnvWith(live()), 'PUT', path, { effect: 'block' });
    expect(body).toMatchObject({
      cuts: [{ ...first, at: noon.toISOString() }],
      warnings: [`${endpointId(1)} at orders: cut now`],
    });
  });

  test.each([
    ['forgetting its account', 'DELETE', undefined],
    ['naming other endpoints', 'PUT', { effect: 'allow', endpointIds: [endpointId(2)] }],
    ['naming other Regions', 'PUT', { effect: 'allow', consumerRegions: ['eu-central-1'] }],
  ])('%s cuts it after the grace period', async (_change, method, input) => {
    const { body } = await callApi(createEnvWith(live()), method, path, input);
    expect(body).toMatchObject({
      cuts: [{ ...first, at: graceEnds }],
      warnings: [
        expect.stringContaining(`${endpointId(1)} at orders: cut at 2026-11-24 12:00:00 UTC, unless`),
      ],
    });
  });

  test('allowing fewer endpoints cuts the last to come after the grace period', async () => {
    const connections = [1, 2].map((number) =>
      aConnection({
        endpointId: endpointId(number),
        state: 'available',
        requestedAt: `2026-11-2${number - 1}T00:00:00.000Z`,
      }),
    );
    const records = connections.map(({ endpointId: id, requestedAt }) =>
      live({ endpointId: id, requestedAt }),
    );
    const env = createTestEnv({ services: [aService()], entries: [anEntry()], connections, records });
    const { body } = await callApi(env, 'PUT', path, { effect: 'allow', maxEndpoints: 1 });
    expect(body.cuts).toEqual([{ ...first, endpointId: endpointId(2), at: graceEnds }]);
  });

  test('the grace period is the service’s', async () => {
    const env = createEnvWith(live(), aService({ graceSeconds: 3600 }));
    const { body } = await callApi(env, 'DELETE', path);
    expect(body.cuts).toEqual([{ ...first, at: secondsAfterNoon(3600).toISOString() }]);
  });

  test('allowing its account again in time calls the cut off', async () => {
    const revocation = {
      since: noon.toISOString(),
      disconnectAt: graceEnds,
      cause: 'policy' as const,
      by: 'linkgate',
    };
    const verdict = aVerdict('reject', { until: graceEnds });
    const { body } = await callApi(createEnvWith(live({ revocation, verdict })), 'PUT', path, {
      effect: 'allow',
    });
    expect(body).toMatchObject({
      cuts: [],
      warnings: [`${endpointId(1)} at orders: not cut any more: it stays connected`],
    });
  });

  test('nothing, where a person approved it', async () => {
    const { body } = await callApi(createEnvWith(live({ approval: anApproval() })), 'DELETE', path);
    expect(body).toMatchObject({ cuts: [], warnings: [] });
  });

  test('nothing for now, where its service is paused', async () => {
    const env = createEnvWith(live(), aService({ pausedAt: noon.toISOString() }));
    expect((await callApi(env, 'PUT', path, { effect: 'block' })).body).toMatchObject({
      cuts: [],
      warnings: [expect.stringContaining('stays connected as long as orders is stopped')],
    });
  });

  test('nothing in the mode observe, which says what it would be', async () => {
    const env = createEnvWith(live());
    env.mode = 'observe';
    expect((await callApi(env, 'PUT', path, { effect: 'block' })).body).toMatchObject({
      cuts: [],
      warnings: [expect.stringContaining('mode is observe'), `${endpointId(1)} at orders: cut now`],
    });
  });

  test('those of one second are told of together, whatever the millisecond', async () => {
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
    const { body } = await callApi(env, 'DELETE', path);
    expect(body.warnings).toEqual([
      expect.stringContaining(
        `${endpointId(1)}, ${endpointId(2)} at orders: cut at 2026-11-24 12:00:00 UTC, unless`,
      ),
    ]);
  });

  test('people are asked, where somebody else accepted it', async () => {
    const foreign = aRecord({ state: 'available', verdict: aVerdict('ask') });
    expect((await callApi(createEnvWith(foreign), 'DELETE', path)).body).toMatchObject({
      cuts: [],
      warnings: [expect.stringContaining('stays connected until people decide')],
    });
  });
});

describe('what is beyond the budget of cuts', () => {
  function worldOf(connected: number, ofOthers = 0) {
    const theirs = Array.from({ length: connected + ofOthers }, (_, index) =>
      aConnection({
        endpointId: endpointId(index + 1),
        state: 'available',
        ...(index >= connected && { ownerAccountId: '033333333333' }),
      }),
    );
    const records = theirs.map(({ endpointId: id, ownerAccountId }) =>
      live({ endpointId: id, ownerAccountId }),
    );
    return createTestEnv({ services: [aService()], entries: [anEntry()], connections: theirs, records });
  }
  const warnings = async (env: ReturnType<typeof createTestEnv>, method: string, input?: object) =>
    (await callApi(env, method, path, input)).body.warnings;
  const beyond = (count: number, cut: number) =>
    `of these ${count} at orders linkgate cuts ${cut} at most in 24 hours, which is its budget of cuts: people are asked about the others`;

  test('is told where permission goes', async () => {
    expect(await warnings(worldOf(16), 'DELETE')).toEqual([expect.stringContaining('cut at'), beyond(16, 5)]);
  });

  test('is less where more is connected to the service', async () => {
    expect(await warnings(worldOf(16, 64), 'DELETE')).toContain(beyond(16, 8));
  });

  test('is nothing of what a block cuts, nor of five', async () => {
    expect(await warnings(worldOf(16), 'PUT', { effect: 'block' })).toHaveLength(1);
    expect(await warnings(worldOf(5), 'DELETE')).toHaveLength(1);
  });
});

describe('a paused service that goes on', () => {
  const paused = aService({ pausedAt: noon.toISOString() });
  const announced = (disconnectAt: string) => ({
    since: '2026-11-18T11:00:00.000Z',
    disconnectAt,
    cause: 'policy' as const,
    by: 'linkgate',
  });
  const late = '2026-11-21T11:00:00.000Z';
  const resumption = '/services/orders/resumption';

  function pausedWith(record: ConnectionRecord, entries = [anEntry({ effect: 'block' })]) {
    const connections = [aConnection({ state: 'available' })];
    return createTestEnv({ services: [paused], entries, connections, records: [record] });
  }
  const due = live({ revocation: announced(late), verdict: aVerdict('hold') });

  test('cuts at once what fell due meanwhile, and says so before and after', async () => {
    const env = pausedWith(due, []);
    const told = { cuts: [{ ...first, at: late }], warnings: [`${endpointId(1)} at orders: cut now`] };
    expect((await callApi(env, 'GET', resumption)).body).toEqual(told);
    expect((await callApi(env, 'POST', '/services/orders/resume')).body).toMatchObject(told);
    expect((await callApi(env, 'POST', '/services/orders/resume')).body).toMatchObject({ cuts: [] });
  });

  test('cuts at once what was blocked meanwhile', async () => {
    const env = pausedWith(live({ verdict: aVerdict('hold') }));
    expect((await callApi(env, 'GET', resumption)).body).toMatchObject({ cuts: [first] });
  });

  test('cuts nothing at once whose time is to come, or that lost its permission meanwhile', async () => {
    const later = live({ revocation: announced(graceEnds), verdict: aVerdict('hold') });
    for (const record of [later, live({ verdict: aVerdict('hold') })])
      expect((await callApi(pausedWith(record, []), 'GET', resumption)).body).toEqual({
        cuts: [],
        warnings: [],
      });
  });

  test('cuts nothing in the mode observe', async () => {
    const env = pausedWith(due, []);
    env.mode = 'observe';
    expect((await callApi(env, 'GET', resumption)).body).toMatchObject({ cuts: [] });
  });

  test('is resumed where it cannot be looked up what that cuts', async () => {
    const env = pausedWith(due, []);
    env.ec2.beforePage = () => {
      throw new Error('EC2 is down');
    };
    const { status, body } = await callApi(env, 'POST', '/services/orders/resume');
    expect(status).toBe(200);
    expect(body).toMatchObject({ cuts: [], warnings: [expect.stringContaining('could not be looked up')] });
    expect(body.service).not.toHaveProperty('pausedAt');
  });
});

test('a block that takes the place of another says whose note is gone', async () => {
  const entries = [anEntry({ effect: 'block', note: 'incident 7' })];
  const env = createTestEnv({ services: [aService()], entries });
  expect((await callApi(env, 'PUT', path, { effect: 'block', note: 'incident 8' })).body.warnings).toEqual([
    `account ${consumer} was blocked there already; this replaces the note “incident 7”`,
  ]);
  expect((await callApi(env, 'PUT', path, { effect: 'block', note: 'incident 8' })).body.warnings).toEqual(
    [],
  );
});

describe('who looks after an entry', () => {
  const cli = { 'user-agent': 'linkgate-cli/1.2.3' };
  const ofFile = anEntry({ managedBy: 'file', customer: 'acme' });
  const services = [aService()];

  test.each([
    ['a person at the command line', cli, 'person'],
    ['another system', {}, 'api'],
  ])('is %s', async (_who, headers, managedBy) => {
    const answer = await callApi(createTestEnv({ services }), 'PUT', path, { effect: 'allow' }, headers);
    expect(answer).toMatchObject({ body: { entry: { managedBy } } });
  });

  test.each([{ effect: 'allow', maxEndpoints: 1 }, { effect: 'block' }])(
    'is whoever changes an entry of the policy file: $effect',
    async (body) => {
      const env = createTestEnv({ services, entries: [ofFile] });
      expect((await callApi(env, 'PUT', path, body, cli)).body).toMatchObject({
        entry: { managedBy: 'person', customer: 'acme', effect: body.effect },
        warnings: [expect.stringContaining('`linkgate apply` leaves it as it is')],
      });
    },
  );

  test('puts back what is forgotten', async () => {
    const env = createTestEnv({ services, entries: [ofFile] });
    expect((await callApi(env, 'DELETE', path, undefined, cli)).body).toMatchObject({
      warnings: [expect.stringContaining('puts it back')],
    });
  });

  test('is said of a service that is new, and stays what it was', async () => {
    const env = createTestEnv({ services: [aService({ managedBy: 'file' })] });
    for (const number of [1, 2])
      env.services.setConfiguration(aConfiguration({ serviceId: serviceId(number) }));
    const registered = async (number: number) =>
      (await callApi(env, 'POST', '/services', { serviceId: serviceId(number) }, cli)).body.service;
    expect(await registered(1)).toMatchObject({ managedBy: 'file' });
    expect(await registered(2)).toMatchObject({ managedBy: 'person', registeredBy: alice });
  });
});

test('the entries of one account are read alone', async () => {
  const other = '333333333333';
  const entries = [anEntry(), anEntry({ accountId: other }), anEntry({ serviceId: '*' })];
  const { body } = await callApi(
    createTestEnv({ services: [aService()], entries }),
    'GET',
    `/allowlist?account=${consumer}`,
  );
  expect(body.entries).toMatchObject([
    { serviceId: '*', accountId: consumer },
    { serviceId: serviceId(1), accountId: consumer },
  ]);
});
