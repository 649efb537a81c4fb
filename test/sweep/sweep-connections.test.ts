import { describe, expect, test } from '@jest/globals';
import { computeContentHash } from '../../lib/approvals/content-hash.ts';
import { type ConnectionRecord, recordItem } from '../../lib/connections/connection-record.ts';
import { endpointQuotaKey, quotaWrite, readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import { ExpiredTokenError } from '../../lib/storage/cursor.ts';
import { acquireSweepLease } from '../../lib/sweep/lease.ts';
import { sweepConnections } from '../../lib/sweep/sweep-connections.ts';
import {
  aConnection,
  anApprovalRequest,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  hub,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const services = [aService()];

function upTo(count: number) {
  return Array.from({ length: count }, (_, index) => aConnection({ endpointId: endpointId(index + 1) }));
}

/** Nothing says so but the next pass: a minute goes by before it. */
async function nextPass(env: TestEnv) {
  env.advanceSeconds(60);
  return sweepConnections(hub, 'full', env.deps);
}

describe('a pass over what is pending', () => {
  test('hands over what no event told of', async () => {
    const connections = [aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })];
    const env = createTestEnv({ services, connections });
    expect(await sweepConnections(hub, 'pending', env.deps)).toMatchObject({
      status: 'done',
      result: { described: 1, decided: 1 },
    });
    expect(env.ec2.describeCalls).toEqual([{ state: 'pendingAcceptance' }]);
  });

  test('rings for what is due and not done', async () => {
    const records = [
      aRecord({ verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 0 } }),
    ];
    const env = createTestEnv({ services, connections: [aConnection()], records });
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.rings).toHaveLength(1);
  });

  test('rings for nobody where nothing is due', async () => {
    const env = createTestEnv({ services, connections: [aConnection()] });
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.rings).toEqual([]);
  });

  test('does not find anything gone', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    await sweepConnections(hub, 'pending', env.deps);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });
});

describe('people are told', () => {
  const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
  const told = { ...asked, notification: { contentHash: computeContentHash(asked), emailedTo: [] } };

  test.each(['pending', 'full'] as const)('by a %s pass of what no event told them', async (pass) => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [asked] });
    await sweepConnections(hub, pass, env.deps);
    expect(env.notices).toContainEqual({ endpointId: endpointId(1) });
  });

  test('nothing that they see already', async () => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [told] });
    await sweepConnections(hub, 'full', env.deps);
    expect(env.notices).toEqual([]);
  });

  test('that their time runs, when it is time', async () => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [told] });
    env.advanceSeconds(2 * 86_400);
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.notices).toEqual([{ endpointId: endpointId(1) }]);
  });

  test('once of a digest, however many of it wait', async () => {
    const digest = { notification: { digestId: 'digest-1', emailedTo: [] } };
    const records = [1, 2].map((number) => ({ ...asked, ...digest, endpointId: endpointId(number) }));
    const env = createTestEnv({ services, connections: upTo(2), records });
    await sweepConnections(hub, 'pending', env.deps);
    expect(env.notices).toEqual([{ digest: 'digest-1' }]);
  });

  test('once of what is listed, also by a pass that looks for what is missing', async () => {
    const env = createTestEnv({ services, connections: [aConnection()], records: [asked] });
    await sweepConnections(hub, 'full', env.deps);
    expect(env.notices).toEqual([{ endpointId: endpointId(1) }]);
  });

  test('that a request is nobody’s to decide any more, once its service is registered no longer', async () => {
    const records = [{ ...told, serviceDeregisteredAt: '2026-11-21T11:00:00.000Z' }];
    const env = createTestEnv({ connections: [aConnection()], records });
    await sweepConnections(hub, 'full', env.deps);
    expect(env.notices).toEqual([{ endpointId: endpointId(1) }]);
  });

  test('what became of a request that is listed no more', async () => {
    const records = [{ ...told, state: 'deleted', endedAt: '2026-11-21T11:00:00.000Z' } as const];
    const env = createTestEnv({ services, records });
    await sweepConnections(hub, 'full', env.deps);
    expect(env.notices).toEqual([{ endpointId: endpointId(1) }]);
  });
});

describe('a full pass', () => {
  test('sees connections in every state, and compares what verdicts rest on', async () => {
    const before = '2026-10-01T00:00:00.000Z';
    const old = aConnection({ endpointId: endpointId(2), state: 'available', requestedAt: before });
    const connections = [aConnection(), old];
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const env = createTestEnv({ services, connections, records, entries: [anEntry()] });
    const sweep = await sweepConnections(hub, 'full', env.deps);
    expect(sweep).toMatchObject({ result: { described: 2, decided: 1, changed: 1 } });
  });

  test('that ended leaves the next one free to begin at once', async () => {
    const env = createTestEnv({ services });
    await sweepConnections(hub, 'full', env.deps);
    expect(await sweepConnections(hub, 'full', env.deps)).toMatchObject({ status: 'done' });
  });

  test('keeps away while another one is under way', async () => {
    const env = createTestEnv({ services });
    await acquireSweepLease(hub, 'full', env.deps);
    expect(await sweepConnections(hub, 'full', env.deps)).toEqual({ status: 'overlapping' });
  });
});

