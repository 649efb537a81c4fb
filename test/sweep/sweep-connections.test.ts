import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { requestTarget } from '../../lib/approvals/digest.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import {
  countEndpoints,
  endpointQuotaKey,
  quotaWrite,
  readEndpointQuota,
} from '../../lib/policy/endpoint-quota.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import {
  aConnection,
  anApprovalRequest,
  anEntry,
  aRecord,
  aRequestNotification,
  aService,
  aVerdict,
  consumer,
  endpointId,
  hub,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const services = [aService()];

function upTo(count: number) {
  return Array.from({ length: count }, (_, index) => aConnection({ endpointId: endpointId(index + 1) }));
}

/** Runs a full sweep one minute later. */
async function nextPass(env: TestEnv) {
  env.advanceSeconds(60);
  return sweepConnections(hub, 'full', env.deps);
}

describe('a pending sweep', () => {
  test('publishes requests for which no notification arrived', async () => {
    const connections = [aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })];
    const env = createTestEnv({ services, connections });
    expect(await sweepConnections(hub, 'pending', env.deps)).toMatchObject({
      status: 'done',
      result: { described: 1, decided: 1 },
    });
    expect(env.ec2.describeCalls).toEqual([{ state: 'pendingAcceptance' }]);
  });

  test('enqueues apply-verdicts if there are pending effects', async () => {
    const records = [
      aRecord({ verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 0 } }),
    ];
    const env = createTestEnv({ services, connections: [aConnection()], records });
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.applyRequests).toHaveLength(1);
  });

  test('enqueues nothing without pending effects', async () => {
    const env = createTestEnv({ services, connections: [aConnection()] });
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.applyRequests).toEqual([]);
  });

  test('does not mark records as ended', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    await sweepConnections(hub, 'pending', env.deps);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });
});

describe('a sweep enqueues notifications', () => {
  const awaitingRecord = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
  const received = aRequestNotification(awaitingRecord, { contentHash: computeContentHash(awaitingRecord) });
  const target = requestTarget(endpointId(1));

  test.each(['pending', 'full'] as const)(
    'for requests that approvers were not notified of: %s',
    async (pass) => {
      const env = createTestEnv({ services, connections: [aConnection()], records: [awaitingRecord] });
      await sweepConnections(hub, pass, env.deps);
      expect(env.queuedNotifications).toContainEqual(target);
    },
  );

  test('for no request whose messages are up to date', async () => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [awaitingRecord] });
    env.put(received);
    await sweepConnections(hub, 'full', env.deps);
    expect(env.queuedNotifications).toEqual([]);
  });

  test('for reminders and escalations that are due', async () => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [awaitingRecord] });
    env.put(received);
    env.advanceSeconds(2 * 86_400);
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.queuedNotifications).toEqual([target]);
  });

  test('once for a digest with several waiting requests', async () => {
    const records = [1, 2].map((number) => ({ ...awaitingRecord, endpointId: endpointId(number) }));
    const env = createTestEnv({ services, connections: upTo(2), records });
    env.put(...records.map((record) => aRequestNotification(record, { digestId: 'digest-1' })));
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.queuedNotifications).toEqual([{ kind: 'digest', id: 'digest-1' }]);
  });

  test('once for a listed connection, also in a full sweep', async () => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [awaitingRecord] });
    await sweepConnections(hub, 'full', env.deps);
    expect(env.queuedNotifications).toEqual([target]);
  });

  test('for requests whose service was deregistered', async () => {
    const records = [{ ...awaitingRecord, serviceDeregisteredAt: '2026-11-21T11:00:00.000Z' }];
    const env = createTestEnv({ connections: [aConnection()], records });
    env.put(received);
    await sweepConnections(hub, 'full', env.deps);
    expect(env.queuedNotifications).toEqual([target]);
  });

  test('for requests that EC2 no longer lists', async () => {
    const records = [{ ...awaitingRecord, state: 'deleted', endedAt: '2026-11-21T11:00:00.000Z' } as const];
    const env = createTestEnv({ services, records });
    env.put(received);
    await sweepConnections(hub, 'full', env.deps);
    expect(env.queuedNotifications).toEqual([target]);
  });
});

describe('a full sweep', () => {
  test('reads connections in every state and compares the policy versions of verdicts', async () => {
    const before = '2026-10-01T00:00:00.000Z';
    const old = aConnection({ endpointId: endpointId(2), state: 'available', requestedAt: before });
    const connections = [aConnection(), old];
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const env = createTestEnv({ services, connections, records, entries: [anEntry()] });
    const sweep = await sweepConnections(hub, 'full', env.deps);
    expect(sweep).toMatchObject({ result: { described: 2, decided: 1, changed: 1 } });
  });

  test('releases its lease at the end', async () => {
    const env = createTestEnv({ services });
    await sweepConnections(hub, 'full', env.deps);
    expect(await sweepConnections(hub, 'full', env.deps)).toMatchObject({ status: 'done' });
  });

  test('does not start while another one runs', async () => {
    const env = createTestEnv({ services });
    await acquireSweepLease(hub, 'full', env.deps);
    expect(await sweepConnections(hub, 'full', env.deps)).toEqual({ status: 'already-running' });
  });
});

