import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../../lib/allowlist/entry.ts';
import { decideConnectedByPerson } from '../../../lib/approvals/decide-connected-by-person.ts';
import { submitStoredDecision } from '../../../lib/approvals/submit-decision.ts';
import { groupItem } from '../../../lib/approvers/approver-group.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { quotaKey } from '../../../lib/reconcile/disconnect-quota.ts';
import { serviceItem, serviceKey } from '../../../lib/services/service.ts';
import { UnsupportedSchemaVersionError } from '../../../lib/storage/entity.ts';
import {
  aConnection,
  aGroup,
  alice,
  anEntry,
  aService,
  aSwitch,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';
import { itemsInMemory, memoryTable } from '../../doubles/memory-table.ts';
import type { TestEnv } from '../../doubles/test-env.ts';
import {
  createRevocationTestEnv,
  day,
  endpoints,
  forget,
  hour,
  later,
  pass,
  policyChanged,
  settle,
} from './fixtures.ts';

const revoking = { action: 'revoke', by: alice, reason: 'contract ended' } as const;
const inAMonth = {
  action: 'keep',
  by: alice,
  reason: 'they are moving',
  until: secondsAfterNoon(30 * day).toISOString(),
} as const;

const stateOf = ({ ec2 }: TestEnv, number = 1) => ec2.state(endpointId(number));
const cutsOf = ({ ec2 }: TestEnv) => ec2.calls.filter(({ action }) => action === 'reject');
const recordOf = (world: TestEnv, number = 1) => world.record(endpointId(number));

function say(world: TestEnv, word: Parameters<typeof decideConnectedByPerson>[1]) {
  return decideConnectedByPerson(endpointId(1), word, world.deps).then(async (answer) => {
    await settle(world);
    return answer;
  });
}

async function decide(world: TestEnv, decision: 'approve' | 'deny') {
  const answer = await submitStoredDecision(endpointId(1), { by: alice, decision, reason: 'so' }, world.deps);
  await settle(world);
  return answer;
}

async function put(world: TestEnv, entry: Parameters<typeof anEntry>[0]): Promise<void> {
  world.put(entryItem(anEntry({ version: 2, changedAt: world.time.toISOString(), ...entry })));
  await policyChanged(world);
}

describe('a connection whose entry is taken away', () => {
  test('is announced to be cut after 72 hours, and people are asked until then', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    const disconnectAt = secondsAfterNoon(73 * hour).toISOString();
    expect(await recordOf(world)).toMatchObject({
      verdict: { outcome: 'reject', until: disconnectAt },
      revocation: {
        cause: 'policy',
        by: 'linkgate',
        since: secondsAfterNoon(hour).toISOString(),
        disconnectAt,
      },
      approvalRequest: { group: 'default', deadline: disconnectAt },
    });
    expect(await world.actions(endpointId(1))).toEqual([
      ...['requested', 'decided', 'applying', 'applied'],
      ...['disconnect-scheduled', 'approval-requested'],
    ]);
    expect(cutsOf(world)).toEqual([]);
  });

  test('stays while its grace period lasts, and is cut once that is over', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await later(72 * hour - 1, world);
    expect(cutsOf(world)).toEqual([]);
    await later(1, world);
    expect(stateOf(world)).toBe('rejected');
    expect((await world.actions(endpointId(1))).slice(-3)).toEqual([
      'approval-requested',
      'applying',
      'disconnected',
    ]);
  });

  test('has the grace period of its service', async () => {
    const world = await createRevocationTestEnv({ services: [aService({ graceSeconds: hour })] });
    await forget(world);
    await later(hour, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('stays when the account is allowed again in time, which its history tells', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await put(world, {});
    await later(30 * day, world);
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    expect(await recordOf(world)).not.toHaveProperty('revocation');
    expect((await world.actions(endpointId(1))).at(-1)).toBe('extended');
  });

  test('stays when somebody approves it, whatever the policy says from then on', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await decide(world, 'approve');
    await later(30 * day, world);
    await pass(world, 'full');
    expect(stateOf(world)).toBe('pending');
    expect(await recordOf(world)).toMatchObject({ verdict: { outcome: 'accept', decidedBy: alice } });
  });

  test('is cut at once when somebody denies it', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await decide(world, 'deny');
    expect(stateOf(world)).toBe('rejected');
    expect((await world.actions(endpointId(1))).slice(-3)).toEqual(['denied', 'applying', 'disconnected']);
  });

  test('is asked about where its service asks by now', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    world.put(
      groupItem(aGroup({ name: 'leads' })),
      serviceItem(aService({ approvers: 'leads', policyRevision: 2 })),
    );
    await policyChanged(world);
    expect(await recordOf(world)).toMatchObject({
      approvalRequest: { group: 'leads' },
      revocation: { cause: 'policy' },
    });
  });

  test('is announced once, however often it is looked at', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    const before = await recordOf(world);
    for (const kind of ['pending', 'full'] as const) await pass(world, kind);
    expect(await recordOf(world)).toEqual(before);
  });

  test('is nobody’s when its service is taken out, and was there first when that is registered again', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    world.put(serviceItem(aService({ policyRevision: 2 })));
    await world.table.write([{ remove: serviceKey(aService().serviceId) }]);
    await world.deps.bus.publish([
      { type: 'Connection Request', connection: aConnection({ state: 'pending' }), observedAt: '' },
    ]);
    await settle(world);
    expect(await recordOf(world)).not.toHaveProperty('revocation');
    world.put(serviceItem(aService({ policyRevision: 3, registeredAt: world.time.toISOString() })));
    await policyChanged(world);
    await later(30 * day, world);
    expect(cutsOf(world)).toEqual([]);
    expect(await recordOf(world)).toMatchObject({ grandfathered: { by: 'linkgate' } });
  });
});

