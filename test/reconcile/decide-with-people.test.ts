import { describe, expect, test } from '@jest/globals';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import { entryItem, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import { computeConnectionStatus } from '../../lib/approvals/status.ts';
import { readAuditTrail } from '../../lib/audit/audit.ts';
import { awaitingApproval } from '../../lib/connections/indexes.ts';
import type { PersonDecision } from '../../lib/connections/person-decision.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import { serviceItem } from '../../lib/services/service.ts';
import {
  aGroup,
  alice,
  anApproval,
  anApprovalRequest,
  anEntry,
  aRecord,
  aRequest,
  aService,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const bob = 'arn:aws:iam::111111111111:user/bob';
const awaitingRecord = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
const soon = secondsAfterNoon(86_400).toISOString();
const later = secondsAfterNoon(2 * 86_400).toISOString();

function createEnv(contents: Parameters<typeof createTestEnv>[0] = {}): TestEnv {
  return createTestEnv({ services: [aService()], records: [awaitingRecord], ...contents });
}

const decide = (env: TestEnv, decision: Partial<PersonDecision> = {}) =>
  decideConnection(aRequest(), env.deps, { decision: anApproval(decision) });

async function readConsumerEntry(env: TestEnv, at = serviceId(1)): Promise<AllowlistEntry | undefined> {
  const [item] = await env.table.get([entryKey(at, consumer)]);
  return item && readEntry(item);
}

async function listWaiting(env: TestEnv, group = 'default'): Promise<string[]> {
  const pages = await Array.fromAsync(awaitingApproval.list(group, env.deps));
  return pages.flat().map(({ endpointId }) => endpointId);
}

describe('a request that needs approval', () => {
  test('is listed as waiting for its approver group as soon as it is decided', async () => {
    const env = createEnv({ records: [] });
    await decideConnection(aRequest(), env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: {
        group: 'default',
        requestedAt: noon.toISOString(),
        version: 0,
        stage: 'approval-requested',
      },
      version: 1,
    });
    expect((await readAuditTrail(endpointId(1), env.table)).at(-1)).toMatchObject({
      actor: 'linkgate',
      action: 'approval-requested',
      reason: 'the approver group default, until 2026-11-28T12:00:00.000Z',
    });
    expect(await listWaiting(env)).toEqual([endpointId(1)]);
  });

  test('requests approval once, however often it is decided again', async () => {
    const env = createEnv({ records: [] });
    await decideConnection(aRequest(), env.deps);
    env.advanceSeconds(60);
    env.put(serviceItem(aService({ policyRevision: 2, deadlineSeconds: 60 })));
    await decideConnection(aRequest(), env.deps);
    expect((await env.record(endpointId(1)))?.approvalRequest).toMatchObject({
      requestedAt: noon.toISOString(),
      version: 0,
    });
    expect(await env.actions(endpointId(1))).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  });

  test('moves to another approver group when its service names one, which its history records', async () => {
    const env = createEnv({ records: [awaitingRecord] });
    env.put(serviceItem(aService({ approvers: 'ops', policyRevision: 2 })));
    env.advanceSeconds(60);
    await decideConnection(aRequest(), env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: { ...anApprovalRequest(), group: 'ops' },
    });
    expect([await listWaiting(env), await listWaiting(env, 'ops')]).toEqual([[], [endpointId(1)]]);
    expect((await readAuditTrail(endpointId(1), env.table)).at(-1)).toMatchObject({
      action: 'approval-requested',
      time: secondsAfterNoon(60).toISOString(),
      reason: 'the approver group ops, until 2026-11-28T12:00:00.000Z',
    });
  });

  test('no longer awaits approval once its service is deregistered, which its history records', async () => {
    const env = createEnv({ services: [] });
    expect(await decideConnection(aRequest(), env.deps)).toEqual({ outcome: 'unregistered' });
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: anApprovalRequest(),
      serviceDeregisteredAt: noon.toISOString(),
    });
    expect(record && computeConnectionStatus(record).status).toBe('deregistered');
    expect(await listWaiting(env)).toEqual([]);
    await decideConnection(aRequest(), env.deps);
    expect(await env.actions(endpointId(1))).toEqual(['refused']);
  });

  test.each([
    ['once its service is registered again', { serviceDeregisteredAt: noon.toISOString() }],
    ['when EC2 lists it again after it ended', { state: 'deleted', endedAt: noon.toISOString() }],
  ] as const)('awaits approval again, in a new message, %s', async (_when, fields) => {
    const env = createEnv({ records: [{ ...awaitingRecord, ...fields, version: 4 }] });
    env.advanceSeconds(60);
    await decideConnection(aRequest(), env.deps);
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: { requestedAt: secondsAfterNoon(60).toISOString(), version: 4 },
    });
    for (const name of Object.keys(fields).filter((each) => each !== 'state'))
      expect(record).not.toHaveProperty(name);
    expect(await listWaiting(env)).toEqual([endpointId(1)]);
  });

  test('is decided by the first person who decides after its service is registered again', async () => {
    const env = createEnv({ records: [{ ...awaitingRecord, serviceDeregisteredAt: noon.toISOString() }] });
    expect(await decide(env)).toMatchObject({ outcome: 'accept' });
  });
});

