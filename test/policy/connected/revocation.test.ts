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
  aModeChange,
  anEntry,
  aService,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';
import { createMemoryItems, memoryTable } from '../../doubles/memory-table.ts';
import type { TestEnv } from '../../doubles/test-env.ts';
import {
  advanceAndSweep,
  createConnections,
  createRevocationTestEnv,
  day,
  hour,
  processQueues,
  reevaluateService,
  removeConsumerEntry,
  sweep,
} from './fixtures.ts';

const revoking = { action: 'revoke', by: alice, reason: 'contract ended' } as const;
const inAMonth = {
  action: 'keep',
  by: alice,
  reason: 'they are moving',
  until: secondsAfterNoon(30 * day).toISOString(),
} as const;

const readState = ({ ec2 }: TestEnv, number = 1) => ec2.state(endpointId(number));
const listDisconnects = ({ ec2 }: TestEnv) => ec2.calls.filter(({ action }) => action === 'reject');
const readRecord = (env: TestEnv, number = 1) => env.record(endpointId(number));

function decideConnected(env: TestEnv, input: Parameters<typeof decideConnectedByPerson>[1]) {
  return decideConnectedByPerson(endpointId(1), input, env.deps).then(async (answer) => {
    await processQueues(env);
    return answer;
  });
}

async function decide(env: TestEnv, decision: 'approve' | 'deny') {
  const answer = await submitStoredDecision(endpointId(1), { by: alice, decision, reason: 'so' }, env.deps);
  await processQueues(env);
  return answer;
}

async function putConsumerEntry(env: TestEnv, entry: Parameters<typeof anEntry>[0]): Promise<void> {
  env.put(entryItem(anEntry({ version: 2, changedAt: env.time.toISOString(), ...entry })));
  await reevaluateService(env);
}

describe('a connection whose entry is removed', () => {
  test('has a disconnect scheduled in 72 hours, and awaits approval until then', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    const disconnectAt = secondsAfterNoon(73 * hour).toISOString();
    expect(await readRecord(env)).toMatchObject({
      verdict: { outcome: 'reject', until: disconnectAt },
      revocation: {
        cause: 'policy',
        by: 'linkgate',
        since: secondsAfterNoon(hour).toISOString(),
        disconnectAt,
      },
      approvalRequest: { group: 'default', deadline: disconnectAt },
    });
    expect(await env.actions(endpointId(1))).toEqual([
      ...['requested', 'decided', 'applying', 'applied'],
      ...['disconnect-scheduled', 'approval-requested'],
    ]);
    expect(listDisconnects(env)).toEqual([]);
  });

  test('stays connected during the grace period and is disconnected after it', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await advanceAndSweep(72 * hour - 1, env);
    expect(listDisconnects(env)).toEqual([]);
    await advanceAndSweep(1, env);
    expect(readState(env)).toBe('rejected');
    expect((await env.actions(endpointId(1))).slice(-3)).toEqual([
      'approval-requested',
      'applying',
      'disconnected',
    ]);
  });

  test('stays connected if the account is allowed again in time, which its history records', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await putConsumerEntry(env, {});
    await advanceAndSweep(30 * day, env);
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    expect(await readRecord(env)).not.toHaveProperty('revocation');
    expect((await env.actions(endpointId(1))).at(-1)).toBe('extended');
  });

  test('stays connected if somebody approves it, whatever the policy says later', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await decide(env, 'approve');
    await advanceAndSweep(30 * day, env);
    await sweep(env, 'full');
    expect(readState(env)).toBe('pending');
    expect(await readRecord(env)).toMatchObject({ verdict: { outcome: 'accept', decidedBy: alice } });
  });

  test('is disconnected at once if somebody denies it', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await decide(env, 'deny');
    expect(readState(env)).toBe('rejected');
    expect((await env.actions(endpointId(1))).slice(-3)).toEqual(['denied', 'applying', 'disconnected']);
  });

  test('awaits approval by the current group of its service', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    env.put(
      groupItem(aGroup({ name: 'leads' })),
      serviceItem(aService({ approvers: 'leads', policyRevision: 2 })),
    );
    await reevaluateService(env);
    expect(await readRecord(env)).toMatchObject({
      approvalRequest: { group: 'leads' },
      revocation: { cause: 'policy' },
    });
  });

  test('is scheduled once, however often it is decided', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    const before = await readRecord(env);
    for (const kind of ['pending', 'full'] as const) await sweep(env, kind);
    expect(await readRecord(env)).toEqual(before);
  });

  test('stays connected when its service is deregistered, and also when the service is registered again', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    env.put(serviceItem(aService({ policyRevision: 2 })));
    await env.table.write([{ remove: serviceKey(aService().serviceId) }]);
    await env.deps.bus.publish([
      { type: 'Connection Request', connection: aConnection({ state: 'pending' }), observedAt: '' },
    ]);
    await processQueues(env);
    expect(await readRecord(env)).not.toHaveProperty('revocation');
    env.put(serviceItem(aService({ policyRevision: 3, registeredAt: env.time.toISOString() })));
    await reevaluateService(env);
    await advanceAndSweep(30 * day, env);
    expect(listDisconnects(env)).toEqual([]);
    expect(await readRecord(env)).toMatchObject({ grandfathered: { by: 'linkgate' } });
  });
});