describe('a connection is announced to be cut, too,', () => {
  test.each([
    ['when its entry names other consumer Regions', { consumerRegions: ['eu-west-1'] }],
    ['when its entry names other endpoints', { endpointIds: [endpointId(9)] }],
    ['when its entry has expired', { expiresAt: noon.toISOString() }],
  ])('%s', async (_when, entry) => {
    const world = await createRevocationTestEnv();
    await put(world, entry);
    expect(await recordOf(world)).toMatchObject({
      verdict: { outcome: 'reject' },
      revocation: { cause: 'policy' },
    });
    expect(cutsOf(world)).toEqual([]);
  });

  test('when its entry counts fewer, and the last to come are the first to go', async () => {
    const connections = endpoints(3).map((connection, index) => ({
      ...connection,
      requestedAt: secondsAfterNoon(-60 + index).toISOString(),
    }));
    const world = await createRevocationTestEnv({ connections });
    await put(world, { maxEndpoints: 1 });
    await pass(world, 'full');
    const revoked = [1, 2, 3].map(
      async (number) => (await recordOf(world, number))?.revocation !== undefined,
    );
    expect(await Promise.all(revoked)).toEqual([false, true, true]);
    await later(72 * hour, world);
    expect([1, 2, 3].map((number) => stateOf(world, number))).toEqual(['pending', 'rejected', 'rejected']);
  });

  test('at the time at which its entry expires', async () => {
    const world = await createRevocationTestEnv({
      entries: [anEntry({ expiresAt: secondsAfterNoon(20 * day).toISOString() })],
    });
    await later(20 * day - hour, world);
    expect(await recordOf(world)).toMatchObject({
      revocation: { since: secondsAfterNoon(20 * day).toISOString() },
    });
    expect(cutsOf(world)).toEqual([]);
  });
});

describe('before an entry expires', () => {
  test('people are warned 14, 7 and 1 days before, once each', async () => {
    const world = await createRevocationTestEnv({
      entries: [anEntry({ expiresAt: secondsAfterNoon(20 * day).toISOString() })],
    });
    const warnings: unknown[] = [];
    for (let days = 0; days < 19; days++) {
      await later(day, world);
      warnings.push((await recordOf(world))?.expiryWarning?.days);
    }
    expect(warnings.indexOf(14)).toBe(5);
    expect(warnings.indexOf(7)).toBe(12);
    expect(warnings.at(-1)).toBe(1);
    expect((await world.actions(endpointId(1))).filter((action) => action === 'expiry-warned')).toHaveLength(
      3,
    );
  });

  test('nobody is warned of a time that was short from the start', async () => {
    const world = await createRevocationTestEnv({
      entries: [anEntry({ expiresAt: secondsAfterNoon(3 * day).toISOString() })],
    });
    await later(day, world);
    expect(await world.actions(endpointId(1))).not.toContain('expiry-warned');
  });
});