describe('a sweep that runs out of time', () => {
  test('saves a checkpoint from which the next run resumes', async () => {
    const env = createTestEnv({ services, connections: upTo(5) });
    env.ec2.pageSize = 2;
    env.remainingMs = 9_000;
    expect(await sweepConnections(hub, 'full', env.deps)).toEqual({ status: 'unfinished' });
    expect(env.published).toHaveLength(2);
    env.remainingMs = 75_000;
    const sweep = await sweepConnections(hub, 'full', env.deps);
    expect(sweep).toMatchObject({ status: 'done', result: { described: 5, decided: 5 } });
    expect(env.published).toHaveLength(5);
  });

  test('does not mark records as ended, because no run has read all pages', async () => {
    const env = createTestEnv({
      services,
      connections: upTo(5),
      records: [aRecord({ endpointId: endpointId(9), state: 'available' })],
    });
    env.ec2.pageSize = 2;
    env.remainingMs = 9_000;
    await sweepConnections(hub, 'full', env.deps);
    env.remainingMs = 75_000;
    await sweepConnections(hub, 'full', env.deps);
    expect(await env.record(endpointId(9))).not.toHaveProperty('missingSince');
  });

  test('starts again when the page token of its checkpoint has expired', async () => {
    const env = createTestEnv({ services, connections: upTo(3) });
    env.ec2.pageSize = 2;
    let isStale = true;
    env.ec2.beforePage = (_filter, nextToken) => {
      if (nextToken === undefined || !isStale) return;
      isStale = false;
      throw new ExpiredTokenError();
    };
    expect(await sweepConnections(hub, 'full', env.deps)).toMatchObject({
      status: 'done',
      result: { described: 3 },
    });
  });
});

