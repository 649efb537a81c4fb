import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connection/connection-record.ts';
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
import { aWorld } from '../doubles/world.ts';
import { ask } from './ask.ts';

const graceEnds = secondsAfterNoon(72 * 3600).toISOString();
const path = `/allowlist/orders/${consumer}`;

/** Accepted by linkgate's verdict, and connected. */
function live(record: Partial<ConnectionRecord> = {}) {
  return aRecord({
    state: 'available',
    acceptAskedAt: '2026-11-20T12:00:00.000Z',
    verdict: aVerdict('accept'),
    ...record,
  });
}

function worldWith(record: ConnectionRecord, service = aService()) {
  const connections = [aConnection({ state: 'available' })];
  return aWorld({ services: [service], entries: [anEntry()], connections, records: [record] });
}

const first = { endpointId: endpointId(1), serviceId: serviceId(1), service: 'orders' };

describe('what a change of the allowlist makes of a connection that lives', () => {
  test('a block cuts it at once', async () => {
    const { body } = await ask(worldWith(live()), 'PUT', path, { effect: 'block' });
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
    const { body } = await ask(worldWith(live()), method, path, input);
    expect(body).toMatchObject({
      cuts: [{ ...first, at: graceEnds }],
      warnings: [expect.stringContaining(`${endpointId(1)} at orders: cut at ${graceEnds}, unless`)],
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
    const world = aWorld({ services: [aService()], entries: [anEntry()], connections, records });
    const { body } = await ask(world, 'PUT', path, { effect: 'allow', maxEndpoints: 1 });
    expect(body.cuts).toEqual([{ ...first, endpointId: endpointId(2), at: graceEnds }]);
  });

  test('the grace period is the service’s', async () => {
    const world = worldWith(live(), aService({ graceSeconds: 3600 }));
    const { body } = await ask(world, 'DELETE', path);
    expect(body.cuts).toEqual([{ ...first, at: secondsAfterNoon(3600).toISOString() }]);
  });

  test('allowing its account again in time calls the cut off', async () => {
    const revocation = {
      since: noon.toISOString(),
      cutAt: graceEnds,
      cause: 'policy' as const,
      by: 'linkgate',
    };
    const verdict = aVerdict('reject', { until: graceEnds });
    const { body } = await ask(worldWith(live({ revocation, verdict })), 'PUT', path, { effect: 'allow' });
    expect(body).toMatchObject({
      cuts: [],
      warnings: [`${endpointId(1)} at orders: not cut any more: it stays connected`],
    });
  });

  test('nothing, where a person approved it', async () => {
    const { body } = await ask(worldWith(live({ approval: anApproval() })), 'DELETE', path);
    expect(body).toMatchObject({ cuts: [], warnings: [] });
  });

  test('nothing for now, where its service is paused', async () => {
    const world = worldWith(live(), aService({ pausedAt: noon.toISOString() }));
    expect((await ask(world, 'PUT', path, { effect: 'block' })).body).toMatchObject({
      cuts: [],
      warnings: [expect.stringContaining('stays connected as long as orders is stopped')],
    });
  });

  test('nothing in the mode observe, which says what it would be', async () => {
    const world = worldWith(live());
    world.mode = 'observe';
    expect((await ask(world, 'PUT', path, { effect: 'block' })).body).toMatchObject({
      cuts: [],
      warnings: [expect.stringContaining('mode is observe'), `${endpointId(1)} at orders: cut now`],
    });
  });

  test('people are asked, where somebody else accepted it', async () => {
    const foreign = aRecord({ state: 'available', verdict: aVerdict('ask') });
    expect((await ask(worldWith(foreign), 'DELETE', path)).body).toMatchObject({
      cuts: [],
      warnings: [expect.stringContaining('stays connected until people decide')],
    });
  });
});

describe('who looks after an entry', () => {
  const cli = { 'user-agent': 'linkgate-cli/1.2.3' };
  const ofFile = anEntry({ managedBy: 'file', customer: 'acme' });
  const services = [aService()];

  test.each([
    ['a person at the command line', cli, 'person'],
    ['another system', {}, 'api'],
  ])('is %s', async (_who, headers, managedBy) => {
    const answer = await ask(aWorld({ services }), 'PUT', path, { effect: 'allow' }, headers);
    expect(answer).toMatchObject({ body: { entry: { managedBy } } });
  });

  test.each([{ effect: 'allow', maxEndpoints: 1 }, { effect: 'block' }])(
    'is whoever changes an entry of the policy file: $effect',
    async (body) => {
      const world = aWorld({ services, entries: [ofFile] });
      expect((await ask(world, 'PUT', path, body, cli)).body).toMatchObject({
        entry: { managedBy: 'person', customer: 'acme', effect: body.effect },
        warnings: [expect.stringContaining('`linkgate apply` leaves it as it is')],
      });
    },
  );

  test('puts back what is forgotten', async () => {
    const world = aWorld({ services, entries: [ofFile] });
    expect((await ask(world, 'DELETE', path, undefined, cli)).body).toMatchObject({
      warnings: [expect.stringContaining('puts it back')],
    });
  });

  test('is said of a service that is new, and stays what it was', async () => {
    const world = aWorld({ services: [aService({ managedBy: 'file' })] });
    for (const number of [1, 2]) world.services.show(aConfiguration({ serviceId: serviceId(number) }));
    const registered = async (number: number) =>
      (await ask(world, 'POST', '/services', { serviceId: serviceId(number) }, cli)).body.service;
    expect(await registered(1)).toMatchObject({ managedBy: 'file' });
    expect(await registered(2)).toMatchObject({ managedBy: 'person', registeredBy: alice });
  });
});

test('the entries of one account are read alone', async () => {
  const other = '333333333333';
  const entries = [anEntry(), anEntry({ accountId: other }), anEntry({ serviceId: '*' })];
  const { body } = await ask(
    aWorld({ services: [aService()], entries }),
    'GET',
    `/allowlist?account=${consumer}`,
  );
  expect(body.entries).toMatchObject([
    { serviceId: '*', accountId: consumer },
    { serviceId: serviceId(1), accountId: consumer },
  ]);
});