describe('a block', () => {
  test('cuts at once', async () => {
    const world = await createRevocationTestEnv();
    await put(world, { effect: 'block' });
    expect(stateOf(world)).toBe('rejected');
    expect((await world.actions(endpointId(1))).slice(-3)).toEqual([
      'disconnect-scheduled',
      'applying',
      'disconnected',
    ]);
  });

  test('cuts what is older than the registration of its service', async () => {
    const old = aConnection({ state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' });
    const world = await createRevocationTestEnv({ entries: [], connections: [old] });
    await put(world, { effect: 'block' });
    expect(stateOf(world)).toBe('rejected');
  });

  test('cuts more than the policy may', async () => {
    const world = await createRevocationTestEnv({ connections: endpoints(30) });
    await put(world, { effect: 'block' });
    expect(cutsOf(world).flatMap(({ endpointIds }) => endpointIds)).toHaveLength(30);
  });

  test('is not put off, but lifted', async () => {
    const world = await createRevocationTestEnv();
    world.put(serviceItem(aService({ pausedAt: noon.toISOString(), policyRevision: 2 })));
    await put(world, { effect: 'block' });
    expect(await say(world, inAMonth)).toMatchObject({ status: 'not-revoking' });
  });
});

describe('whoever revokes a connection', () => {
  test('has it cut after the grace period, though its account is allowed', async () => {
    const world = await createRevocationTestEnv();
    expect(await say(world, revoking)).toMatchObject({
      status: 'done',
      record: { revocation: { cause: 'person', by: alice } },
    });
    await pass(world, 'full');
    await later(72 * hour - 1, world);
    expect(cutsOf(world)).toEqual([]);
    await later(1, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('has it cut at once, if they say so', async () => {
    const world = await createRevocationTestEnv();
    await say(world, { ...revoking, now: true });
    expect(stateOf(world)).toBe('rejected');
  });

  test('is heard once a pause is over', async () => {
    const world = await createRevocationTestEnv({
      services: [aService({ pausedAt: noon.toISOString() })],
      connections: [],
    });
    world.ec2.show(aConnection({ state: 'available' }));
    await say(world, { ...revoking, now: true });
    expect(cutsOf(world)).toEqual([]);
    world.put(serviceItem(aService({ policyRevision: 2 })));
    await policyChanged(world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('is heard though the process dies before it is decided', async () => {
    const world = await createRevocationTestEnv();
    const { write } = world.deps.table;
    let writes = 0;
    world.deps.table = {
      ...world.deps.table,
      write: (items) => (++writes > 1 ? Promise.reject(new Error('killed')) : write(items)),
    };
    await expect(
      decideConnectedByPerson(endpointId(1), { ...revoking, now: true }, world.deps),
    ).rejects.toThrow('killed');
    world.deps.table = world.table;
    await later(60, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('may be overruled in time', async () => {
    const world = await createRevocationTestEnv();
    await say(world, revoking);
    await decide(world, 'approve');
    await later(30 * day, world);
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
  });
});

describe('whoever keeps a connection', () => {
  test('puts off its cut', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await say(world, inAMonth);
    await later(29 * day, world);
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    await later(day, world);
    expect(stateOf(world)).toBe('rejected');
    expect(await world.actions(endpointId(1))).toContain('extended');
  });

  test('is told where nothing is to cut it', async () => {
    expect(await say(await createRevocationTestEnv(), inAMonth)).toMatchObject({ status: 'not-revoking' });
  });
});

describe('a connection that somebody else accepted', () => {
  async function foreign(onExternalAccept: 'ask' | 'disconnect' | 'adopt' | undefined) {
    const services = [aService(onExternalAccept ? { onExternalAccept } : {})];
    const world = await createRevocationTestEnv({ services, entries: [] });
    world.ec2.show(aConnection({ state: 'available' }));
    await pass(world, 'full');
    await later(60, world);
    return world;
  }

  test('is asked about, and stays as long as nobody denies it', async () => {
    const world = await foreign(undefined);
    expect(await recordOf(world)).toMatchObject({
      verdict: { outcome: 'ask', findings: [{ rule: 'accepted-elsewhere' }, {}] },
      approvalRequest: { group: 'default' },
    });
    await later(30 * day, world);
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    await decide(world, 'deny');
    expect(stateOf(world)).toBe('rejected');
  });

  test('is announced to be cut, and cut, where the service says so', async () => {
    const world = await foreign('disconnect');
    expect(await recordOf(world)).toMatchObject({ revocation: { cause: 'policy' } });
    await later(72 * hour, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('is adopted where the service says so, and its history tells', async () => {
    const world = await foreign('adopt');
    await later(30 * day, world);
    expect(stateOf(world)).toBe('available');
    expect(await world.actions(endpointId(1))).toContain('grandfathered');
  });

  test('after it was cut is asked about, as if it had never been announced', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await later(72 * hour, world);
    world.ec2.show(aConnection({ state: 'available' }));
    await pass(world, 'full');
    await later(60, world);
    expect(stateOf(world)).toBe('available');
    expect(await recordOf(world)).toMatchObject({ verdict: { outcome: 'ask' } });
    expect(await recordOf(world)).not.toHaveProperty('revocation');
  });

  test('after it was denied is asked about, and not cut for that', async () => {
    const world = await createRevocationTestEnv({ entries: [] });
    await decide(world, 'deny');
    expect(stateOf(world)).toBe('rejected');
    world.ec2.show(aConnection({ state: 'available' }));
    await pass(world, 'full');
    await later(60, world);
    expect(stateOf(world)).toBe('available');
    expect(await recordOf(world)).toMatchObject({ verdict: { outcome: 'ask' } });
  });

  test('before the service was registered is left alone', async () => {
    const old = aConnection({ state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' });
    const world = await createRevocationTestEnv({ entries: [], connections: [old] });
    await later(30 * day, world);
    await pass(world, 'full');
    expect(await world.actions(endpointId(1))).toEqual(['observed']);
    expect(cutsOf(world)).toEqual([]);
  });
});

describe('a pause', () => {
  test('keeps what is to be cut, and what it held back goes on afterwards', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    world.put(serviceItem(aService({ pausedAt: world.time.toISOString(), policyRevision: 2 })));
    await policyChanged(world);
    await later(80 * hour, world);
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    expect(await recordOf(world)).toMatchObject({
      verdict: { outcome: 'hold' },
      revocation: { cause: 'policy' },
    });
    world.put(serviceItem(aService({ policyRevision: 3 })));
    await policyChanged(world);
    expect(stateOf(world)).toBe('rejected');
  });
});

describe('in the mode observe', () => {
  test('nothing is announced, and when linkgate acts again everything has its whole grace period', async () => {
    const world = await createRevocationTestEnv();
    world.mode = 'observe';
    world.put(modeChangeItem(aSwitch({ mode: 'observe', policyRevision: 0 })));
    await forget(world);
    expect(await recordOf(world)).toMatchObject({ verdict: { outcome: 'reject' } });
    expect(await recordOf(world)).not.toHaveProperty('revocation');
    await later(80 * hour, world);
    await pass(world, 'full');
    world.mode = 'enforce';
    world.put(modeChangeItem(aSwitch({ since: world.time.toISOString(), version: 2 })));
    await pass(world, 'full');
    const disconnectAt = new Date(world.time.getTime() + 72 * hour * 1000).toISOString();
    expect(await recordOf(world)).toMatchObject({ revocation: { cause: 'policy', disconnectAt } });
    expect(cutsOf(world)).toEqual([]);
  });

  test('what was announced before is called off, and announced anew when linkgate acts again', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    world.mode = 'observe';
    world.put(modeChangeItem(aSwitch({ mode: 'observe', policyRevision: 0 })));
    await later(72 * hour, world);
    await pass(world, 'full');
    world.mode = 'enforce';
    world.put(modeChangeItem(aSwitch({ since: world.time.toISOString(), version: 2 })));
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    await later(72 * hour, world);
    expect(stateOf(world)).toBe('rejected');
  });
});

describe('the budget of cuts', () => {
  async function revokedAtOnce(count: number, service: Parameters<typeof aService>[0] = {}) {
    const world = await createRevocationTestEnv({
      services: [aService(service)],
      connections: endpoints(count),
    });
    await forget(world);
    await later(72 * hour, world);
    return world;
  }

  test('is five of a service in 24 hours, and people are asked about the others', async () => {
    const world = await revokedAtOnce(8);
    const states = endpoints(8).map(({ endpointId: id }) => world.ec2.state(id));
    expect(states.filter((state) => state === 'rejected')).toHaveLength(5);
    const asked = await Promise.all(endpoints(8).map(async ({ endpointId: id }) => world.record(id)));
    const beyond = asked.filter((record) => record?.revocation?.overQuota);
    expect(beyond).toHaveLength(3);
    for (const record of beyond)
      expect(record).toMatchObject({
        verdict: { outcome: 'ask', findings: [{ rule: 'cuts-are-limited' }, {}] },
      });
    await later(10 * day, world);
    expect(cutsOf(world).flatMap(({ endpointIds }) => endpointIds)).toHaveLength(5);
  });

  test('is a tenth of what lives where that is more, and twenty over all', async () => {
    const world = await revokedAtOnce(250);
    expect(cutsOf(world).flatMap(({ endpointIds }) => endpointIds)).toHaveLength(20);
  });

  test('does not keep people from denying what is beyond it', async () => {
    const world = await revokedAtOnce(8);
    const beyond = endpoints(8)
      .map(({ endpointId: id }) => id)
      .filter((id) => world.ec2.state(id) === 'pending');
    for (const id of beyond) await submitStoredDecision(id, { by: alice, decision: 'deny' }, world.deps);
    await settle(world);
    expect(beyond.map((id) => world.ec2.state(id))).toEqual(['rejected', 'rejected', 'rejected']);
  });

  test('is asked anew of what somebody keeps', async () => {
    const world = await revokedAtOnce(8);
    const [id = ''] = endpoints(8)
      .map((each) => each.endpointId)
      .filter((each) => world.ec2.state(each) === 'pending');
    await decideConnectedByPerson(id, inAMonth, world.deps);
    await later(30 * day, world);
    expect(world.ec2.state(id)).toBe('rejected');
  });
});

describe('nothing is cut', () => {
  /** A connection whose grace period is over, and nobody has looked yet. */
  async function overdue(): Promise<TestEnv> {
    const world = await createRevocationTestEnv();
    await forget(world);
    world.wait(80 * hour);
    return world;
  }

  test('because the table was restored: everything is announced anew', async () => {
    const world = await overdue();
    world.deps.table = { ...world.table, identity: async () => 'another table' };
    await pass(world, 'pending');
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    const disconnectAt = new Date(world.time.getTime() + 72 * hour * 1000).toISOString();
    expect(await recordOf(world)).toMatchObject({ revocation: { disconnectAt } });
  });

  test('by a block of before the table was restored, without a grace period', async () => {
    const world = await createRevocationTestEnv();
    world.wait(hour);
    world.put(entryItem(anEntry({ effect: 'block', version: 2, changedAt: noon.toISOString() })));
    world.deps.table = { ...world.table, identity: async () => 'another table' };
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    expect(await recordOf(world)).toMatchObject({ revocation: { cause: 'policy' } });
  });

  test('in an empty table', async () => {
    const world = await createRevocationTestEnv();
    world.deps.table = memoryTable(itemsInMemory());
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
  });

  test('in a table that lost all but its services', async () => {
    const world = await createRevocationTestEnv();
    const items = itemsInMemory();
    items.commit([{ put: serviceItem(aService()) }]);
    world.deps.table = memoryTable(items);
    await pass(world, 'full');
    await later(30 * day, world);
    expect(cutsOf(world)).toEqual([]);
  });

  test('when it cannot be found out which table it is', async () => {
    const world = await overdue();
    world.deps.table = { ...world.table, identity: () => Promise.reject(new Error('throttled')) };
    await pass(world, 'pending');
    expect(cutsOf(world)).toEqual([]);
    expect(world.errors).toContainEqual(new Error('throttled'));
    world.deps.table = world.table;
    await later(60, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test.each([
    ['the budget', () => ({ ...quotaKey, schemaVersion: '2.0', version: 1 })],
    ['the entry', () => ({ ...entryItem(anEntry()), schemaVersion: '2.0' })],
    ['the service', () => ({ ...serviceItem(aService()), schemaVersion: '2.0' })],
  ])('when %s cannot be read', async (_what, item) => {
    const world = await overdue();
    world.put(item());
    await pass(world, 'pending').catch(() => {});
    await pass(world, 'full').catch(() => {});
    expect(cutsOf(world)).toEqual([]);
  });

  test('because a page of EC2’s was missing', async () => {
    const world = await createRevocationTestEnv();
    world.ec2.forget(endpointId(1));
    await pass(world, 'full');
    world.ec2.show(aConnection({ state: 'available' }));
    await pass(world, 'full');
    expect(cutsOf(world)).toEqual([]);
    expect(await recordOf(world)).toMatchObject({ verdict: { outcome: 'accept' } });
  });
});

test('who revokes at a group that only a newer version can read is told so, and nothing is written', async () => {
  const world = await createRevocationTestEnv();
  await forget(world);
  world.put({ ...groupItem(aGroup()), schemaVersion: '2.0' });
  await expect(decide(world, 'deny')).rejects.toThrow(UnsupportedSchemaVersionError);
  expect(cutsOf(world)).toEqual([]);
});