describe('the disconnect of a connection is scheduled', () => {
  test('when the endpoint limit of the entry is lowered, for the newest endpoints first', async () => {
    const connections = createConnections(3).map((connection, index) => ({
      ...connection,
      requestedAt: secondsAfterNoon(-60 + index).toISOString(),
    }));
    const env = await createRevocationTestEnv({ connections });
    await putConsumerEntry(env, { maxEndpoints: 1 });
    await sweep(env, 'full');
    const revoked = [1, 2, 3].map(
      async (number) => (await readRecord(env, number))?.revocation !== undefined,
    );
    expect(await Promise.all(revoked)).toEqual([false, true, true]);
    await advanceAndSweep(72 * hour, env);
    expect([1, 2, 3].map((number) => readState(env, number))).toEqual(['pending', 'rejected', 'rejected']);
  });

  test('not for an endpoint that the entry names, beside an earlier one that it does not name', async () => {
    const env = await createRevocationTestEnv({ connections: createConnections(2) });
    await putConsumerEntry(env, { maxEndpoints: 1, endpointIds: [endpointId(2)] });
    await sweep(env, 'full');
    await advanceAndSweep(72 * hour, env);
    expect([1, 2].map((number) => readState(env, number))).toEqual(['rejected', 'pending']);
  });

  test('for the time at which the entry expires', async () => {
    const env = await createRevocationTestEnv({
      entries: [anEntry({ expiresAt: secondsAfterNoon(20 * day).toISOString() })],
    });
    await advanceAndSweep(20 * day - hour, env);
    expect(await readRecord(env)).toMatchObject({
      revocation: { since: secondsAfterNoon(20 * day).toISOString() },
    });
    expect(listDisconnects(env)).toEqual([]);
  });
});

describe('before an entry expires', () => {
  test('approvers are warned 14, 7 and 1 days before, once each', async () => {
    const env = await createRevocationTestEnv({
      entries: [anEntry({ expiresAt: secondsAfterNoon(20 * day).toISOString() })],
    });
    const warnings: unknown[] = [];
    for (let days = 0; days < 19; days++) {
      await advanceAndSweep(day, env);
      warnings.push((await readRecord(env))?.expiryWarning?.daysBefore);
    }
    expect(warnings.indexOf(14)).toBe(5);
    expect(warnings.indexOf(7)).toBe(12);
    expect(warnings.at(-1)).toBe(1);
    expect((await env.actions(endpointId(1))).filter((action) => action === 'expiry-warned')).toHaveLength(3);
  });

  test('approvers are not warned 14 or 7 days before if the entry was shorter from the start', async () => {
    const env = await createRevocationTestEnv({
      entries: [anEntry({ expiresAt: secondsAfterNoon(3 * day).toISOString() })],
    });
    await advanceAndSweep(day, env);
    expect(await env.actions(endpointId(1))).not.toContain('expiry-warned');
  });
});

