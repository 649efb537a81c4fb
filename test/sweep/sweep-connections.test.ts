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
async function nextPass(world: TestEnv) {
  world.wait(60);
  return sweepConnections(hub, 'full', world.deps);
}

describe('a pass over what is pending', () => {
  test('hands over what no event told of', async () => {
    const connections = [aConnection(), aConnection({ endpointId: endpointId(2), state: 'available' })];
    const world = createTestEnv({ services, connections });
    expect(await sweepConnections(hub, 'pending', world.deps)).toMatchObject({
      status: 'done',
      result: { seen: 1, decided: 1 },
    });
    expect(world.ec2.looks).toEqual([{ state: 'pendingAcceptance' }]);
  });

  test('rings for what is due and not done', async () => {
    const records = [aRecord({ verdict: aVerdict('accept'), effect: { action: 'accept', asked: 0 } })];
    const world = createTestEnv({ services, connections: [aConnection()], records });
    await sweepConnections(hub, 'pending', world.deps);
    expect(world.rings).toHaveLength(1);
  });

  test('rings for nobody where nothing is due', async () => {
    const world = createTestEnv({ services, connections: [aConnection()] });
    await sweepConnections(hub, 'pending', world.deps);
    expect(world.rings).toEqual([]);
  });

  test('does not find anything gone', async () => {
    const world = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    await sweepConnections(hub, 'pending', world.deps);
    expect(await world.record(endpointId(1))).not.toHaveProperty('missingSince');
  });
});

describe('people are told', () => {
  const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
  const told = { ...asked, notice: { contentHash: computeContentHash(asked), emailedTo: [] } };

  test.each(['pending', 'full'] as const)('by a %s pass of what no event told them', async (pass) => {
    const world = createTestEnv({ services, connections: [aConnection()], records: [asked] });
    await sweepConnections(hub, pass, world.deps);
    expect(world.notices).toContainEqual({ endpointId: endpointId(1) });
  });

  test('nothing that they see already', async () => {
    const world = createTestEnv({ services, connections: [aConnection()], records: [told] });
    await sweepConnections(hub, 'full', world.deps);
    expect(world.notices).toEqual([]);
  });

  test('that their time runs, when it is time', async () => {
    const world = createTestEnv({ services, connections: [aConnection()], records: [told] });
    world.wait(2 * 86_400);
    await sweepConnections(hub, 'pending', world.deps);
    expect(world.notices).toEqual([{ endpointId: endpointId(1) }]);
  });

  test('once of a digest, however many of it wait', async () => {
    const digest = { notice: { digest: 'digest-1', emailedTo: [] } };
    const records = [1, 2].map((number) => ({ ...asked, ...digest, endpointId: endpointId(number) }));
    const world = createTestEnv({ services, connections: upTo(2), records });
    await sweepConnections(hub, 'pending', world.deps);
    expect(world.notices).toEqual([{ digest: 'digest-1' }]);
  });

  test('once of what is listed, also by a pass that looks for what is missing', async () => {
    const world = createTestEnv({ services, connections: [aConnection()], records: [asked] });
    await sweepConnections(hub, 'full', world.deps);
    expect(world.notices).toEqual([{ endpointId: endpointId(1) }]);
  });

  test('that a request is nobody’s to decide any more, once its service is registered no longer', async () => {
    const records = [{ ...told, serviceDeregisteredAt: '2026-11-21T11:00:00.000Z' }];
    const world = createTestEnv({ connections: [aConnection()], records });
    await sweepConnections(hub, 'full', world.deps);
    expect(world.notices).toEqual([{ endpointId: endpointId(1) }]);
  });

  test('what became of a request that is listed no more', async () => {
    const records = [{ ...told, state: 'deleted', endedAt: '2026-11-21T11:00:00.000Z' } as const];
    const world = createTestEnv({ services, records });
    await sweepConnections(hub, 'full', world.deps);
    expect(world.notices).toEqual([{ endpointId: endpointId(1) }]);
  });
});

describe('a full pass', () => {
  test('sees connections in every state, and compares what verdicts rest on', async () => {
    const before = '2026-10-01T00:00:00.000Z';
    const old = aConnection({ endpointId: endpointId(2), state: 'available', requestedAt: before });
    const connections = [aConnection(), old];
    const records = [aRecord({ verdict: aVerdict('ask') })];
    const world = createTestEnv({ services, connections, records, entries: [anEntry()] });
    const sweep = await sweepConnections(hub, 'full', world.deps);
    expect(sweep).toMatchObject({ result: { seen: 2, decided: 1, changed: 1 } });
  });

  test('that ended leaves the next one free to begin at once', async () => {
    const world = createTestEnv({ services });
    await sweepConnections(hub, 'full', world.deps);
    expect(await sweepConnections(hub, 'full', world.deps)).toMatchObject({ status: 'done' });
  });

  test('keeps away while another one is under way', async () => {
    const world = createTestEnv({ services });
    await acquireSweepLease(hub, 'full', world.deps);
    expect(await sweepConnections(hub, 'full', world.deps)).toEqual({ status: 'overlapping' });
  });
});

