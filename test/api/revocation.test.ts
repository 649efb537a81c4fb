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
const of = (what: string) => `/connections/${endpointId(1)}/${what}`;

/** An account that is allowed has a connection that linkgate accepted. */
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

function refusal(status: number, code: string, message: string) {
  return { status, body: { error: { code, message: expect.stringContaining(message) } } };
}

describe('who revokes a connection', () => {
  test('has it cut after the grace period, and is told that its account may connect again', async () => {
    const env = await createConnectedEnv();
    expect(await callApi(env, 'POST', of('revocation'), { reason: 'contract ended' })).toMatchObject({
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
    expect(env.rings).toEqual([]);
  });

  test('keeps the words for the consumer apart from the reason', async () => {
    const env = await createConnectedEnv();
    const said = { now: true, reason: 'they did not pay', customerMessage: 'your contract has ended' };
    expect((await callApi(env, 'POST', of('revocation'), said)).status).toBe(200);
    expect(await env.record(endpointId(1))).toMatchObject({
      revokeOrder: { reason: said.reason, customerMessage: said.customerMessage },
    });
  });

  test('now, has it cut at once', async () => {
    const env = await createConnectedEnv();
    const { body } = await callApi(env, 'POST', of('revocation'), { now: true });
    expect(body.revocation).toMatchObject({ verdict: 'reject', disconnectAt: noon.toISOString() });
    expect(await env.record(endpointId(1))).toMatchObject({
      pendingEffect: { action: 'reject', attempts: 0 },
    });
    expect(env.rings).toHaveLength(1);
  });

  test('again, does not put off the cut', async () => {
    const env = await createConnectedEnv();
    await callApi(env, 'POST', of('revocation'), {});
    env.advanceSeconds(3600);
    const { body } = await callApi(env, 'POST', of('revocation'), {});
    expect(body.revocation).toMatchObject({ disconnectAt: graceEnds });
  });

  test('is told what keeps it from being cut', async () => {
    const env = await createConnectedEnv({}, []);
    env.mode = 'observe';
    expect((await callApi(env, 'POST', of('revocation'), { now: true })).body.warnings).toEqual([
      expect.stringContaining('mode is observe'),
    ]);
  });

  test('of a paused service, has it cut once that is resumed', async () => {
    const env = await createConnectedEnv();
    await callApi(env, 'POST', '/services/orders/pause', { reason: 'incident' });
    const { body } = await callApi(env, 'POST', of('revocation'), { now: true });
    expect(body.warnings).toContainEqual(expect.stringContaining('nothing is cut for now: orders is paused'));
    expect(await env.record(endpointId(1))).not.toHaveProperty('effect');
    await callApi(env, 'POST', '/services/orders/resume');
    expect((await callApi(env, 'POST', of('revocation'), { now: true })).body.revocation).toMatchObject({
      verdict: 'reject',
    });
  });

  test.each([
    ['pendingAcceptance', 'linkgate deny'],
    ['rejected', 'EC2 shows it `rejected`'],
  ] as const)('which is %s, is told that it is not connected', async (state, message) => {
    const env = await createConnectedEnv();
    env.ec2.show(aConnection({ state }));
    expect(await callApi(env, 'POST', of('revocation'), {})).toEqual(refusal(409, 'NotLive', message));
  });

  test('which nobody knows, is told so', async () => {
    const path = `/connections/${endpointId(9)}/revocation`;
    expect(await callApi(await createConnectedEnv(), 'POST', path, {})).toEqual(
      refusal(404, 'UnknownEndpoint', endpointId(9)),
    );
  });
});

describe('who keeps a connection', () => {
  const until = secondsAfterNoon(30 * 86_400).toISOString();

  async function aRevokedWorld(entries = [anEntry()]) {
    const env = await createConnectedEnv({}, entries);
    await callApi(env, 'POST', of('revocation'), {});
    return env;
  }

  test('puts off its cut, with a reason', async () => {
    const env = await aRevokedWorld();
    expect(await callApi(env, 'POST', of('keep'), { until, reason: 'they move' })).toMatchObject({
      status: 200,
      body: {
        revocation: {
          verdict: 'reject',
          disconnectAt: until,
          kept: { by: alice, until, reason: 'they move' },
        },
        warnings: [],
      },
    });
    expect(await env.actions(endpointId(1))).toContain('extended');
    expect(await callApi(env, 'GET', `/connections/${endpointId(1)}`)).toMatchObject({
      body: { connection: { disconnectAt: until }, next: expect.stringContaining(`until ${until}`) },
    });
  });

  test('holds no longer once somebody revokes it, who is told so', async () => {
    const env = await aRevokedWorld();
    await callApi(env, 'POST', of('keep'), { until, reason: 'they move' });
    const { body } = await callApi(env, 'POST', of('revocation'), { now: true });
    expect(body.warnings).toContain(
      `${endpointId(1)} was kept until ${until} by ${alice} (they move), which holds no longer`,
    );
    const again = await callApi(env, 'POST', of('revocation'), { now: true });
    expect(again.body.warnings).not.toContainEqual(expect.stringContaining('was kept'));
  });

  test('for the time that it is kept for already, is answered as before', async () => {
    const env = await aRevokedWorld();
    for (const _ of [1, 2])
      expect(await callApi(env, 'POST', of('keep'), { until, reason: 'they move' })).toMatchObject({
        status: 200,
      });
  });

  test.each([
    [noon.toISOString(), 'in the past'],
    [secondsAfterNoon(366 * 86_400).toISOString(), 'a year at most'],
    [secondsAfterNoon(3600).toISOString(), `later than that already, at ${graceEnds}`],
  ])('until %s is refused', async (time, message) => {
    const env = await aRevokedWorld();
    expect(await callApi(env, 'POST', of('keep'), { until: time, reason: 'why' })).toEqual(
      refusal(400, 'InvalidRequest', message),
    );
  });

  test('has to say why', async () => {
    expect(await callApi(await aRevokedWorld(), 'POST', of('keep'), { until, reason: ' ' })).toEqual(
      refusal(422, 'BlankText', 'needs a reason'),
    );
  });

  test('which nothing is to cut, is told so', async () => {
    expect(await callApi(await createConnectedEnv(), 'POST', of('keep'), { until, reason: 'why' })).toEqual(
      refusal(409, 'NotRevoking', 'nothing is to cut it'),
    );
  });

  test('whose account is blocked, is told to lift the block', async () => {
    const revocation = {
      since: noon.toISOString(),
      disconnectAt: noon.toISOString(),
      cause: 'block' as const,
      by: alice,
    };
    const env = await createConnectedEnv({ revocation, verdict: aVerdict('reject') });
    expect(await callApi(env, 'POST', of('keep'), { until, reason: 'why' })).toEqual(
      refusal(409, 'NotRevoking', 'a block is not put off but lifted'),
    );
  });

  test('cannot be the one who owns the account', async () => {
    const env = await aRevokedWorld([anEntry({ owners: [alice] })]);
    expect(await callApi(env, 'POST', of('keep'), { until, reason: 'mine' })).toEqual(
      refusal(403, 'MayNotDecide', 'owns the account'),
    );
  });
});

describe('a connection that is to be cut', () => {
  async function aWorldInGrace() {
    const env = await createConnectedEnv();
    await callApi(env, 'POST', of('revocation'), {});
    return env;
  }

  test('is listed among what waits, with the time at which it is cut', async () => {
    const waiting = [
      { endpointId: endpointId(1), state: 'available', disconnectAt: graceEnds, differs: null },
    ];
    expect(await callApi(await aWorldInGrace(), 'GET', '/connections?waiting=true')).toMatchObject({
      body: { connections: waiting },
    });
  });

  test.each(['approve', 'deny'])(
    'is not open to %s by command, and the commands for it are named',
    async (decision) => {
      const env = await aWorldInGrace();
      const before = await env.record(endpointId(1));
      const { status, body } = await callApi(env, 'POST', of('decision'), { decision, reason: 'so' });
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

test('a connection that others accepted is listed among what waits', async () => {
  const verdict = aVerdict('ask', {
    findings: [{ rule: 'accepted-outside-linkgate', outcome: 'ask', reason: 'somebody accepted it' }],
  });
  const records = [aRecord({ state: 'available', verdict, approvalRequest: anApprovalRequest() })];
  const connections = [aConnection({ state: 'available' }), aConnection({ endpointId: endpointId(2) })];
  const env = createTestEnv({ services: [aService()], connections, records });
  expect(await callApi(env, 'GET', '/connections?waiting=true')).toMatchObject({
    body: { connections: [{ endpointId: endpointId(1) }] },
  });
});

describe('a service that is disconnected', () => {
  test('rejects everything from then on, and says who wanted it', async () => {
    const env = await createConnectedEnv();
    const { body } = await callApi(env, 'POST', '/services/orders/disconnect');
    expect(body.service).toMatchObject({ deregisteringAt: noon.toISOString(), deregisteringBy: alice });
    env.advanceSeconds(60);
    expect((await callApi(env, 'POST', '/services/orders/disconnect')).body.service).toMatchObject({
      deregisteringAt: noon.toISOString(),
    });
  });

  test('stays when it is registered again', async () => {
    const env = await createConnectedEnv();
    env.services.setConfiguration(aConfiguration());
    await callApi(env, 'POST', '/services/orders/disconnect');
    const { body } = await callApi(env, 'POST', '/services', { serviceId: serviceId(1) });
    expect(body.service).not.toHaveProperty('deregisteringAt');
    expect(body.service).not.toHaveProperty('deregisteringBy');
  });

  test.each([
    ['paused', 'linkgate resume orders'],
    ['observed', 'linkgate mode enforce'],
  ])('is refused while it is %s, since nothing would be cut', async (how, remedy) => {
    const env = await createConnectedEnv();
    if (how === 'observed') env.mode = 'observe';
    else await callApi(env, 'POST', '/services/orders/pause', {});
    expect(await callApi(env, 'POST', '/services/orders/disconnect')).toEqual(
      refusal(409, 'Conflict', remedy),
    );
  });
});

describe('the allowed principals of a service', () => {
  const root = (account: string) => `arn:aws:iam::${account}:root`;
  const stranger = root('333333333333');
  const role = `arn:aws:iam::${consumer}:role/connector`;

  function aWorldOf(principals: 'managed' | 'observed') {
    const entries = [anEntry({ roles: [role] })];
    const env = createTestEnv({ services: [aService({ principals })], entries });
    env.services.setConfiguration(aConfiguration({ principals: [stranger] }));
    return env;
  }

  test('are compared with what the allowlist implies', async () => {
    expect(await callApi(aWorldOf('observed'), 'GET', '/services/orders/principals')).toEqual({
      status: 200,
      body: { principals: { principals: 'observed', approved: null, missing: [role], extra: [stranger] } },
    });
  });

  test('are kept once somebody agrees to what that changes', async () => {
    const env = aWorldOf('managed');
    expect(await callApi(env, 'POST', '/services/orders/principals/approval', { removals: 1 })).toMatchObject(
      {
        body: { service: { principalsApproval: { by: alice, at: noon.toISOString(), removals: 1 } } },
      },
    );
    expect(await callApi(env, 'GET', '/services/orders/principals')).toMatchObject({
      body: { principals: { approved: { by: alice, at: noon.toISOString() } } },
    });
  });

  test('are not compared before the service has the tag, without which EC2 does not list them', async () => {
    const env = aWorldOf('managed');
    env.services.setConfiguration(aConfiguration({ isTagged: false }));
    expect(await callApi(env, 'GET', '/services/orders/principals')).toEqual(
      refusal(409, 'Conflict', 'linkgate mode enforce'),
    );
  });

  test('that are only observed take no agreement', async () => {
    const env = aWorldOf('observed');
    expect(await callApi(env, 'POST', '/services/orders/principals/approval', { removals: 1 })).toEqual(
      refusal(409, 'Conflict', 'set them to managed'),
    );
  });
});
