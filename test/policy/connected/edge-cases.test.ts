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
  aModeChange,
  anApproval,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';
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

const stateOf = ({ ec2 }: TestEnv, number = 1) => ec2.state(endpointId(number));
const older = { state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' } as const;

async function put(env: TestEnv, entry: Parameters<typeof anEntry>[0]): Promise<void> {
  env.put(entryItem(anEntry({ version: 2, changedAt: env.time.toISOString(), ...entry })));
  await reevaluateService(env);
}

function switchTo(env: TestEnv, mode: 'enforce' | 'observe', policyRevision: number): void {
  env.mode = mode;
  env.put(
    modeChangeItem(
      aModeChange({ mode, since: env.time.toISOString(), policyRevision, version: policyRevision + 1 }),
    ),
  );
}

test('an entry at every service that counts fewer has the last to come cut', async () => {
  const entry = anEntry({ serviceId: allServicesScope, maxEndpoints: 3 });
  const env = await createRevocationTestEnv({ entries: [entry], connections: createConnections(3) });
  env.put(entryItem({ ...entry, maxEndpoints: 1, version: 2 }));
  await reevaluateService(env);
  await advanceAndSweep(72 * hour, env);
  expect([1, 2, 3].map((number) => stateOf(env, number))).toEqual(['pending', 'rejected', 'rejected']);
});

describe('a cut that was put off', () => {
  const inAYear = secondsAfterNoon(300 * day).toISOString();
  const keep = { action: 'keep', by: alice, reason: 'they are moving', until: inAYear } as const;

  test('and then called off does not put the next one off', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await decideConnectedByPerson(endpointId(1), keep, env.deps);
    await put(env, {});
    env.advanceSeconds(30 * day);
    await removeConsumerEntry(env);
    await advanceAndSweep(72 * hour, env);
    expect(stateOf(env)).toBe('rejected');
  });

  test('has people reminded again before it comes', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    const record = await env.record(endpointId(1));
    if (!record?.approvalRequest) throw new Error('nobody was asked');
    env.put(recordItem({ ...record, approvalRequest: { ...record.approvalRequest, stage: 'escalated' } }));
    await decideConnectedByPerson(endpointId(1), keep, env.deps);
    await processQueues(env);
    expect(await env.record(endpointId(1))).toMatchObject({
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
    ['a block', (env: TestEnv) => put(env, { effect: 'block' })],
    [
      'a revocation',
      (env: TestEnv) =>
        decideConnectedByPerson(endpointId(1), { action: 'revoke', by: alice, now: true }, env.deps),
    ],
  ])('%s is carried out as soon as linkgate acts', async (_what, command) => {
    const env = await createRevocationTestEnv();
    switchTo(env, 'observe', 0);
    await command(env);
    await processQueues(env);
    expect(stateOf(env)).toBe('pending');
    switchTo(env, 'enforce', 1);
    await sweep(env, 'full');
    expect(stateOf(env)).toBe('rejected');
  });
});

test('what was announced before the mode was switched by hand is announced anew', async () => {
  const env = await createRevocationTestEnv();
  await removeConsumerEntry(env);
  env.advanceSeconds(72 * hour);
  const switchedAt = new Date(env.time.getTime() - 60_000);
  const mode: ReadMode = async (since) => (since && since < switchedAt ? 'observe' : 'enforce');
  Object.assign(env.deps, { mode });
  await sweep(env, 'full');
  expect(stateOf(env)).toBe('pending');
  const disconnectAt = new Date(env.time.getTime() + 72 * hour * 1000).toISOString();
  expect(await env.record(endpointId(1))).toMatchObject({ revocation: { disconnectAt } });
});

test('nobody is asked about a block, not even about one from before this table was in place', async () => {
  const block = anEntry({ effect: 'block', changedAt: '2026-10-01T00:00:00.000Z' });
  const env = await createRevocationTestEnv({ entries: [block], connections: [aConnection(older)] });
  await sweep(env, 'full');
  const record = await env.record(endpointId(1));
  expect(record).toMatchObject({ revocation: { cause: 'policy' } });
  expect(record && isAwaitingApproval(record)).toBe(false);
  const word = { by: alice, decision: 'approve' } as const;
  expect(await submitDecision(endpointId(1), word, env.deps)).toMatchObject({ status: 'not-open' });
});

test('a block reaches what linkgate has not looked at yet', async () => {
  const env = await createRevocationTestEnv({ entries: [], connections: [] });
  env.ec2.show(aConnection(older));
  await put(env, { effect: 'block' });
  expect(stateOf(env)).toBe('rejected');
});

test('what a policy endorsed is not adopted as somebody else’s, whatever was decided in the mode observe', async () => {
  const env = await createRevocationTestEnv({
    services: [aService({ onExternalAccept: 'adopt' })],
    connections: [],
  });
  env.ec2.show(aConnection({ state: 'available' }));
  await sweep(env, 'full');
  switchTo(env, 'observe', 0);
  await removeConsumerEntry(env);
  switchTo(env, 'enforce', 1);
  await sweep(env, 'full');
  expect(await env.record(endpointId(1))).toMatchObject({ revocation: { cause: 'policy' } });
});

describe('a service that is not registered', () => {
  test('has nothing revoked, now or when it is registered again', async () => {
    const env = await createRevocationTestEnv();
    await env.table.write([{ remove: serviceKey(aService().serviceId) }]);
    const revoke = { action: 'revoke', by: alice, now: true } as const;
    expect(await decideConnectedByPerson(endpointId(1), revoke, env.deps)).toEqual({ status: 'unknown' });
    env.put(serviceItem(aService({ registeredAt: env.time.toISOString(), policyRevision: 2 })));
    await reevaluateService(env);
    expect(stateOf(env)).toBe('pending');
  });

  test('and is registered again has what lived by then left alone, though its entry went meanwhile', async () => {
    const env = await createRevocationTestEnv();
    await env.table.write([{ remove: serviceKey(aService().serviceId) }]);
    await removeEntry({ serviceId: aService().serviceId, accountId: consumer }, env.deps);
    env.advanceSeconds(day);
    env.put(serviceItem(aService({ registeredAt: env.time.toISOString(), policyRevision: 2 })));
    await reevaluateService(env);
    await advanceAndSweep(100 * hour, env);
    await sweep(env, 'full');
    expect(stateOf(env)).toBe('pending');
  });
});

test('a denial of the request is no denial of the connection that somebody made of it', async () => {
  const denied = aRecord({
    state: 'available',
    approval: anApproval({ decision: 'deny', at: noon.toISOString() }),
    verdict: aVerdict('reject'),
  });
  const env = await createRevocationTestEnv({ entries: [], connections: [], records: [denied] });
  env.put(recordItem(denied));
  env.ec2.show(aConnection({ state: 'available' }));
  await sweep(env, 'full');
  await advanceAndSweep(100 * hour, env);
  expect(stateOf(env)).toBe('available');
  const record = await env.record(endpointId(1));
  expect(record && isAwaitingApproval(record)).toBe(true);
});