describe('a block', () => {
  test('disconnects at once', async () => {
    const env = await createRevocationTestEnv();
    await putConsumerEntry(env, { effect: 'block' });
    expect(readState(env)).toBe('rejected');
    expect((await env.actions(endpointId(1))).slice(-3)).toEqual([
      'disconnect-scheduled',
      'applying',
      'disconnected',
    ]);
  });

  test('disconnects more than the disconnect quota', async () => {
    const env = await createRevocationTestEnv({ connections: createConnections(30) });
    await putConsumerEntry(env, { effect: 'block' });
    expect(listDisconnects(env).flatMap(({ endpointIds }) => endpointIds)).toHaveLength(30);
  });

  test('cannot be delayed by an extension', async () => {
    const env = await createRevocationTestEnv();
    env.put(serviceItem(aService({ pausedAt: noon.toISOString(), policyRevision: 2 })));
    await putConsumerEntry(env, { effect: 'block' });
    expect(await decideConnected(env, inAMonth)).toMatchObject({ status: 'no-scheduled-disconnect' });
  });
});

describe('a revocation by a person', () => {
  test('disconnects after the grace period, although the account is allowed', async () => {
    const env = await createRevocationTestEnv();
    expect(await decideConnected(env, revoking)).toMatchObject({
      status: 'done',
      record: { revocation: { cause: 'person', by: alice } },
    });
    await sweep(env, 'full');
    await advanceAndSweep(72 * hour - 1, env);
    expect(listDisconnects(env)).toEqual([]);
    await advanceAndSweep(1, env);
    expect(readState(env)).toBe('rejected');
  });

  test('with `now` takes effect after a pause of the service', async () => {
    const env = await createRevocationTestEnv({
      services: [aService({ pausedAt: noon.toISOString() })],
      connections: [],
    });
    env.ec2.show(aConnection({ state: 'available' }));
    await decideConnected(env, { ...revoking, now: true });
    expect(listDisconnects(env)).toEqual([]);
    env.put(serviceItem(aService({ policyRevision: 2 })));
    await reevaluateService(env);
    expect(readState(env)).toBe('rejected');
  });

  test('with `now` takes effect even if the process crashes before the decision', async () => {
    const env = await createRevocationTestEnv();
    const { write } = env.deps.table;
    let writes = 0;
    env.deps.table = {
      ...env.deps.table,
      write: (items) => (++writes > 1 ? Promise.reject(new Error('killed')) : write(items)),
    };
    await expect(
      decideConnectedByPerson(endpointId(1), { ...revoking, now: true }, env.deps),
    ).rejects.toThrow('killed');
    env.deps.table = env.table;
    await advanceAndSweep(60, env);
    expect(readState(env)).toBe('rejected');
  });

  test('disconnects nothing if a person approves the connection during the grace period', async () => {
    const env = await createRevocationTestEnv();
    await decideConnected(env, revoking);
    await decide(env, 'approve');
    await advanceAndSweep(30 * day, env);
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
  });
});

describe('an extension by a person', () => {
  test('postpones the disconnect', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await decideConnected(env, inAMonth);
    await advanceAndSweep(29 * day, env);
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    await advanceAndSweep(day, env);
    expect(readState(env)).toBe('rejected');
    expect(await env.actions(endpointId(1))).toContain('extended');
  });
});

describe('a connection that was accepted outside linkgate', () => {
  async function createExternallyAccepted(service: Parameters<typeof aService>[0] = {}) {
    const env = await createRevocationTestEnv({ services: [aService(service)], entries: [] });
    env.ec2.show(aConnection({ state: 'available' }));
    await sweep(env, 'full');
    await advanceAndSweep(60, env);
    return env;
  }

  test('awaits approval, and stays connected until somebody denies it', async () => {
    const env = await createExternallyAccepted();
    expect(await readRecord(env)).toMatchObject({
      verdict: { outcome: 'ask', findings: [{ rule: 'accepted-outside-linkgate' }, {}] },
      approvalRequest: { group: 'default' },
    });
    await advanceAndSweep(30 * day, env);
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    await decide(env, 'deny');
    expect(readState(env)).toBe('rejected');
  });

  test('is adopted with `onExternalAccept` adopt, which its history records', async () => {
    const env = await createExternallyAccepted({ onExternalAccept: 'adopt' });
    await advanceAndSweep(30 * day, env);
    expect(readState(env)).toBe('available');
    expect(await env.actions(endpointId(1))).toContain('grandfathered');
  });

  test('after linkgate disconnected it awaits approval, without the former schedule', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await advanceAndSweep(72 * hour, env);
    env.ec2.show(aConnection({ state: 'available' }));
    await sweep(env, 'full');
    await advanceAndSweep(60, env);
    expect(readState(env)).toBe('available');
    expect(await readRecord(env)).toMatchObject({ verdict: { outcome: 'ask' } });
    expect(await readRecord(env)).not.toHaveProperty('revocation');
  });

  test('after its request was denied awaits approval, and is not disconnected for that denial', async () => {
    const env = await createRevocationTestEnv({ entries: [] });
    await decide(env, 'deny');
    expect(readState(env)).toBe('rejected');
    env.ec2.show(aConnection({ state: 'available' }));
    await sweep(env, 'full');
    await advanceAndSweep(60, env);
    expect(readState(env)).toBe('available');
    expect(await readRecord(env)).toMatchObject({ verdict: { outcome: 'ask' } });
  });
});