describe('a record whose connection EC2 does not list', () => {
  const records = [aRecord({ state: 'available' })];

  test('in one full sweep is marked as missing', async () => {
    const env = createTestEnv({ services, records });
    expect(await nextPass(env)).toMatchObject({ result: { ended: 0 } });
    expect(await env.record(endpointId(1))).toMatchObject({
      state: 'available',
      missingSince: env.time.toISOString(),
    });
  });

  test('in two full sweeps is marked as ended', async () => {
    const env = createTestEnv({ services, records });
    await nextPass(env);
    expect(await nextPass(env)).toMatchObject({ result: { ended: 1 } });
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'deleted' });
    expect(await env.actions(endpointId(1))).toEqual(['deleted']);
    expect(await nextPass(env)).toMatchObject({ result: { ended: 0 } });
  });

  test('is not marked as missing if the connection is newer than the sweep', async () => {
    const env = createTestEnv({
      services,
      records: [aRecord({ requestedAt: '2026-11-21T12:01:00.000Z' })],
    });
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test.each([
    ['a millisecond before', '2026-11-21T12:00:59.999Z', true],
    ['at', '2026-11-21T12:01:00.000Z', false],
  ])(
    'is marked as missing only if it was last described before the sweep started: %s the start',
    async (_when, observedAt, isMissing) => {
      const env = createTestEnv({ services, records: [aRecord({ state: 'available', observedAt })] });
      await nextPass(env);
      expect((await env.record(endpointId(1)))?.missingSince !== undefined).toBe(isMissing);
    },
  );

  test('and that cannot be read is reported, and the sweep continues', async () => {
    const other = aRecord({ endpointId: endpointId(0x11), state: 'available' });
    const env = createTestEnv({ services, records: [other] });
    env.put({ ...recordItem(aRecord()), schemaVersion: '9.0' });
    expect(await nextPass(env)).toMatchObject({ status: 'done' });
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
    expect(await env.record(other.endpointId)).toHaveProperty('missingSince');
  });

  test('is not marked as missing if EC2 lists it in an unknown format', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    env.ec2.unreadable = [endpointId(1)];
    await nextPass(env);
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test('in another location is not marked as missing', async () => {
    const location = { accountId: '222222222222', region: 'eu-west-1' };
    const env = createTestEnv({ services, records: [aRecord({ location, state: 'available' })] });
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });
});

describe('an endpoint quota', () => {
  const quota = {
    location: hub,
    serviceId: serviceId(1),
    ownerAccountId: consumer,
    entryVersion: 1,
    version: 0,
  };

  /** Runs a full sweep and returns the stored endpoint quota. */
  async function sweepQuota(
    endpointIds: string[],
    connections: ReturnType<typeof aConnection>[],
    recordOverrides: Partial<ConnectionRecord> = {},
  ) {
    const env = createTestEnv({
      services,
      connections,
      records: connections.map((each) => aRecord({ ...each, ...recordOverrides })),
    });
    await env.table.write([quotaWrite(undefined, { ...quota, endpointIds })]);
    const sweep = await nextPass(env);
    const [item] = await env.table.get([endpointQuotaKey(aConnection())]);
    return { sweep, endpointIds: item && readEndpointQuota(item).endpointIds };
  }

  const connected = aConnection({ state: 'available' });

  test('that agrees with EC2 stays unchanged', async () => {
    expect(await sweepQuota([endpointId(1)], [connected])).toMatchObject({
      sweep: { result: { quotasRepaired: 0 } },
    });
  });

  test('loses an endpoint that EC2 does not list', async () => {
    expect(await sweepQuota([endpointId(1), endpointId(2)], [connected])).toMatchObject({
      sweep: { result: { quotasRepaired: 1 } },
      endpointIds: [endpointId(1)],
    });
  });

  test('keeps an endpoint that is newer than the sweep', async () => {
    const requestedAt = '2026-11-21T12:01:00.000Z';
    const env = createTestEnv({ services, records: [aRecord({ requestedAt, verdict: aVerdict('ask') })] });
    const endpointIds = [endpointId(1)];
    await env.table.write([quotaWrite(undefined, { ...quota, endpointIds })]);
    expect(await nextPass(env)).toMatchObject({ result: { quotasRepaired: 0 } });
  });

  test('loses an endpoint that is rejected in EC2 and in its record', async () => {
    expect(await sweepQuota([endpointId(1)], [{ ...connected, state: 'rejected' }])).toMatchObject({
      endpointIds: [],
    });
  });

  test('gains an endpoint that is connected in EC2', async () => {
    expect(await sweepQuota([], [connected])).toMatchObject({ endpointIds: [endpointId(1)] });
  });

  test('loses an endpoint that is pending acceptance and was not accepted', async () => {
    const verdict = aVerdict('ask');
    expect(await sweepQuota([endpointId(1)], [aConnection()], { verdict })).toMatchObject({
      endpointIds: [],
    });
  });

  test('loses an endpoint whose verdict is no longer accept, five minutes after the last accept call', async () => {
    const described = [aConnection()];
    const verdict = aVerdict('reject');
    const recent = { verdict, acceptRequestedAt: '2026-11-21T11:56:01.000Z' };
    const past = { verdict, acceptRequestedAt: '2026-11-21T11:56:00.000Z' };
    expect(await sweepQuota([endpointId(1)], described, recent)).toMatchObject({
      endpointIds: [endpointId(1)],
    });
    expect(await sweepQuota([endpointId(1)], described, past)).toMatchObject({ endpointIds: [] });
  });

  test('keeps an accepted endpoint that is still pending acceptance in EC2', async () => {
    expect(await sweepQuota([endpointId(1)], [aConnection()], { verdict: aVerdict('accept') })).toMatchObject(
      {
        sweep: { result: { quotasRepaired: 0 } },
        endpointIds: [endpointId(1)],
      },
    );
  });

  describe('agrees with the count of a decision', () => {
    const time = '2026-11-21T11:00:00.000Z';
    const records = {
      none: undefined,
      unreadable: aRecord(),
      asked: aRecord({ verdict: aVerdict('ask') }),
      accepted: aRecord({ verdict: aVerdict('accept'), acceptRequestedAt: time }),
      'just accepted': aRecord({ verdict: aVerdict('accept'), acceptRequestedAt: noon.toISOString() }),
      connected: aRecord({ state: 'available', verdict: aVerdict('accept'), acceptRequestedAt: time }),
      rejected: aRecord({ state: 'rejected', verdict: aVerdict('reject') }),
    } as const;
    const states = ['available', 'pending', 'pendingAcceptance', 'rejected', 'deleted', undefined] as const;
    const cases = states.flatMap((state) =>
      Object.keys(records).map((name) => [state, name as keyof typeof records] as const),
    );

    test.each(cases)('for the state %s in EC2 and the record: %s', async (state, name) => {
      const record = records[name] && { ...records[name], requestedAt: time };
      const connections = state ? [aConnection({ state, requestedAt: time })] : [];
      const env = createTestEnv({ services, connections, records: record ? [record] : [] });
      if (record && name === 'unreadable') env.put({ ...recordItem(record), schemaVersion: '2.0' });
      const storedQuota = { ...quota, endpointIds: [endpointId(1)] };
      const entry = anEntry({ maxEndpoints: 1, version: 2 });
      const counted = await countEndpoints(aConnection(), entry, storedQuota, {
        ...env.deps,
        connections: env.ec2,
      });
      await env.table.write([quotaWrite(undefined, storedQuota)]);
      await sweepConnections(hub, 'full', env.deps);
      const [item] = await env.table.get([endpointQuotaKey(aConnection())]);
      expect(item && readEndpointQuota(item).endpointIds).toEqual(counted);
    });
  });
});
