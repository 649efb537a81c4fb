import { describe, expect, test } from '@jest/globals';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import { entryItem, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import { computeConnectionStatus } from '../../lib/approvals/status.ts';
import { readAuditTrail } from '../../lib/audit/audit.ts';
import { listAwaiting } from '../../lib/connections/awaiting-approval.ts';
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
const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
const soon = secondsAfterNoon(86_400).toISOString();
const later = secondsAfterNoon(2 * 86_400).toISOString();

function createEnvOf(contents: Parameters<typeof createTestEnv>[0] = {}): TestEnv {
  return createTestEnv({ services: [aService()], records: [asked], ...contents });
}

const decide = (env: TestEnv, word: Partial<PersonDecision> = {}) =>
  decideConnection(aRequest(), env.deps, { word: anApproval(word) });

async function entryOf(env: TestEnv, at = serviceId(1)): Promise<AllowlistEntry | undefined> {
  const [item] = await env.table.get([entryKey(at, consumer)]);
  return item && readEntry(item);
}

async function waiting(env: TestEnv, group = 'default'): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of listAwaiting(group, env.deps)) ids.push(...page);
  return ids;
}

describe('a request that policy leaves to people', () => {
  test('is asked about in the transaction of its decision, and waits for its group', async () => {
    const env = createEnvOf({ records: [] });
    await decideConnection(aRequest(), env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: {
        group: 'default',
        since: noon.toISOString(),
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
    expect(await waiting(env)).toEqual([endpointId(1)]);
  });

  test('waits no more once it is decided, by whomever', async () => {
    const approved = createEnvOf();
    await decide(approved);
    const blocked = createEnvOf({ entries: [anEntry({ effect: 'block' })] });
    await decideConnection(aRequest(), blocked.deps);
    expect([await waiting(approved), await waiting(blocked)]).toEqual([[], []]);
  });

  test('is asked about once, however often it is decided anew', async () => {
    const env = createEnvOf({ records: [] });
    await decideConnection(aRequest(), env.deps);
    env.advanceSeconds(60);
    env.put(serviceItem(aService({ policyRevision: 2, deadlineSeconds: 60 })));
    await decideConnection(aRequest(), env.deps);
    expect((await env.record(endpointId(1)))?.approvalRequest).toMatchObject({
      since: noon.toISOString(),
      version: 0,
    });
    expect(await env.actions(endpointId(1))).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  });

  test('is asked about in another group once its service names one, which the history tells', async () => {
    const notice = { slack: { channel: 'C01APPROVALS', ts: '1.2' }, emailedTo: [] };
    const env = createEnvOf({ records: [{ ...asked, notification: notice }] });
    env.put(serviceItem(aService({ approvers: 'ops', policyRevision: 2 })));
    env.advanceSeconds(60);
    await decideConnection(aRequest(), env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: { ...anApprovalRequest(), group: 'ops' },
      notice,
    });
    expect([await waiting(env), await waiting(env, 'ops')]).toEqual([[], [endpointId(1)]]);
    expect((await readAuditTrail(endpointId(1), env.table)).at(-1)).toMatchObject({
      action: 'approval-requested',
      time: secondsAfterNoon(60).toISOString(),
      reason: 'the approver group ops, until 2026-11-28T12:00:00.000Z',
    });
  });

  test('leaves the digest of the group that was asked before, so that the other one is told of it', async () => {
    const env = createEnvOf({
      records: [{ ...asked, notification: { digestId: 'digest-1', emailedTo: [] } }],
    });
    env.put(serviceItem(aService({ policyRevision: 2 })));
    await decideConnection(aRequest(), env.deps);
    expect(await env.record(endpointId(1))).toHaveProperty('notification');
    env.put(serviceItem(aService({ approvers: 'ops', policyRevision: 3 })));
    await decideConnection(aRequest(), env.deps);
    expect(await env.record(endpointId(1))).not.toHaveProperty('notification');
  });

  test('waits for nobody once its service is taken out, and is told of as given up', async () => {
    const env = createEnvOf({ services: [] });
    expect(await decideConnection(aRequest(), env.deps)).toEqual({ outcome: 'unregistered' });
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: anApprovalRequest(),
      serviceDeregisteredAt: noon.toISOString(),
    });
    expect(record && computeConnectionStatus(record).status).toBe('deregistered');
    expect(await waiting(env)).toEqual([]);
    await decideConnection(aRequest(), env.deps);
    expect(await env.actions(endpointId(1))).toEqual(['refused']);
  });

  test('is asked about anew, also by a new message, once its service is registered again', async () => {
    const given = {
      ...asked,
      serviceDeregisteredAt: noon.toISOString(),
      notification: { contentHash: 'old', emailedTo: [] },
      version: 4,
    };
    const env = createEnvOf({ records: [given] });
    env.advanceSeconds(60);
    await decideConnection(aRequest(), env.deps);
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: { since: secondsAfterNoon(60).toISOString(), version: 4 },
    });
    expect(record).not.toHaveProperty('notification');
    expect(record).not.toHaveProperty('serviceDeregisteredAt');
    expect(await waiting(env)).toEqual([endpointId(1)]);
  });

  test('that is asked about anew knows its message of before, which has yet to lose its buttons', async () => {
    const slack = { channel: 'C01APPROVALS', ts: '1.1' };
    const given = {
      ...asked,
      serviceDeregisteredAt: noon.toISOString(),
      notification: { contentHash: 'old', slack, emailedTo: [bob] },
    };
    const env = createEnvOf({ records: [given] });
    await decideConnection(aRequest(), env.deps);
    expect((await env.record(endpointId(1)))?.notification).toEqual({
      emailedTo: [],
      previousSlackMessage: slack,
    });
  });

  test('is decided by the word of who is first, once its service is registered again', async () => {
    const env = createEnvOf({ records: [{ ...asked, serviceDeregisteredAt: noon.toISOString() }] });
    expect(await decide(env)).toMatchObject({ outcome: 'accept' });
  });

  test('by an older version, which asked nobody, is decided anew and asked about', async () => {
    const { approvalRequest: _asking, ...older } = asked;
    const env = createEnvOf({ records: [older] });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'ask', isNew: true });
    expect(await env.actions(endpointId(1))).toEqual(['decided', 'approval-requested']);
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ isNew: false });
  });

  test('and is listed again after it was taken for gone is asked about anew', async () => {
    const gone = { ...asked, state: 'deleted', endedAt: noon.toISOString(), version: 4 } as const;
    const env = createEnvOf({ records: [{ ...gone, notification: { contentHash: 'old', emailedTo: [] } }] });
    env.advanceSeconds(60);
    await decideConnection(aRequest(), env.deps);
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: { since: secondsAfterNoon(60).toISOString(), version: 4 },
    });
    expect(record).not.toHaveProperty('notification');
  });
});