describe('a pass that runs out of time', () => {
  test('ends well, and the next run goes on where it got to', async () => {
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

  test('finds nothing gone, since no run of it saw everything', async () => {
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

  test('begins anew when EC2 takes its token no more', async () => {
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

describe('a connection that is remembered and not listed', () => {
  const records = [aRecord({ state: 'available' })];

  test('in one pass is only missing', async () => {
    const env = createTestEnv({ services, records });
    expect(await nextPass(env)).toMatchObject({ result: { ended: 0 } });
    expect(await env.record(endpointId(1))).toMatchObject({
      state: 'available',
      missingSince: env.time.toISOString(),
    });
  });

  test('in two passes is gone', async () => {
    const env = createTestEnv({ services, records });
    await nextPass(env);
    expect(await nextPass(env)).toMatchObject({ result: { ended: 1 } });
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'deleted' });
    expect(await env.actions(endpointId(1))).toEqual(['deleted']);
    expect(await nextPass(env)).toMatchObject({ result: { ended: 0 } });
  });

  test('since the pass began is not missing', async () => {
    const env = createTestEnv({
      services,
      records: [aRecord({ requestedAt: '2026-11-21T12:01:00.000Z' })],
    });
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test.each([
    ['before', '2026-11-21T12:00:59.999Z', true],
    ['when', '2026-11-21T12:01:00.000Z', false],
  ])(
    'although it was seen right %s the pass began, is missing or is not',
    async (_when, observedAt, isMissing) => {
      const env = createTestEnv({ services, records: [aRecord({ state: 'available', observedAt })] });
      await nextPass(env);
      expect((await env.record(endpointId(1)))?.missingSince !== undefined).toBe(isMissing);
    },
  );

  test('and whose record cannot be read is reported, and the pass goes on', async () => {
    const other = aRecord({ endpointId: endpointId(0x11), state: 'available' });
    const env = createTestEnv({ services, records: [other] });
    env.put({ ...recordItem(aRecord()), schemaVersion: '9.0' });
    expect(await nextPass(env)).toMatchObject({ status: 'done' });
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
    expect(await env.record(other.endpointId)).toHaveProperty('missingSince');
  });

  test('is not missing while EC2 shows it in a form that linkgate cannot read', async () => {
    const env = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    env.ec2.unreadable = [endpointId(1)];
    await nextPass(env);
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test('in a pass over another place is not missing', async () => {
    const location = { accountId: '222222222222', region: 'eu-west-1' };
    const env = createTestEnv({ services, records: [aRecord({ location, state: 'available' })] });
    await nextPass(env);
    expect(await env.record(endpointId(1))).not.toHaveProperty('missingSince');
  });
});

describe('a set of counted endpoints', () => {
  const kept = { serviceId: serviceId(1), accountId: consumer, entryVersion: 1, version: 0 };

  /** What the set has after a full pass over connections that are remembered as they are shown. */
  async function repaired(
    endpointIds: string[],
    connections: ReturnType<typeof aConnection>[],
    remembered: Partial<ConnectionRecord> = {},
  ) {
    const env = createTestEnv({
      services,
      connections,
      records: connections.map((each) => aRecord({ ...each, ...remembered })),
    });
    await env.table.write([quotaWrite(aConnection(), undefined, { ...kept, endpointIds })]);
    const sweep = await nextPass(env);
    const [item] = await env.table.get([endpointQuotaKey(aConnection())]);
    return { sweep, endpointIds: item && readEndpointQuota(item).endpointIds };
  }

  const live = aConnection({ state: 'available' });

  test('that agrees with EC2 is left alone', async () => {
    expect(await repaired([endpointId(1)], [live])).toMatchObject({
      sweep: { result: { quotasRepaired: 0 } },
    });
  });

  test('loses what EC2 does not list', async () => {
    expect(await repaired([endpointId(1), endpointId(2)], [live])).toMatchObject({
      sweep: { result: { quotasRepaired: 1 } },
      endpointIds: [endpointId(1)],
    });
  });

  test('keeps what asked only after the pass began, and is listed in the next one', async () => {
    const requestedAt = '2026-11-21T12:01:00.000Z';
    const env = createTestEnv({ services, records: [aRecord({ requestedAt, verdict: aVerdict('ask') })] });
    const endpointIds = [endpointId(1)];
    await env.table.write([quotaWrite(aConnection(), undefined, { ...kept, endpointIds })]);
    expect(await nextPass(env)).toMatchObject({ result: { quotasRepaired: 0 } });
  });

  test('loses what EC2 shows rejected, and our record too', async () => {
    expect(await repaired([endpointId(1)], [{ ...live, state: 'rejected' }])).toMatchObject({
      endpointIds: [],
    });
  });

  test('gains what EC2 shows connected', async () => {
    expect(await repaired([], [live])).toMatchObject({ endpointIds: [endpointId(1)] });
  });

  test('loses what EC2 shows pending acceptance and nobody accepted', async () => {
    const verdict = aVerdict('ask');
    expect(await repaired([endpointId(1)], [aConnection()], { verdict })).toMatchObject({ endpointIds: [] });
  });

  test('loses what is accepted no longer, five minutes after EC2 was asked about it', async () => {
    const shown = [aConnection()];
    const verdict = aVerdict('reject');
    const recent = { verdict, acceptRequestedAt: '2026-11-21T11:56:01.000Z' };
    const past = { verdict, acceptRequestedAt: '2026-11-21T11:56:00.000Z' };
    expect(await repaired([endpointId(1)], shown, recent)).toMatchObject({ endpointIds: [endpointId(1)] });
    expect(await repaired([endpointId(1)], shown, past)).toMatchObject({ endpointIds: [] });
  });

  test('keeps what was accepted and EC2 shows pending acceptance', async () => {
    expect(await repaired([endpointId(1)], [aConnection()], { verdict: aVerdict('accept') })).toMatchObject({
      sweep: { result: { quotasRepaired: 0 } },
      endpointIds: [endpointId(1)],
    });
  });
});
