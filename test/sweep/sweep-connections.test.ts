import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { requestTarget } from '../../lib/approvals/digest.ts';
import {
  type ConnectionRecord,
  pickConnection,
  recordItem,
} from '../../lib/connections/connection-record.ts';
import {
  countEndpoints,
  endpointQuotaKey,
  quotaWrite,
  readEndpointQuota,
} from '../../lib/policy/endpoint-quota.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import type { SweepScope } from '../../lib/sweep/sweep.ts';
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
/** The start of the sweep one minute after noon. */
const sweepStart = '2026-11-21T12:01:00.000Z';

function upTo(count: number) {
  return Array.from({ length: count }, (_, index) => aConnection({ endpointId: endpointId(index + 1) }));
}

type Contents = Parameters<typeof createTestEnv>[0];

/** Sweeps a table and EC2 with these contents, and returns the environment with the result. */
async function sweep(scope: SweepScope, contents: Contents, prepare: (env: TestEnv) => void = () => {}) {
  const env = createTestEnv({ services, ...contents });
  prepare(env);
  const result = await sweepConnections(hub, scope, env.deps);
  return Object.assign(env, { result });
}

/** Runs a full sweep one minute later. */
async function nextPass(env: TestEnv) {
  env.advanceSeconds(60);
  return sweepConnections(hub, 'full', env.deps);
}

describe('a pending sweep', () => {
  test('publishes requests for which no notification arrived', async () => {
    const connections = [aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })];
    const { result, ec2, applyRequests } = await sweep('pending', { connections });
    expect(result).toMatchObject({ status: 'done', result: { described: 1, decided: 1 } });
    expect(ec2.describeCalls).toEqual([{ state: 'pendingAcceptance' }]);
    expect(applyRequests).toEqual([]);
  });

  test('enqueues apply-verdicts if there are pending effects', async () => {
    const pendingEffect = { action: 'accept', attempts: 0 } as const;
    const records = [aRecord({ verdict: aVerdict('accept'), pendingEffect })];
    const { applyRequests } = await sweep('pending', { connections: [aConnection()], records });
    expect(applyRequests).toHaveLength(1);
  });

  test('does not mark records as ended', async () => {
    const { record } = await sweep('pending', { records: [aRecord({ state: 'available' })] });
    expect(await record(endpointId(1))).not.toHaveProperty('missingSince');
  });
});

describe('a sweep enqueues notifications', () => {
  const awaitingRecord = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
  const received = aRequestNotification(awaitingRecord, { contentHash: computeContentHash(awaitingRecord) });
  const target = requestTarget(endpointId(1));
  const listed: Contents = { connections: [aConnection()], records: [awaitingRecord] };
  const endedAt = '2026-11-21T11:00:00.000Z';
  const deregistered = { ...awaitingRecord, serviceDeregisteredAt: endedAt };
  const deleted = { ...awaitingRecord, state: 'deleted', endedAt } as const;
  const receive = (env: TestEnv) => env.put(received);
  const receiveTwoDaysAgo = (env: TestEnv) => {
    receive(env);
    env.advanceSeconds(2 * 86_400);
  };

  test.each<[string, SweepScope, Contents, ((env: TestEnv) => void) | undefined, unknown[]]>([
    ['for a request that approvers were not notified of', 'pending', listed, undefined, [target]],
    ['once for such a request in a full sweep', 'full', listed, undefined, [target]],
    ['for no request whose messages are up to date', 'full', listed, receive, []],
    ['for reminders and escalations that are due', 'pending', listed, receiveTwoDaysAgo, [target]],
    [
      'for requests whose service was deregistered',
      'full',
      { ...listed, services: [], records: [deregistered] },
      receive,
      [target],
    ],
    ['for requests that EC2 no longer lists', 'full', { records: [deleted] }, receive, [target]],
  ])('%s', async (_what, scope, contents, prepare, notifications) => {
    const { queuedNotifications } = await sweep(scope, contents, prepare);
    expect(queuedNotifications).toEqual(notifications);
  });

  test('once for a digest with several waiting requests', async () => {
    const records = [1, 2].map((number) => ({ ...awaitingRecord, endpointId: endpointId(number) }));
    const { queuedNotifications } = await sweep('pending', { connections: upTo(2), records }, ({ put }) =>
      put(...records.map((record) => aRequestNotification(record, { digestId: 'digest-1' }))),
    );
    expect(queuedNotifications).toEqual([{ kind: 'digest', id: 'digest-1' }]);
  });
});

describe('a full sweep', () => {
  test('reads connections in every state and compares the policy versions of verdicts', async () => {
    const before = '2026-10-01T00:00:00.000Z';
    const old = aConnection({ endpointId: endpointId(2), state: 'available', requestedAt: before });
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const env = await sweep('full', { connections: [aConnection(), old], records, entries: [anEntry()] });
    expect(env.result).toMatchObject({ result: { described: 2, decided: 1, changed: 1 } });
    expect(await sweepConnections(hub, 'full', env.deps)).toMatchObject({ status: 'done' });
  });

  test('does not start while another one runs', async () => {
    const env = createTestEnv({ services });
    await acquireSweepLease(hub, 'full', env.deps);
    expect(await sweepConnections(hub, 'full', env.deps)).toEqual({ status: 'already-running' });
  });
});

