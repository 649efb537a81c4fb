import { describe, expect, test } from '@jest/globals';
import {
  aConnection,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { callApi } from './call-api.ts';

const path = `/allowlist/orders/${consumer}`;
const aPendingConnection = (number: number, more: object = {}) =>
  aConnection({ endpointId: endpointId(number), requestedAt: `2026-11-2${number}T00:00:00.000Z`, ...more });
const accept = (number: number) => ({
  endpointId: endpointId(number),
  serviceId: serviceId(1),
  service: 'orders',
});

function createEnvWith(...connections: readonly ReturnType<typeof aPendingConnection>[]) {
  const records = connections.map((each) => aRecord({ ...each, verdict: aVerdict('ask') }));
  return createTestEnv({
    services: [aService(), aService({ serviceId: serviceId(2), name: 'invoices' })],
    connections,
    records,
  });
}

describe('the response to an allowlist change predicts', () => {
  test('the accept of each pending request, without deciding it', async () => {
    const env = createEnvWith(
      aPendingConnection(1),
      aPendingConnection(0, { serviceId: serviceId(2) }),
      aPendingConnection(2, { state: 'rejected' }),
    );
    const { body } = await callApi(env, 'PUT', path, { effect: 'allow' });
    expect(body.accepts).toEqual([accept(1)]);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
    const { body: everywhere } = await callApi(env, 'PUT', `/allowlist/*/${consumer}`, { effect: 'allow' });
    expect(everywhere.accepts).toEqual([
      { endpointId: endpointId(0), serviceId: serviceId(2), service: 'invoices' },
      accept(1),
    ]);
  });

  test('the accepts of the oldest requests up to the endpoint limit', async () => {
    const { body } = await callApi(
      createEnvWith(aPendingConnection(3), aPendingConnection(1), aPendingConnection(2)),
      'PUT',
      path,
      {
        effect: 'allow',
        maxEndpoints: 2,
      },
    );
    expect(body.accepts).toEqual([accept(1), accept(2)]);
  });

  test('accepts only of endpoints that the entry allows', async () => {
    const { body } = await callApi(createEnvWith(aPendingConnection(1), aPendingConnection(2)), 'PUT', path, {
      effect: 'allow',
      endpointIds: [endpointId(2)],
    });
    expect(body.accepts).toEqual([accept(2)]);
  });

  test('no accepts if the account is blocked at every service or the service is paused', async () => {
    const env = createTestEnv({
      services: [aService()],
      connections: [aPendingConnection(1)],
      entries: [anEntry({ serviceId: '*', effect: 'block' })],
    });
    expect((await callApi(env, 'PUT', path, { effect: 'allow' })).body.accepts).toEqual([]);
    const paused = createTestEnv({
      services: [aService({ pausedAt: '2026-11-20T00:00:00.000Z' })],
      connections: [aPendingConnection(1)],
    });
    expect((await callApi(paused, 'PUT', path, { effect: 'allow' })).body.accepts).toEqual([]);
  });

  test('no accepts in the mode observe, and a warning names those of enforce', async () => {
    const env = createEnvWith(aPendingConnection(1));
    env.mode = 'observe';
    expect((await callApi(env, 'PUT', path, { effect: 'allow' })).body).toMatchObject({
      accepts: [],
      warnings: [
        expect.stringContaining(`it accepts nothing; in the mode enforce it would accept: ${endpointId(1)}`),
      ],
    });
  });

  test('no accepts for a block', async () => {
    expect(
      (await callApi(createEnvWith(aPendingConnection(1)), 'PUT', path, { effect: 'block' })).body.accepts,
    ).toEqual([]);
  });
});
