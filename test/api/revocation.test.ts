import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { trackIdentity } from '../../lib/storage/table-identity.ts';
import {
  aConfiguration,
  aConnection,
  alice,
  anApprovalRequest,
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
const decide = `POST /connections/${endpointId(1)}/decision`;
const revoke = `POST /connections/${endpointId(1)}/revocation`;
const extend = `POST /connections/${endpointId(1)}/extend`;

/** An environment with an allowed account and its accepted connection. */
async function createConnectedEnv(record: Partial<ConnectionRecord> = {}, entries = [anEntry()]) {
  const accepted = { acceptRequestedAt: '2026-11-20T12:00:00.000Z', verdict: aVerdict('accept') };
  const env = createTestEnv({
    services: [aService()],
    entries,
    connections: [aConnection({ state: 'available' })],
    records: [aRecord({ state: 'available', ...accepted, ...record })],
  });
  await trackIdentity({ ...env.deps, now: () => noon });
  env.advanceSeconds(1);
  env.time = noon;
  return env;
}

describe('revoking a connection', () => {
  test('schedules its disconnect after the grace period, and warns that the account may connect again', async () => {
    const env = await createConnectedEnv();
    expect(await callApi(env, revoke, { reason: 'contract ended' })).toMatchObject({
      status: 200,
      body: {
        revocation: {
          endpointId: endpointId(1),
          ownerAccountId: consumer,
          verdict: 'reject',
          reason: `${alice} revoked it: contract ended`,
          cause: 'person',
          by: alice,
          disconnectAt: graceEnds,
        },
        warnings: [expect.stringContaining(`linkgate block ${consumer} --service orders`)],
      },
    });
    expect(await env.actions(endpointId(1))).toEqual(['disconnect-scheduled', 'approval-requested']);
    expect(env.applyRequests).toEqual([]);
  });

  test('records the customer message apart from the reason', async () => {
    const env = await createConnectedEnv();
    const input = { now: true, reason: 'they did not pay', customerMessage: 'your contract has ended' };
    expect((await callApi(env, revoke, input)).status).toBe(200);
    expect(await env.record(endpointId(1))).toMatchObject({
      revokeOrder: { reason: input.reason, customerMessage: input.customerMessage },
    });
  });

  test('with `now` disconnects it at once', async () => {
    const env = await createConnectedEnv();
    const { body } = await callApi(env, revoke, { now: true });
    expect(body.revocation).toMatchObject({ verdict: 'reject', disconnectAt: noon.toISOString() });
    expect(await env.record(endpointId(1))).toMatchObject({
      pendingEffect: { action: 'reject', attempts: 0 },
    });
    expect(env.applyRequests).toHaveLength(1);
  });

  test('again does not postpone the disconnect', async () => {
    const env = await createConnectedEnv();
    await callApi(env, revoke, {});
    env.advanceSeconds(3600);
    const { body } = await callApi(env, revoke, {});
    expect(body.revocation).toMatchObject({ disconnectAt: graceEnds });
  });

  test('warns while the mode is observe or the service is paused', async () => {
    const env = await createConnectedEnv({}, []);
    env.mode = 'observe';
    expect((await callApi(env, revoke, { now: true })).body.warnings).toEqual([
      expect.stringContaining('mode is observe'),
    ]);
  });

  test('of a paused service disconnects it after the resumption', async () => {
    const env = await createConnectedEnv();
    await callApi(env, 'POST /services/orders/pause', { reason: 'incident' });
    const { body } = await callApi(env, revoke, { now: true });
    expect(body.warnings).toContainEqual(
      expect.stringContaining('linkgate disconnects nothing for now: orders is paused'),
    );
    expect(await env.record(endpointId(1))).not.toHaveProperty('pendingEffect');
    await callApi(env, 'POST /services/orders/resume');
    expect((await callApi(env, revoke, { now: true })).body.revocation).toMatchObject({ verdict: 'reject' });
  });
});

describe('extending a connection', () => {
  const until = secondsAfterNoon(30 * 86_400).toISOString();

  async function createRevokedEnv(entries = [anEntry()]) {
    const env = await createConnectedEnv({}, entries);
    await callApi(env, revoke, {});
    return env;
  }

  test('postpones its scheduled disconnect and records the reason', async () => {
    const env = await createRevokedEnv();
    expect(await callApi(env, extend, { until, reason: 'they move' })).toMatchObject({
      status: 200,
      body: {
        revocation: {
          verdict: 'reject',
          disconnectAt: until,
          extended: { by: alice, until, reason: 'they move' },
        },
        warnings: [],
      },
    });
    expect(await env.actions(endpointId(1))).toContain('extended');
    expect(await callApi(env, `GET /connections/${endpointId(1)}`)).toMatchObject({
      body: { connection: { disconnectAt: until, nextStep: expect.stringContaining(`until ${until}`) } },
    });
  });

  test('has no effect after a later revocation, and a warning says so', async () => {
    const env = await createRevokedEnv();
    await callApi(env, extend, { until, reason: 'they move' });
    const { body } = await callApi(env, revoke, { now: true });
    expect(body.warnings).toContain(
      `this cancels the extension of ${endpointId(1)} until ${until} by ${alice} (they move)`,
    );
    const again = await callApi(env, revoke, { now: true });
    expect(again.body.warnings).not.toContainEqual(expect.stringContaining('cancels the extension'));
  });

  test('until the same time again succeeds', async () => {
    const env = await createRevokedEnv();
    for (const _ of [1, 2])
      expect(await callApi(env, extend, { until, reason: 'they move' })).toMatchObject({ status: 200 });
  });
});

describe('a connection with a scheduled disconnect', () => {
  async function createEnvInGrace() {
    const env = await createConnectedEnv();
    await callApi(env, revoke, {});
    return env;
  }

  test('is listed among connections that await a decision, with the time of the disconnect', async () => {
    const waitingConnections = [
      { endpointId: endpointId(1), state: 'available', disconnectAt: graceEnds, differs: null },
    ];
    expect(await callApi(await createEnvInGrace(), 'GET /connections?waiting=true')).toMatchObject({
      body: { connections: waitingConnections },
    });
  });

  test.each(['approve', 'deny'])(
    'answers NotOpen to %s, with the commands that decide it',
    async (decision) => {
      const env = await createEnvInGrace();
      const before = await env.record(endpointId(1));
      const { status, body } = await callApi(env, decide, {
        decision,
        reason: 'so',
      });
      expect({ status, error: body.error }).toMatchObject({
        status: 409,
        error: { code: 'NotOpen', details: { state: 'available' } },
      });
      for (const command of [
        `linkgate extend ${endpointId(1)} --until 14d --reason`,
        `linkgate allow ${consumer} --service orders`,
        `linkgate revoke ${endpointId(1)} --now --reason`,
      ])
        expect((body.error as { message: string }).message).toContain(command);
      expect(await env.record(endpointId(1))).toEqual(before);
    },
  );
});

test('a connection that somebody accepted outside linkgate is listed among those that await a decision', async () => {
  const verdict = aVerdict('ask', {
    findings: [{ rule: 'accepted-outside-linkgate', outcome: 'ask', reason: 'somebody accepted it' }],
  });
  const records = [aRecord({ state: 'available', verdict, approvalRequest: anApprovalRequest() })];
  const connections = [aConnection({ state: 'available' }), aConnection({ endpointId: endpointId(2) })];
  const env = createTestEnv({ services: [aService()], connections, records });
  expect(await callApi(env, 'GET /connections?waiting=true')).toMatchObject({
    body: { connections: [{ endpointId: endpointId(1) }] },
  });
});

describe('disconnecting a service', () => {
  test('records the start of the deregistration and its author once', async () => {
    const env = await createConnectedEnv();
    const { body } = await callApi(env, 'POST /services/orders/disconnect');
    expect(body.service).toMatchObject({ deregisteringAt: noon.toISOString(), deregisteringBy: alice });
    env.advanceSeconds(60);
    expect((await callApi(env, 'POST /services/orders/disconnect')).body.service).toMatchObject({
      deregisteringAt: noon.toISOString(),
    });
  });

  test('is cancelled when the service is registered again', async () => {
    const env = await createConnectedEnv();
    env.services.setConfiguration(aConfiguration());
    await callApi(env, 'POST /services/orders/disconnect');
    const { body } = await callApi(env, 'POST /services', { serviceId: serviceId(1) });
    expect(body.service).not.toHaveProperty('deregisteringAt');
    expect(body.service).not.toHaveProperty('deregisteringBy');
  });
});

describe('the allowed principals of a service', () => {
  const root = (account: string) => `arn:aws:iam::${account}:root`;
  const stranger = root('333333333333');
  const role = `arn:aws:iam::${consumer}:role/connector`;

  function createEnvWithPrincipals(principals: 'managed' | 'observed') {
    const entries = [anEntry({ roles: [role] })];
    const env = createTestEnv({ services: [aService({ principals })], entries });
    env.services.setConfiguration(aConfiguration({ principals: [stranger] }));
    return env;
  }

  test('are compared with what the allowlist implies', async () => {
    expect(await callApi(createEnvWithPrincipals('observed'), 'GET /services/orders/principals')).toEqual({
      status: 200,
      body: { principals: { principals: 'observed', approved: null, missing: [role], extra: [stranger] } },
    });
  });

  test('are managed once somebody approves the removals', async () => {
    const env = createEnvWithPrincipals('managed');
    expect(await callApi(env, 'POST /services/orders/principals/approval', { removals: 1 })).toMatchObject({
      body: { service: { principalsApproval: { by: alice, at: noon.toISOString(), removals: 1 } } },
    });
    expect(await callApi(env, 'GET /services/orders/principals')).toMatchObject({
      body: { principals: { approved: { by: alice, at: noon.toISOString() } } },
    });
  });
});