describe('a sweep that runs out of time', () => {
  test('saves a checkpoint from which the next run resumes, and marks no record as ended, because no run has read all pages', async () => {
    const records = [aRecord({ endpointId: endpointId(9), state: 'available' })];
    const env = await sweep('full', { connections: upTo(5), records }, (each) => {
      each.ec2.pageSize = 2;
      each.remainingMs = 9_000;
    });
    expect(env.result).toEqual({ status: 'unfinished' });
    expect(env.published).toHaveLength(2);
    env.remainingMs = 75_000;
    const resumed = await sweepConnections(hub, 'full', env.deps);
    expect(resumed).toMatchObject({ status: 'done', result: { described: 5, decided: 5 } });
    expect(env.published).toHaveLength(5);
    expect(await env.record(endpointId(9))).not.toHaveProperty('missingSince');
  });

  test('starts again when the page token of its checkpoint has expired', async () => {
    let isStale = true;
    const { result } = await sweep('full', { connections: upTo(3) }, ({ ec2 }) => {
      ec2.pageSize = 2;
      ec2.beforePage = (_filter, nextToken) => {
        if (nextToken === undefined || !isStale) return;
        isStale = false;
        throw new ExpiredTokenError();
      };
    });
    expect(result).toMatchObject({ status: 'done', result: { described: 3 } });
  });
});

describe('a record whose connection EC2 does not list', () => {
  test('is marked as missing in one full sweep, and as ended in two', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    expect(await nextPass(env)).toMatchObject({ result: { ended: 0 } });
    const missingSince = env.time.toISOString();
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'available', missingSince });
    expect(await nextPass(env)).toMatchObject({ result: { ended: 1 } });
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'deleted' });
    expect(await env.actions(endpointId(1))).toEqual(['deleted']);
    expect(await nextPass(env)).toMatchObject({ result: { ended: 0 } });
  });

  test.each<[string, Partial<ConnectionRecord>, unreadable?: string[]]>([
    ['the connection is newer than the sweep', { requestedAt: sweepStart }],
    ['it was described when the sweep started', { state: 'available', observedAt: sweepStart }],
    ['EC2 lists it in an unknown format', { state: 'available' }, [endpointId(1)]],
    [
      'it is in another location',
      { state: 'available', location: { accountId: '222222222222', region: 'eu-west-1' } },
    ],
  ])('is not marked as missing if %s', async (_what, record, unreadable = []) => {
    const env = createTestEnv({ services, records: [aRecord(record)] });
    env.ec2.unreadable = unreadable;
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test('is marked as missing if it was described a millisecond before the sweep started', async () => {
    const observedAt = '2026-11-21T12:00:59.999Z';
    const env = createTestEnv({ services, records: [aRecord({ state: 'available', observedAt })] });
    await nextPass(env);
    expect(await env.record(endpointId(1))).toHaveProperty('missingSince');
  });

  test('and that cannot be read is reported, and the sweep continues', async () => {
    const other = aRecord({ endpointId: endpointId(0x11), state: 'available' });
    const env = createTestEnv({ services, records: [other] });
    env.put({ ...recordItem(aRecord()), schemaVersion: '9.0' });
    expect(await nextPass(env)).toMatchObject({ status: 'done' });
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
    expect(await env.record(other.endpointId)).toHaveProperty('missingSince');
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
  const available = { state: 'available' } as const;

  test.each<[string, Partial<ConnectionRecord>, isDescribed: boolean, before: number[], after: number[]]>([
    ['stays unchanged if it agrees with EC2', available, true, [1], [1]],
    ['loses an endpoint that EC2 does not list', available, true, [1, 2], [1]],
    ['gains an endpoint that is connected in EC2', available, true, [], [1]],
    ['keeps an endpoint that is newer than the sweep', { requestedAt: sweepStart }, false, [1], [1]],
  ])('%s', async (_what, fields, isDescribed, before, after) => {
    const record = aRecord(fields);
    const connections = isDescribed ? [pickConnection(record)] : [];
    const env = createTestEnv({ services, connections, records: [record] });
    await env.table.write([quotaWrite(undefined, { ...quota, endpointIds: before.map(endpointId) })]);
    const quotasRepaired = String(before) === String(after) ? 0 : 1;
    expect(await nextPass(env)).toMatchObject({ result: { quotasRepaired } });
    const [item] = await env.table.get([endpointQuotaKey(aConnection())]);
    expect(item && readEndpointQuota(item).endpointIds).toEqual(after.map(endpointId));
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