describe('a request that nobody decides in time', () => {
  const services = [aService({ onExpiry: 'reject' })];
  const overdue = aRecord({
    verdict: aVerdict('ask', { until: secondsAfterNoon(60).toISOString() }),
    approvalRequest: anApprovalRequest({ deadline: secondsAfterNoon(60).toISOString() }),
  });

  test('is rejected where its service says so, which the history tells', async () => {
    const env = createEnvOf({ services, records: [overdue] });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'ask', isNew: false });
    env.advanceSeconds(60);
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'reject', isNew: true });
    expect(await env.record(endpointId(1))).toMatchObject({
      approvalRequest: { stage: 'expired' },
      verdict: { outcome: 'reject', decidedBy: 'linkgate' },
      pendingEffect: { action: 'reject' },
    });
    expect(await env.actions(endpointId(1))).toEqual(['expired', 'decided']);
    expect(await waiting(env)).toEqual([]);
  });

  test.each([
    ['approved', {}],
    ['denied', { decision: 'deny', reason: 'unknown', block: true }],
    ['approved by one who may not', { by: 'mailto:nobody@example.com' }],
  ] as const)('and is %s a moment late is rejected first, and the word changes nothing', async (_, word) => {
    const env = createEnvOf({ services, records: [overdue] });
    env.advanceSeconds(60);
    expect(await decide(env, word)).toMatchObject({
      outcome: 'not-open',
      record: {
        verdict: { outcome: 'reject', decidedBy: 'linkgate' },
        pendingEffect: { action: 'reject', attempts: 0 },
      },
    });
    expect(await env.record(endpointId(1))).not.toHaveProperty('approval');
    expect(await env.actions(endpointId(1))).toEqual(['expired', 'decided']);
    expect(await entryOf(env)).toBeUndefined();
  });

  test.each([
    ['its service is paused', aService({ onExpiry: 'reject', pausedAt: noon.toISOString() }), 'hold'],
    ['its service leaves it open', aService({ onExpiry: 'escalate' }), 'accept'],
  ] as const)('and is approved late counts where %s', async (_, service, outcome) => {
    const env = createEnvOf({ services: [service], records: [overdue] });
    env.advanceSeconds(60);
    expect(await decide(env)).toMatchObject({ outcome });
    expect(await env.record(endpointId(1))).toMatchObject({ approval: { by: alice } });
  });

  test('and is approved after it was rejected stays rejected, and who comes late learns why', async () => {
    const env = createEnvOf({ services, records: [overdue] });
    env.advanceSeconds(60);
    await decideConnection(aRequest(), env.deps);
    expect(await decide(env)).toMatchObject({
      outcome: 'not-open',
      record: { verdict: { findings: [{ rule: 'approval-deadline-passed' }, {}] } },
    });
  });

  test('is not approved by the second of two approvals that comes too late', async () => {
    const env = createEnvOf({ services, records: [overdue], groups: [aGroup({ quorum: 2 })] });
    await decide(env, { by: bob });
    env.advanceSeconds(60);
    expect(await decide(env)).toMatchObject({
      outcome: 'not-open',
      record: { verdict: { outcome: 'reject', decidedBy: 'linkgate' } },
    });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'expired', 'decided']);
  });

  test('says it once, also where it had expired before its service rejected such', async () => {
    const expired = {
      ...overdue,
      approvalRequest: { ...anApprovalRequest({ stage: 'expired' }), deadline: noon.toISOString() },
    };
    const env = createEnvOf({
      services: [aService({ onExpiry: 'reject', policyRevision: 2 })],
      records: [expired],
    });
    await decideConnection(aRequest(), env.deps);
    expect(await env.actions(endpointId(1))).toEqual(['decided']);
  });
});

