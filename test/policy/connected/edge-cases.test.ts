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

const readState = ({ ec2 }: TestEnv, number = 1) => ec2.state(endpointId(number));
const older = { state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' } as const;

async function putConsumerEntry(env: TestEnv, entry: Parameters<typeof anEntry>[0]): Promise<void> {
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

test('a lower endpoint limit in an entry for `*` disconnects the newest endpoints', async () => {
  const entry = anEntry({ serviceId: allServicesScope, maxEndpoints: 3 });
  const env = await createRevocationTestEnv({ entries: [entry], connections: createConnections(3) });
  env.put(entryItem({ ...entry, maxEndpoints: 1, version: 2 }));
  await reevaluateService(env);
  await advanceAndSweep(72 * hour, env);
  expect([1, 2, 3].map((number) => readState(env, number))).toEqual(['pending', 'rejected', 'rejected']);
});

describe('an extended disconnect', () => {
  const inAYear = secondsAfterNoon(300 * day).toISOString();
  const keep = { action: 'keep', by: alice, reason: 'they are moving', until: inAYear } as const;

  test('that was cancelled does not extend the next one', async () => {
    const env = await createRevocationTestEnv();
    await removeConsumerEntry(env);
    await decideConnectedByPerson(endpointId(1), keep, env.deps);
    await putConsumerEntry(env, {});
    env.advanceSeconds(30 * day);
    await removeConsumerEntry(env);
    await advanceAndSweep(72 * hour, env);
    expect(readState(env)).toBe('rejected');
  });

  test('has the new date as its deadline, and its reminders are sent again', async () => {
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

describe('in mode `observe`', () => {
  test.each([
    ['a block', (env: TestEnv) => putConsumerEntry(env, { effect: 'block' })],
    [
      'a revocation',
      (env: TestEnv) =>
        decideConnectedByPerson(endpointId(1), { action: 'revoke', by: alice, now: true }, env.deps),
    ],
  ])('%s by a person disconnects nothing until the switch to mode `enforce`', async (_what, command) => {
    const env = await createRevocationTestEnv();
    switchTo(env, 'observe', 0);
    await command(env);
    await processQueues(env);
    expect(readState(env)).toBe('pending');
    switchTo(env, 'enforce', 1);
    await sweep(env, 'full');
    expect(readState(env)).toBe('rejected');
  });
});

test('a disconnect is scheduled again if somebody switched the mode in SSM after it was scheduled', async () => {
  const env = await createRevocationTestEnv();
  await removeConsumerEntry(env);
  env.advanceSeconds(72 * hour);
  const switchedAt = new Date(env.time.getTime() - 60_000);
  const mode: ReadMode = async (since) => (since && since < switchedAt ? 'observe' : 'enforce');
  Object.assign(env.deps, { mode });
  await sweep(env, 'full');
  expect(readState(env)).toBe('pending');
  const disconnectAt = new Date(env.time.getTime() + 72 * hour * 1000).toISOString();
  expect(await env.record(endpointId(1))).toMatchObject({ revocation: { disconnectAt } });
});

test('the disconnect by a block awaits no approval, even if the block is older than the restore of the table', async () => {
  const block = anEntry({ effect: 'block', changedAt: '2026-10-01T00:00:00.000Z' });
  const env = await createRevocationTestEnv({ entries: [block], connections: [aConnection(older)] });
  await sweep(env, 'full');
  const record = await env.record(endpointId(1));
  expect(record).toMatchObject({ revocation: { cause: 'policy' } });
  expect(record && isAwaitingApproval(record)).toBe(false);
  const decision = { by: alice, decision: 'approve' } as const;
  expect(await submitDecision(endpointId(1), decision, env.deps)).toMatchObject({ status: 'not-open' });
});

test('a block disconnects connections that linkgate has not described yet', async () => {
  const env = await createRevocationTestEnv({ entries: [], connections: [] });
  env.ec2.show(aConnection(older));
  await putConsumerEntry(env, { effect: 'block' });
  expect(readState(env)).toBe('rejected');
});

test('a connection that its entry allowed is not adopted with `onExternalAccept` adopt after the entry was removed in mode `observe`', async () => {
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
  test('has no connection revoked, neither now nor when it is registered again', async () => {
    const env = await createRevocationTestEnv();
    await env.table.write([{ remove: serviceKey(aService().serviceId) }]);
    const revoke = { action: 'revoke', by: alice, now: true } as const;
    expect(await decideConnectedByPerson(endpointId(1), revoke, env.deps)).toEqual({ status: 'unknown' });
    env.put(serviceItem(aService({ registeredAt: env.time.toISOString(), policyRevision: 2 })));
    await reevaluateService(env);
    expect(readState(env)).toBe('pending');
  });

  test('keeps its connections when it is registered again, even without an entry', async () => {
    const env = await createRevocationTestEnv();
    await env.table.write([{ remove: serviceKey(aService().serviceId) }]);
    await removeEntry({ serviceId: aService().serviceId, accountId: consumer }, env.deps);
    env.advanceSeconds(day);
    env.put(serviceItem(aService({ registeredAt: env.time.toISOString(), policyRevision: 2 })));
    await reevaluateService(env);
    await advanceAndSweep(100 * hour, env);
    await sweep(env, 'full');
    expect(readState(env)).toBe('pending');
  });
});

test('a connection that somebody accepted outside linkgate after its request was denied stays and awaits approval', async () => {
  const denied = aRecord({
    state: 'available',
    personDecision: anApproval({ decision: 'deny', at: noon.toISOString() }),
    verdict: aVerdict('reject'),
  });
  const env = await createRevocationTestEnv({ entries: [], connections: [], records: [denied] });
  env.put(recordItem(denied));
  env.ec2.show(aConnection({ state: 'available' }));
  await sweep(env, 'full');
  await advanceAndSweep(100 * hour, env);
  expect(readState(env)).toBe('available');
  const record = await env.record(endpointId(1));
  expect(record && isAwaitingApproval(record)).toBe(true);
});