describe('a pause', () => {
  test('delays scheduled disconnects until it ends', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    env.put(serviceItem(aService({ pausedAt: env.time.toISOString(), policyRevision: 2 })));
    await reevaluateService(env);
    await advanceAndSweep(80 * hour, env);
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    expect(await readRecord(env)).toMatchObject({
      verdict: { outcome: 'hold' },
      revocation: { cause: 'policy' },
    });
    env.put(serviceItem(aService({ policyRevision: 3 })));
    await reevaluateService(env);
    expect(readState(env)).toBe('rejected');
  });
});

describe('in mode `observe`', () => {
  test('no disconnect is scheduled, and after the switch to mode `enforce` each has its whole grace period', async () => {
    const env = await createRevocationTestEnv();
    env.mode = 'observe';
    env.put(modeChangeItem(aModeChange({ mode: 'observe', policyRevision: 0 })));
    await removeConsumerEntry(env);
    expect(await readRecord(env)).toMatchObject({ verdict: { outcome: 'reject' } });
    expect(await readRecord(env)).not.toHaveProperty('revocation');
    await advanceAndSweep(80 * hour, env);
    await sweep(env, 'full');
    env.mode = 'enforce';
    env.put(modeChangeItem(aModeChange({ since: env.time.toISOString(), version: 2 })));
    await sweep(env, 'full');
    const disconnectAt = new Date(env.time.getTime() + 72 * hour * 1000).toISOString();
    expect(await readRecord(env)).toMatchObject({ revocation: { cause: 'policy', disconnectAt } });
    expect(listDisconnects(env)).toEqual([]);
  });

  test('earlier schedules do not apply, and each disconnect is scheduled again after the switch to mode `enforce`', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    env.mode = 'observe';
    env.put(modeChangeItem(aModeChange({ mode: 'observe', policyRevision: 0 })));
    await advanceAndSweep(72 * hour, env);
    await sweep(env, 'full');
    env.mode = 'enforce';
    env.put(modeChangeItem(aModeChange({ since: env.time.toISOString(), version: 2 })));
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    await advanceAndSweep(72 * hour, env);
    expect(readState(env)).toBe('rejected');
  });
});

describe('the disconnect quota', () => {
  async function revokedAtOnce(count: number, service: Parameters<typeof aService>[0] = {}) {
    const env = await createRevocationTestEnv({
      services: [aService(service)],
      connections: createConnections(count),
    });
    await removeConsumerEntry(env);
    await advanceAndSweep(72 * hour, env);
    return env;
  }

  test('is five connections of a service in 24 hours, and the others await approval', async () => {
    const env = await revokedAtOnce(8);
    const states = createConnections(8).map(({ endpointId: id }) => env.ec2.state(id));
    expect(states.filter((state) => state === 'rejected')).toHaveLength(5);
    const records = await Promise.all(createConnections(8).map(async ({ endpointId: id }) => env.record(id)));
    const overQuota = records.filter((record) => record?.revocation?.overQuota);
    expect(overQuota).toHaveLength(3);
    for (const record of overQuota)
      expect(record).toMatchObject({
        verdict: { outcome: 'ask', findings: [{ rule: 'disconnect-quota-exceeded' }, {}] },
      });
    await advanceAndSweep(10 * day, env);
    expect(listDisconnects(env).flatMap(({ endpointIds }) => endpointIds)).toHaveLength(5);
  });

  test('is a tenth of the connections of a service if that is more than five, and twenty for all services', async () => {
    const env = await revokedAtOnce(250);
    expect(listDisconnects(env).flatMap(({ endpointIds }) => endpointIds)).toHaveLength(20);
  });

  test('does not apply to a denial by a person', async () => {
    const env = await revokedAtOnce(8);
    const beyond = createConnections(8)
      .map(({ endpointId: id }) => id)
      .filter((id) => env.ec2.state(id) === 'pending');
    for (const id of beyond) await submitStoredDecision(id, { by: alice, decision: 'deny' }, env.deps);
    await processQueues(env);
    expect(beyond.map((id) => env.ec2.state(id))).toEqual(['rejected', 'rejected', 'rejected']);
  });

  test('applies again at the end of an extension of a connection over quota', async () => {
    const env = await revokedAtOnce(8);
    const [id = ''] = createConnections(8)
      .map((each) => each.endpointId)
      .filter((each) => env.ec2.state(each) === 'pending');
    await decideConnectedByPerson(id, inAMonth, env.deps);
    await advanceAndSweep(30 * day, env);
    expect(env.ec2.state(id)).toBe('rejected');
  });
});