describe('a pass that runs out of time', () => {
  test('ends well, and the next run goes on where it got to', async () => {
    const world = createTestEnv({ services, connections: upTo(5) });
    world.ec2.pageSize = 2;
    world.left = 9_000;
    expect(await sweepConnections(hub, 'full', world.deps)).toEqual({ status: 'unfinished' });
    expect(world.published).toHaveLength(2);
    world.left = 75_000;
    const sweep = await sweepConnections(hub, 'full', world.deps);
    expect(sweep).toMatchObject({ status: 'done', result: { seen: 5, decided: 5 } });
    expect(world.published).toHaveLength(5);
  });

  test('finds nothing gone, since no run of it saw everything', async () => {
    const world = createTestEnv({
      services,
      connections: upTo(5),
      records: [aRecord({ endpointId: endpointId(9), state: 'available' })],
    });
    world.ec2.pageSize = 2;
    world.left = 9_000;
    await sweepConnections(hub, 'full', world.deps);
    world.left = 75_000;
    await sweepConnections(hub, 'full', world.deps);
    expect(await world.record(endpointId(9))).not.toHaveProperty('missingSince');
  });

  test('begins anew when EC2 takes its token no more', async () => {
    const world = createTestEnv({ services, connections: upTo(3) });
    world.ec2.pageSize = 2;
    let isStale = true;
    world.ec2.beforePage = (_filter, nextToken) => {
      if (nextToken === undefined || !isStale) return;
      isStale = false;
      throw new ExpiredTokenError();
    };
    expect(await sweepConnections(hub, 'full', world.deps)).toMatchObject({
      status: 'done',
      result: { seen: 3 },
    });
  });
});

describe('a connection that is remembered and not listed', () => {
  const records = [aRecord({ state: 'available' })];

  test('in one pass is only missing', async () => {
    const world = createTestEnv({ services, records });
    expect(await nextPass(world)).toMatchObject({ result: { gone: 0 } });
    expect(await world.record(endpointId(1))).toMatchObject({
      state: 'available',
      missingSince: world.time.toISOString(),
    });
  });

  test('in two passes is gone', async () => {
    const world = createTestEnv({ services, records });
    await nextPass(world);
    expect(await nextPass(world)).toMatchObject({ result: { gone: 1 } });
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'deleted' });
    expect(await world.actions(endpointId(1))).toEqual(['deleted']);
    expect(await nextPass(world)).toMatchObject({ result: { gone: 0 } });
  });

  test('since the pass began is not missing', async () => {
    const world = createTestEnv({
      services,
      records: [aRecord({ requestedAt: '2026-11-21T12:01:00.000Z' })],
    });
    await nextPass(world);
    expect(await world.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test.each([
    ['before', '2026-11-21T12:00:59.999Z', true],
    ['when', '2026-11-21T12:01:00.000Z', false],
  ])(
    'although it was seen right %s the pass began, is missing or is not',
    async (_when, observedAt, isMissing) => {
      const world = createTestEnv({ services, records: [aRecord({ state: 'available', observedAt })] });
      await nextPass(world);
      expect((await world.record(endpointId(1)))?.missingSince !== undefined).toBe(isMissing);
    },
  );

  test('and whose record cannot be read is reported, and the pass goes on', async () => {
    const other = aRecord({ endpointId: endpointId(0x11), state: 'available' });
    const world = createTestEnv({ services, records: [other] });
    world.put({ ...recordItem(aRecord()), schemaVersion: '9.0' });
    expect(await nextPass(world)).toMatchObject({ status: 'done' });
    expect(world.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
    expect(await world.record(other.endpointId)).toHaveProperty('missingSince');
  });

  test('is not missing while EC2 shows it in a form that linkgate cannot read', async () => {
    const world = createTestEnv({ services, records: [aRecord({ state: 'available' })] });
    world.ec2.unreadable = [endpointId(1)];
    await nextPass(world);
    await nextPass(world);
    expect(await world.record(endpointId(1))).not.toHaveProperty('missingSince');
  });

  test('in a pass over another place is not missing', async () => {
    const location = { accountId: '222222222222', region: 'eu-west-1' };
    const world = createTestEnv({ services, records: [aRecord({ location, state: 'available' })] });
    await nextPass(world);
    expect(await world.record(endpointId(1))).not.toHaveProperty('missingSince');
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
    const world = createTestEnv({
      services,
      connections,
      records: connections.map((each) => aRecord({ ...each, ...remembered })),
    });
    await world.table.write([quotaWrite(aConnection(), undefined, { ...kept, endpointIds })]);
    const sweep = await nextPass(world);
    const [item] = await world.table.get([endpointQuotaKey(aConnection())]);
    return { sweep, endpointIds: item && readEndpointQuota(item).endpointIds };
  }

  const live = aConnection({ state: 'available' });

  test('that agrees with EC2 is left alone', async () => {
    expect(await repaired([endpointId(1)], [live])).toMatchObject({ sweep: { result: { repaired: 0 } } });
  });

  test('loses what EC2 does not list', async () => {
    expect(await repaired([endpointId(1), endpointId(2)], [live])).toMatchObject({
      sweep: { result: { repaired: 1 } },
      endpointIds: [endpointId(1)],
    });
  });

  test('keeps what asked only after the pass began, and is listed in the next one', async () => {
    const requestedAt = '2026-11-21T12:01:00.000Z';
    const world = createTestEnv({ services, records: [aRecord({ requestedAt, verdict: aVerdict('ask') })] });
    const endpointIds = [endpointId(1)];
    await world.table.write([quotaWrite(aConnection(), undefined, { ...kept, endpointIds })]);
    expect(await nextPass(world)).toMatchObject({ result: { repaired: 0 } });
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
      sweep: { result: { repaired: 0 } },
      endpointIds: [endpointId(1)],
    });
  });
});