describe('who approves and allows the account', () => {
  test('has both written in one transaction: the entry, and the decision that rests on it', async () => {
    const env = createEnvOf();
    await decide(env, { allow: { expiresAt: soon }, reason: 'a customer' });
    const entry = await entryOf(env);
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

  test('has no half of a character kept in the entry, however long their reason is', async () => {
    const env = createEnvOf();
    await decide(env, {
      allow: {},
      reason: `${'x'.repeat(1000 - `approved with ${endpointId(1)}: `.length - 1)}😀`,
    });
    expect((await entryOf(env))?.note?.isWellFormed()).toBe(true);
  });

  test('decides nothing twice: the request is not decided anew because of the entry', async () => {
    const env = createEnvOf();
    await decide(env, { allow: {} });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ isNew: false });
  });

  test('replaces what an entry at the service narrowed, and keeps whose account it is', async () => {
    const env = createEnvOf({
      entries: [anEntry({ endpointIds: [endpointId(9)], owners: [bob], version: 5 })],
    });
    await decide(env, { allow: {} });
    const entry = await entryOf(env);
    expect(entry).toMatchObject({ effect: 'allow', owners: [bob] });
    expect(entry).not.toHaveProperty('endpointIds');
    expect(entry?.version).toBeGreaterThan(5);
  });

  test('loses to whoever changes the entry in between, and is heard again on what is there then', async () => {
    const env = createEnvOf();
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
    const word = anApproval({ allow: {} });
    expect(await decideConnection(aRequest(), { ...env.deps, table }, { word })).toMatchObject({
      outcome: 'reject',
    });
    expect(await entryOf(env)).toMatchObject({ effect: 'block', version: 9 });
  });

  test.each([
    ['at the service', {}],
    ['everywhere', { serviceId: '*' }],
  ])('does not lift a block of the account %s', async (_, at) => {
    const env = createEnvOf({ entries: [anEntry({ effect: 'block', ...at })] });
    expect(await decide(env, { allow: {} })).toMatchObject({ outcome: 'reject' });
    expect((await entryOf(env))?.effect).not.toBe('allow');
  });

  test('does not lift it while its service is paused either', async () => {
    const services = [aService({ pausedAt: noon.toISOString() })];
    const env = createEnvOf({ services, entries: [anEntry({ effect: 'block' })] });
    expect(await decide(env, { allow: {} })).toMatchObject({ outcome: 'hold' });
    expect((await entryOf(env))?.effect).toBe('block');
  });
});