describe('nothing is disconnected', () => {
  /** A connection whose grace period is over, before the next sweep. */
  async function overdue(): Promise<TestEnv> {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    env.advanceSeconds(80 * hour);
    return env;
  }

  test('right after the table was restored: each disconnect is scheduled again', async () => {
    const env = await overdue();
    env.deps.table = { ...env.table, identity: async () => 'another table' };
    await sweep(env, 'pending');
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    const disconnectAt = new Date(env.time.getTime() + 72 * hour * 1000).toISOString();
    expect(await readRecord(env)).toMatchObject({ revocation: { disconnectAt } });
  });

  test('without a grace period by a block from before the table was restored', async () => {
    const env = await createRevocationTestEnv();
    env.advanceSeconds(hour);
    env.put(entryItem(anEntry({ effect: 'block', version: 2, changedAt: noon.toISOString() })));
    env.deps.table = { ...env.table, identity: async () => 'another table' };
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    expect(await readRecord(env)).toMatchObject({ revocation: { cause: 'policy' } });
  });

  test('with an empty table', async () => {
    const env = await createRevocationTestEnv();
    env.deps.table = memoryTable(createMemoryItems());
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
  });

  test('with a table that lost everything but its services', async () => {
    const env = await createRevocationTestEnv();
    const items = createMemoryItems();
    items.commit([{ put: serviceItem(aService()) }]);
    env.deps.table = memoryTable(items);
    await sweep(env, 'full');
    await advanceAndSweep(30 * day, env);
    expect(listDisconnects(env)).toEqual([]);
  });

  test('while the identity of the table is unknown', async () => {
    const env = await overdue();
    env.deps.table = { ...env.table, identity: () => Promise.reject(new Error('throttled')) };
    await sweep(env, 'pending');
    expect(listDisconnects(env)).toEqual([]);
    expect(env.errors).toContainEqual(new Error('throttled'));
    env.deps.table = env.table;
    await advanceAndSweep(60, env);
    expect(readState(env)).toBe('rejected');
  });

  test.each([
    ['the disconnect quota', () => ({ ...quotaKey, schemaVersion: '2.0', version: 1 })],
    ['the entry', () => ({ ...entryItem(anEntry()), schemaVersion: '2.0' })],
    ['the service', () => ({ ...serviceItem(aService()), schemaVersion: '2.0' })],
  ])('while %s cannot be read', async (_what, item) => {
    const env = await overdue();
    env.put(item());
    await sweep(env, 'pending').catch(() => {});
    await sweep(env, 'full').catch(() => {});
    expect(listDisconnects(env)).toEqual([]);
  });

  test('because one describe call lacked a connection', async () => {
    const env = await createRevocationTestEnv();
    env.ec2.removeConnection(endpointId(1));
    await sweep(env, 'full');
    env.ec2.show(aConnection({ state: 'available' }));
    await sweep(env, 'full');
    expect(listDisconnects(env)).toEqual([]);
    expect(await readRecord(env)).toMatchObject({ verdict: { outcome: 'accept' } });
  });
});

test('a denial fails and changes nothing if the approver group has a newer schema version', async () => {
  const env = await createRevocationTestEnv();
  await removeConsumerEntry(env);
  env.put({ ...groupItem(aGroup()), schemaVersion: '2.0' });
  await expect(decide(env, 'deny')).rejects.toThrow(UnsupportedSchemaVersionError);
  expect(listDisconnects(env)).toEqual([]);
});