describe('a request past its deadline', () => {
  const services = [aService({ onExpiry: 'reject' })];
  const overdue = aRecord({
    verdict: aVerdict('ask', { until: secondsAfterNoon(60).toISOString() }),
    approvalRequest: anApprovalRequest({ deadline: secondsAfterNoon(60).toISOString() }),
  });

  test('is rejected with `onExpiry` reject, which its history records', async () => {
    const env = createEnv({ services, records: [overdue] });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'ask', isNew: false });
    env.advanceSeconds(60);
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'reject', isNew: true });
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: { stage: 'expired' },
      verdict: { outcome: 'reject', decidedBy: 'linkgate' },
      pendingEffect: { action: 'reject' },
    });
    expect(await env.actions(endpointId(1))).toEqual(['expired', 'decided']);
    expect(await listWaiting(env)).toEqual([]);
  });

  test.each([
    ['an approval', {}],
    ['a denial with a block', { decision: 'deny', reason: 'unknown', block: true }],
    ['an approval by a person who is no approver', { by: 'mailto:nobody@example.com' }],
  ] as const)('is rejected before %s that comes late, which then changes nothing', async (_, decision) => {
    const env = createEnv({ services, records: [overdue] });
    env.advanceSeconds(60);
    expect(await decide(env, decision)).toMatchObject({
      outcome: 'not-open',
      record: {
        verdict: { outcome: 'reject', decidedBy: 'linkgate' },
        pendingEffect: { action: 'reject', attempts: 0 },
      },
    });
    expect(await env.record(endpointId(1))).not.toHaveProperty('personDecision');
    expect(await env.actions(endpointId(1))).toEqual(['expired', 'decided']);
    expect(await readConsumerEntry(env)).toBeUndefined();
  });

  test.each([
    ['its service is paused', aService({ onExpiry: 'reject', pausedAt: noon.toISOString() }), 'hold'],
    ['its service keeps expired requests open', aService({ onExpiry: 'escalate' }), 'accept'],
  ] as const)('can still be approved if %s', async (_, service, outcome) => {
    const env = createEnv({ services: [service], records: [overdue] });
    env.advanceSeconds(60);
    expect(await decide(env)).toMatchObject({ outcome });
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { by: alice } });
  });

  test('is rejected if only the first of two required approvals came in time', async () => {
    const env = createEnv({ services, records: [overdue], groups: [aGroup({ quorum: 2 })] });
    await decide(env, { by: bob });
    env.advanceSeconds(60);
    expect(await decide(env)).toMatchObject({
      outcome: 'not-open',
      record: { verdict: { outcome: 'reject', decidedBy: 'linkgate' } },
    });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'expired', 'decided']);
  });

  test('is recorded as expired once, even if its service rejects expired requests from then on', async () => {
    const expired = {
      ...overdue,
      approvalRequest: { ...anApprovalRequest({ stage: 'expired' }), deadline: noon.toISOString() },
    };
    const env = createEnv({
      services: [aService({ onExpiry: 'reject', policyRevision: 2 })],
      records: [expired],
    });
    await decideConnection(aRequest(), env.deps);
    expect(await env.actions(endpointId(1))).toEqual(['decided']);
  });
});