describe('where it takes two to approve', () => {
  const groups = [aGroup({ quorum: 2 })];

  async function bothSay(first: Partial<PersonDecision>, second: Partial<PersonDecision>): Promise<TestEnv> {
    const env = createEnvOf({ groups });
    await decide(env, first);
    await decide(env, { by: bob, ...second });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    return env;
  }

  test('the account is allowed when both have said so, until the earlier of their dates', async () => {
    const env = await bothSay({ allow: { expiresAt: later } }, { allow: { expiresAt: soon } });
    expect(await entryOf(env)).toMatchObject({ effect: 'allow', expiresAt: soon, changedBy: bob });
    const endless = await bothSay({ allow: {} }, { allow: { expiresAt: later } });
    expect(await entryOf(endless)).toMatchObject({ expiresAt: later });
  });

  test('the account is not allowed where one of them approved this request only', async () => {
    expect(await entryOf(await bothSay({ allow: {} }, {}))).toBeUndefined();
    expect(await entryOf(await bothSay({}, { allow: {} }))).toBeUndefined();
  });

  test('the account is not allowed before the second has spoken', async () => {
    const env = createEnvOf({ groups });
    await decide(env, { allow: {} });
    expect(await entryOf(env)).toBeUndefined();
  });

  test('one denies, and blocks the account, whatever the other one said', async () => {
    const env = createEnvOf({ groups });
    await decide(env, { allow: {} });
    await decide(env, { by: bob, decision: 'deny', reason: 'fraud', block: true });
    expect(await entryOf(env)).toMatchObject({
      effect: 'block',
      note: `denied with ${endpointId(1)}: fraud`,
    });
  });
});

test('who denies and does not block leaves the account’s entry as it is', async () => {
  const entries = [anEntry({ endpointIds: [endpointId(9)] })];
  const env = createEnvOf({ entries });
  await decide(env, { decision: 'deny', reason: 'no contract' });
  expect(await entryOf(env)).toEqual(entries[0]);
});

test('a ticket is kept with the word and in the history', async () => {
  const env = createEnvOf({ services: [aService({ requireTicket: true })] });
  await decide(env, { ticket: 'CHG-42' });
  expect(await env.record(endpointId(1))).toMatchObject({ approval: { ticket: 'CHG-42' } });
  expect((await readAuditTrail(endpointId(1), env.table)).at(-1)).toMatchObject({ ticket: 'CHG-42' });
});
