import { describe, expect, test } from '@jest/globals';
import { removeEntry } from '../../../lib/allowlist/entries.ts';
import { allServicesScope, entryItem } from '../../../lib/allowlist/entry.ts';
import { decideConnectedByPerson } from '../../../lib/approvals/decide-connected-by-person.ts';
import { submitDecision } from '../../../lib/approvals/submit-decision.ts';
import { isAwaitingApproval, recordItem } from '../../../lib/connections/connection-record.ts';
import { modeChangeItem, type ReadMode } from '../../../lib/mode/mode.ts';
import { serviceItem, serviceKey } from '../../../lib/services/service.ts';
import {
  aConnection,
  alice,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aSwitch,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';
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

const stateOf = ({ ec2 }: TestEnv, number = 1) => ec2.state(endpointId(number));
const older = { state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' } as const;

async function put(world: TestEnv, entry: Parameters<typeof anEntry>[0]): Promise<void> {
  world.put(entryItem(anEntry({ version: 2, changedAt: world.time.toISOString(), ...entry })));
  await policyChanged(world);
}

function switchTo(world: TestEnv, mode: 'enforce' | 'observe', policyRevision: number): void {
  world.mode = mode;
  world.put(
    modeChangeItem(
      aSwitch({ mode, since: world.time.toISOString(), policyRevision, version: policyRevision + 1 }),
    ),
  );
}

test('an entry at every service that counts fewer has the last to come cut', async () => {
  const entry = anEntry({ serviceId: allServicesScope, maxEndpoints: 3 });
  const world = await createRevocationTestEnv({ entries: [entry], connections: endpoints(3) });
  world.put(entryItem({ ...entry, maxEndpoints: 1, version: 2 }));
  await policyChanged(world);
  await later(72 * hour, world);
  expect([1, 2, 3].map((number) => stateOf(world, number))).toEqual(['pending', 'rejected', 'rejected']);
});

describe('a cut that was put off', () => {
  const inAYear = secondsAfterNoon(300 * day).toISOString();
  const keep = { action: 'keep', by: alice, reason: 'they are moving', until: inAYear } as const;

  test('and then called off does not put the next one off', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    await decideConnectedByPerson(endpointId(1), keep, world.deps);
    await put(world, {});
    world.wait(30 * day);
    await forget(world);
    await later(72 * hour, world);
    expect(stateOf(world)).toBe('rejected');
  });

  test('has people reminded again before it comes', async () => {
    const world = await createRevocationTestEnv();
    await forget(world);
    const record = await world.record(endpointId(1));
    if (!record?.approvalRequest) throw new Error('nobody was asked');
    world.put(recordItem({ ...record, approvalRequest: { ...record.approvalRequest, stage: 'escalated' } }));
    await decideConnectedByPerson(endpointId(1), keep, world.deps);
    await settle(world);
    expect(await world.record(endpointId(1))).toMatchObject({
      approvalRequest: {
        stage: 'approval-requested',
        deadline: inAYear,
        version: record.approvalRequest.version,
      },
    });
  });
});

describe('what is commanded in the mode observe', () => {
  test.each([
    ['a block', (world: TestEnv) => put(world, { effect: 'block' })],
    [
      'a revocation',
      (world: TestEnv) =>
        decideConnectedByPerson(endpointId(1), { action: 'revoke', by: alice, now: true }, world.deps),
    ],
  ])('%s is carried out as soon as linkgate acts', async (_what, command) => {
    const world = await createRevocationTestEnv();
    switchTo(world, 'observe', 0);
    await command(world);
    await settle(world);
    expect(stateOf(world)).toBe('pending');
    switchTo(world, 'enforce', 1);
    await pass(world, 'full');
    expect(stateOf(world)).toBe('rejected');
  });
});

test('what was announced before the mode was switched by hand is announced anew', async () => {
  const world = await createRevocationTestEnv();
  await forget(world);
  world.wait(72 * hour);
  const switchedAt = new Date(world.time.getTime() - 60_000);
  const mode: ReadMode = async (since) => (since && since < switchedAt ? 'observe' : 'enforce');
  Object.assign(world.deps, { mode });
  await pass(world, 'full');
  expect(stateOf(world)).toBe('pending');
  const disconnectAt = new Date(world.time.getTime() + 72 * hour * 1000).toISOString();
  expect(await world.record(endpointId(1))).toMatchObject({ revocation: { disconnectAt } });
});

test('nobody is asked about a block, not even about one from before this table was in place', async () => {
  const block = anEntry({ effect: 'block', changedAt: '2026-10-01T00:00:00.000Z' });
  const world = await createRevocationTestEnv({ entries: [block], connections: [aConnection(older)] });
  await pass(world, 'full');
  const record = await world.record(endpointId(1));
  expect(record).toMatchObject({ revocation: { cause: 'policy' } });
  expect(record && isAwaitingApproval(record)).toBe(false);
  const word = { by: alice, decision: 'approve' } as const;
  expect(await submitDecision(endpointId(1), word, world.deps)).toMatchObject({ status: 'not-open' });
});

test('a block reaches what linkgate has not looked at yet', async () => {
  const world = await createRevocationTestEnv({ entries: [], connections: [] });
  world.ec2.show(aConnection(older));
  await put(world, { effect: 'block' });
  expect(stateOf(world)).toBe('rejected');
});

test('what a policy endorsed is not adopted as somebody else’s, whatever was decided in the mode observe', async () => {
  const world = await createRevocationTestEnv({
    services: [aService({ onExternalAccept: 'adopt' })],
    connections: [],
  });
  world.ec2.show(aConnection({ state: 'available' }));
  await pass(world, 'full');
  switchTo(world, 'observe', 0);
  await forget(world);
  switchTo(world, 'enforce', 1);
  await pass(world, 'full');
  expect(await world.record(endpointId(1))).toMatchObject({ revocation: { cause: 'policy' } });
});

describe('a service that is not registered', () => {
  test('has nothing revoked, now or when it is registered again', async () => {
    const world = await createRevocationTestEnv();
    await world.table.write([{ remove: serviceKey(aService().serviceId) }]);
    const revoke = { action: 'revoke', by: alice, now: true } as const;
    expect(await decideConnectedByPerson(endpointId(1), revoke, world.deps)).toEqual({ status: 'unknown' });
    world.put(serviceItem(aService({ registeredAt: world.time.toISOString(), policyRevision: 2 })));
    await policyChanged(world);
    expect(stateOf(world)).toBe('pending');
  });

  test('and is registered again has what lived by then left alone, though its entry went meanwhile', async () => {
    const world = await createRevocationTestEnv();
    await world.table.write([{ remove: serviceKey(aService().serviceId) }]);
    await removeEntry({ serviceId: aService().serviceId, accountId: consumer }, world.deps);
    world.wait(day);
    world.put(serviceItem(aService({ registeredAt: world.time.toISOString(), policyRevision: 2 })));
    await policyChanged(world);
    await later(100 * hour, world);
    await pass(world, 'full');
    expect(stateOf(world)).toBe('pending');
  });
});

test('a denial of the request is no denial of the connection that somebody made of it', async () => {
  const denied = aRecord({
    state: 'available',
    approval: anApproval({ decision: 'deny', at: noon.toISOString() }),
    verdict: aVerdict('reject'),
  });
  const world = await createRevocationTestEnv({ entries: [], connections: [], records: [denied] });
  world.put(recordItem(denied));
  world.ec2.show(aConnection({ state: 'available' }));
  await pass(world, 'full');
  await later(100 * hour, world);
  expect(stateOf(world)).toBe('available');
  const record = await world.record(endpointId(1));
  expect(record && isAwaitingApproval(record)).toBe(true);
});