describe('an approval that allows the account', () => {
  test('writes the entry and the decision in one transaction', async () => {
    const env = createEnv();
    await decide(env, { allow: { expiresAt: soon }, reason: 'a customer' });
    const entry = await readConsumerEntry(env);
    expect(entry).toMatchObject({
      effect: 'allow',
      expiresAt: soon,
      note: `approved with ${endpointId(1)}: a customer`,
      changedBy: alice,
    });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', policyVersions: { entry: entry?.version } },
    });
    expect((await readAuditTrail(endpointId(1), env.table)).at(-1)).toMatchObject({
      action: 'approved',
      entry: { effect: 'allow', expiresAt: soon },
    });
  });

  test('truncates a long reason between characters for the note of the entry', async () => {
    const env = createEnv();
    await decide(env, {
      allow: {},
      reason: `${'x'.repeat(1000 - `approved with ${endpointId(1)}: `.length - 1)}😀`,
    });
    expect((await readConsumerEntry(env))?.note?.isWellFormed()).toBe(true);
  });

  test('causes no second decision because of the new entry', async () => {
    const env = createEnv();
    await decide(env, { allow: {} });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ isNew: false });
  });

  test('replaces a narrower entry of the service and keeps its owners', async () => {
    const env = createEnv({
      entries: [anEntry({ endpointIds: [endpointId(9)], owners: [bob], version: 5 })],
    });
    await decide(env, { allow: {} });
    const entry = await readConsumerEntry(env);
    expect(entry).toMatchObject({ effect: 'allow', owners: [bob] });
    expect(entry).not.toHaveProperty('endpointIds');
    expect(entry?.version).toBeGreaterThan(5);
  });

  test('leads to reject if somebody blocks the account at the same time', async () => {
    const env = createEnv();
    const { write } = env.table;
    let isFirst = true;
    const table: TestEnv['table'] = {
      ...env.table,
      async write(writes) {
        if (isFirst) env.put(entryItem(anEntry({ effect: 'block', version: 9 })));
        isFirst = false;
        return write(writes);
      },
    };
    const decision = anApproval({ allow: {} });
    expect(await decideConnection(aRequest(), { ...env.deps, table }, { decision })).toMatchObject({
      outcome: 'reject',
    });
    expect(await readConsumerEntry(env)).toMatchObject({ effect: 'block', version: 9 });
  });

  test.each([
    ['at the service', {}, {}, 'reject'],
    ['at every service', { serviceId: '*' }, {}, 'reject'],
    ['while the service is paused', {}, { pausedAt: noon.toISOString() }, 'hold'],
  ])('does not lift a block of the account %s', async (_where, at, service, outcome) => {
    const entries = [anEntry({ effect: 'block', ...at })];
    const env = createEnv({ services: [aService(service)], entries });
    expect(await decide(env, { allow: {} })).toMatchObject({ outcome });
    expect((await readConsumerEntry(env))?.effect).not.toBe('allow');
  });
});

describe('with a quorum of two', () => {
  const groups = [aGroup({ quorum: 2 })];

  async function bothSay(first: Partial<PersonDecision>, second: Partial<PersonDecision>): Promise<TestEnv> {
    const env = createEnv({ groups });
    await decide(env, first);
    await decide(env, { by: bob, ...second });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    return env;
  }

  test('the account is allowed once both people allow it, until the earlier of their dates', async () => {
    const env = await bothSay({ allow: { expiresAt: later } }, { allow: { expiresAt: soon } });
    expect(await readConsumerEntry(env)).toMatchObject({ effect: 'allow', expiresAt: soon, changedBy: bob });
    const endless = await bothSay({ allow: {} }, { allow: { expiresAt: later } });
    expect(await readConsumerEntry(endless)).toMatchObject({ expiresAt: later });
  });

  test('the account is not allowed if one of them approves this request only', async () => {
    expect(await readConsumerEntry(await bothSay({ allow: {} }, {}))).toBeUndefined();
    expect(await readConsumerEntry(await bothSay({}, { allow: {} }))).toBeUndefined();
  });

  test('the account is blocked once one person denies and blocks it, whatever the other decided', async () => {
    const env = createEnv({ groups });
    await decide(env, { allow: {} });
    await decide(env, { by: bob, decision: 'deny', reason: 'fraud', block: true });
    expect(await readConsumerEntry(env)).toMatchObject({
      effect: 'block',
      note: `denied with ${endpointId(1)}: fraud`,
    });
  });
});

test('a denial without a block leaves the entry of the account as it is', async () => {
  const entries = [anEntry({ endpointIds: [endpointId(9)] })];
  const env = createEnv({ entries });
  await decide(env, { decision: 'deny', reason: 'no contract' });
  expect(await readConsumerEntry(env)).toEqual(entries[0]);
});

test('a ticket id is recorded with the decision and in the history', async () => {
  const env = createEnv({ services: [aService({ requireTicket: true })] });
  await decide(env, { ticket: 'CHG-42' });
  expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { ticket: 'CHG-42' } });
  expect((await readAuditTrail(endpointId(1), env.table)).at(-1)).toMatchObject({ ticket: 'CHG-42' });
});
