import { describe, expect, test } from '@jest/globals';
import type { AllowlistEntry } from '../../lib/allowlist/entry.ts';
import { entryItem, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import { statusOf } from '../../lib/approvals/status.ts';
import { auditTrail } from '../../lib/audit/audit.ts';
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

function aWorldOf(contents: Parameters<typeof createTestEnv>[0] = {}): TestEnv {
  return createTestEnv({ services: [aService()], records: [asked], ...contents });
}

const decide = (world: TestEnv, word: Partial<PersonDecision> = {}) =>
  decideConnection(aRequest(), world.deps, { word: anApproval(word) });

async function entryOf(world: TestEnv, at = serviceId(1)): Promise<AllowlistEntry | undefined> {
  const [item] = await world.table.get([entryKey(at, consumer)]);
  return item && readEntry(item);
}

async function waiting(world: TestEnv, group = 'default'): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of listAwaiting(group, world.deps)) ids.push(...page);
  return ids;
}

describe('a request that policy leaves to people', () => {
  test('is asked about in the transaction of its decision, and waits for its group', async () => {
    const world = aWorldOf({ records: [] });
    await decideConnection(aRequest(), world.deps);
    expect(await world.record(endpointId(1))).toMatchObject({
      approvalRequest: {
        group: 'default',
        since: noon.toISOString(),
        version: 0,
        stage: 'approval-requested',
      },
      version: 1,
    });
    expect((await auditTrail(endpointId(1), world.table)).at(-1)).toMatchObject({
      actor: 'linkgate',
      action: 'approval-requested',
      reason: 'the approver group default, until 2026-11-28T12:00:00.000Z',
    });
    expect(await waiting(world)).toEqual([endpointId(1)]);
  });

  test('waits no more once it is decided, by whomever', async () => {
    const approved = aWorldOf();
    await decide(approved);
    const blocked = aWorldOf({ entries: [anEntry({ effect: 'block' })] });
    await decideConnection(aRequest(), blocked.deps);
    expect([await waiting(approved), await waiting(blocked)]).toEqual([[], []]);
  });

  test('is asked about once, however often it is decided anew', async () => {
    const world = aWorldOf({ records: [] });
    await decideConnection(aRequest(), world.deps);
    world.wait(60);
    world.put(serviceItem(aService({ policyRevision: 2, deadlineSeconds: 60 })));
    await decideConnection(aRequest(), world.deps);
    expect((await world.record(endpointId(1)))?.approvalRequest).toMatchObject({
      since: noon.toISOString(),
      version: 0,
    });
    expect(await world.actions(endpointId(1))).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  });

  test('is asked about in another group once its service names one, which the history tells', async () => {
    const notice = { slack: { channel: 'C01APPROVALS', ts: '1.2' }, emailedTo: [] };
    const world = aWorldOf({ records: [{ ...asked, notice }] });
    world.put(serviceItem(aService({ approvers: 'ops', policyRevision: 2 })));
    world.wait(60);
    await decideConnection(aRequest(), world.deps);
    expect(await world.record(endpointId(1))).toMatchObject({
      approvalRequest: { ...anApprovalRequest(), group: 'ops' },
      notice,
    });
    expect([await waiting(world), await waiting(world, 'ops')]).toEqual([[], [endpointId(1)]]);
    expect((await auditTrail(endpointId(1), world.table)).at(-1)).toMatchObject({
      action: 'approval-requested',
      time: secondsAfterNoon(60).toISOString(),
      reason: 'the approver group ops, until 2026-11-28T12:00:00.000Z',
    });
  });

  test('leaves the digest of the group that was asked before, so that the other one is told of it', async () => {
    const world = aWorldOf({ records: [{ ...asked, notice: { digest: 'digest-1', emailedTo: [] } }] });
    world.put(serviceItem(aService({ policyRevision: 2 })));
    await decideConnection(aRequest(), world.deps);
    expect(await world.record(endpointId(1))).toHaveProperty('notice');
    world.put(serviceItem(aService({ approvers: 'ops', policyRevision: 3 })));
    await decideConnection(aRequest(), world.deps);
    expect(await world.record(endpointId(1))).not.toHaveProperty('notice');
  });

  test('waits for nobody once its service is taken out, and is told of as given up', async () => {
    const world = aWorldOf({ services: [] });
    expect(await decideConnection(aRequest(), world.deps)).toEqual({ outcome: 'unregistered' });
    const record = await world.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: anApprovalRequest(),
      serviceDeregisteredAt: noon.toISOString(),
    });
    expect(record && statusOf(record).status).toBe('deregistered');
    expect(await waiting(world)).toEqual([]);
    await decideConnection(aRequest(), world.deps);
    expect(await world.actions(endpointId(1))).toEqual(['refused']);
  });

  test('is asked about anew, also by a new message, once its service is registered again', async () => {
    const given = {
      ...asked,
      serviceDeregisteredAt: noon.toISOString(),
      notice: { contentHash: 'old', emailedTo: [] },
      version: 4,
    };
    const world = aWorldOf({ records: [given] });
    world.wait(60);
    await decideConnection(aRequest(), world.deps);
    const record = await world.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: { since: secondsAfterNoon(60).toISOString(), version: 4 },
    });
    expect(record).not.toHaveProperty('notice');
    expect(record).not.toHaveProperty('serviceDeregisteredAt');
    expect(await waiting(world)).toEqual([endpointId(1)]);
  });

  test('that is asked about anew knows its message of before, which has yet to lose its buttons', async () => {
    const slack = { channel: 'C01APPROVALS', ts: '1.1' };
    const given = {
      ...asked,
      serviceDeregisteredAt: noon.toISOString(),
      notice: { contentHash: 'old', slack, emailedTo: [bob] },
    };
    const world = aWorldOf({ records: [given] });
    await decideConnection(aRequest(), world.deps);
    expect((await world.record(endpointId(1)))?.notice).toEqual({
      emailedTo: [],
      previousSlackMessage: slack,
    });
  });

  test('is decided by the word of who is first, once its service is registered again', async () => {
    const world = aWorldOf({ records: [{ ...asked, serviceDeregisteredAt: noon.toISOString() }] });
    expect(await decide(world)).toMatchObject({ outcome: 'accept' });
  });

  test('by an older version, which asked nobody, is decided anew and asked about', async () => {
    const { approvalRequest: _asking, ...older } = asked;
    const world = aWorldOf({ records: [older] });
    expect(await decideConnection(aRequest(), world.deps)).toMatchObject({ outcome: 'ask', isNew: true });
    expect(await world.actions(endpointId(1))).toEqual(['decided', 'approval-requested']);
    expect(await decideConnection(aRequest(), world.deps)).toMatchObject({ isNew: false });
  });

  test('and is listed again after it was taken for gone is asked about anew', async () => {
    const gone = { ...asked, state: 'deleted', endedAt: noon.toISOString(), version: 4 } as const;
    const world = aWorldOf({ records: [{ ...gone, notice: { contentHash: 'old', emailedTo: [] } }] });
    world.wait(60);
    await decideConnection(aRequest(), world.deps);
    const record = await world.record(endpointId(1));
    expect(record).toMatchObject({
      approvalRequest: { since: secondsAfterNoon(60).toISOString(), version: 4 },
    });
    expect(record).not.toHaveProperty('notice');
  });
});

describe('a request that nobody decides in time', () => {
  const services = [aService({ onExpiry: 'reject' })];
  const overdue = aRecord({
    verdict: aVerdict('ask', { until: secondsAfterNoon(60).toISOString() }),
    approvalRequest: anApprovalRequest({ deadline: secondsAfterNoon(60).toISOString() }),
  });

  test('is rejected where its service says so, which the history tells', async () => {
    const world = aWorldOf({ services, records: [overdue] });
    expect(await decideConnection(aRequest(), world.deps)).toMatchObject({ outcome: 'ask', isNew: false });
    world.wait(60);
    expect(await decideConnection(aRequest(), world.deps)).toMatchObject({ outcome: 'reject', isNew: true });
    expect(await world.record(endpointId(1))).toMatchObject({
      approvalRequest: { stage: 'expired' },
      verdict: { outcome: 'reject', decidedBy: 'linkgate' },
      effect: { action: 'reject' },
    });
    expect(await world.actions(endpointId(1))).toEqual(['expired', 'decided']);
    expect(await waiting(world)).toEqual([]);
  });

  test.each([
    ['approved', {}],
    ['denied', { decision: 'deny', reason: 'unknown', block: true }],
    ['approved by one who may not', { by: 'mailto:nobody@example.com' }],
  ] as const)('and is %s a moment late is rejected first, and the word changes nothing', async (_, word) => {
    const world = aWorldOf({ services, records: [overdue] });
    world.wait(60);
    expect(await decide(world, word)).toMatchObject({
      outcome: 'not-open',
      record: {
        verdict: { outcome: 'reject', decidedBy: 'linkgate' },
        effect: { action: 'reject', asked: 0 },
      },
    });
    expect(await world.record(endpointId(1))).not.toHaveProperty('approval');
    expect(await world.actions(endpointId(1))).toEqual(['expired', 'decided']);
    expect(await entryOf(world)).toBeUndefined();
  });

  test.each([
    ['its service is paused', aService({ onExpiry: 'reject', pausedAt: noon.toISOString() }), 'hold'],
    ['its service leaves it open', aService({ onExpiry: 'escalate' }), 'accept'],
  ] as const)('and is approved late counts where %s', async (_, service, outcome) => {
    const world = aWorldOf({ services: [service], records: [overdue] });
    world.wait(60);
    expect(await decide(world)).toMatchObject({ outcome });
    expect(await world.record(endpointId(1))).toMatchObject({ approval: { by: alice } });
  });

  test('and is approved after it was rejected stays rejected, and who comes late learns why', async () => {
    const world = aWorldOf({ services, records: [overdue] });
    world.wait(60);
    await decideConnection(aRequest(), world.deps);
    expect(await decide(world)).toMatchObject({
      outcome: 'not-open',
      record: { verdict: { findings: [{ rule: 'deadline-has-passed' }, {}] } },
    });
  });

  test('is not approved by the second of two approvals that comes too late', async () => {
    const world = aWorldOf({ services, records: [overdue], groups: [aGroup({ quorum: 2 })] });
    await decide(world, { by: bob });
    world.wait(60);
    expect(await decide(world)).toMatchObject({
      outcome: 'not-open',
      record: { verdict: { outcome: 'reject', decidedBy: 'linkgate' } },
    });
    expect(await world.actions(endpointId(1))).toEqual(['approved', 'expired', 'decided']);
  });

  test('says it once, also where it had expired before its service rejected such', async () => {
    const expired = {
      ...overdue,
      approvalRequest: { ...anApprovalRequest({ stage: 'expired' }), deadline: noon.toISOString() },
    };
    const world = aWorldOf({
      services: [aService({ onExpiry: 'reject', policyRevision: 2 })],
      records: [expired],
    });
    await decideConnection(aRequest(), world.deps);
    expect(await world.actions(endpointId(1))).toEqual(['decided']);
  });
});

describe('who approves and allows the account', () => {
  test('has both written in one transaction: the entry, and the decision that rests on it', async () => {
    const world = aWorldOf();
    await decide(world, { allow: { expiresAt: soon }, reason: 'a customer' });
    const entry = await entryOf(world);
    expect(entry).toMatchObject({
      effect: 'allow',
      expiresAt: soon,
      note: `approved with ${endpointId(1)}: a customer`,
      changedBy: alice,
    });
    expect(await world.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', policyVersions: { entry: entry?.version } },
    });
    expect((await auditTrail(endpointId(1), world.table)).at(-1)).toMatchObject({
      action: 'approved',
      entry: { effect: 'allow', expiresAt: soon },
    });
  });

  test('has no half of a character kept in the entry, however long their reason is', async () => {
    const world = aWorldOf();
    await decide(world, {
      allow: {},
      reason: `${'x'.repeat(1000 - `approved with ${endpointId(1)}: `.length - 1)}😀`,
    });
    expect((await entryOf(world))?.note?.isWellFormed()).toBe(true);
  });

  test('decides nothing twice: the request is not decided anew because of the entry', async () => {
    const world = aWorldOf();
    await decide(world, { allow: {} });
    expect(await decideConnection(aRequest(), world.deps)).toMatchObject({ isNew: false });
  });

  test('replaces what an entry at the service narrowed, and keeps whose account it is', async () => {
    const world = aWorldOf({
      entries: [anEntry({ endpointIds: [endpointId(9)], owners: [bob], version: 5 })],
    });
    await decide(world, { allow: {} });
    const entry = await entryOf(world);
    expect(entry).toMatchObject({ effect: 'allow', owners: [bob] });
    expect(entry).not.toHaveProperty('endpointIds');
    expect(entry?.version).toBeGreaterThan(5);
  });

  test('loses to whoever changes the entry in between, and is heard again on what is there then', async () => {
    const world = aWorldOf();
    const { write } = world.table;
    let isFirst = true;
    const table: TestEnv['table'] = {
      ...world.table,
      async write(writes) {
        if (isFirst) world.put(entryItem(anEntry({ effect: 'block', version: 9 })));
        isFirst = false;
        return write(writes);
      },
    };
    const word = anApproval({ allow: {} });
    expect(await decideConnection(aRequest(), { ...world.deps, table }, { word })).toMatchObject({
      outcome: 'reject',
    });
    expect(await entryOf(world)).toMatchObject({ effect: 'block', version: 9 });
  });

  test.each([
    ['at the service', {}],
    ['everywhere', { serviceId: '*' }],
  ])('does not lift a block of the account %s', async (_, at) => {
    const world = aWorldOf({ entries: [anEntry({ effect: 'block', ...at })] });
    expect(await decide(world, { allow: {} })).toMatchObject({ outcome: 'reject' });
    expect((await entryOf(world))?.effect).not.toBe('allow');
  });

  test('does not lift it while its service is paused either', async () => {
    const services = [aService({ pausedAt: noon.toISOString() })];
    const world = aWorldOf({ services, entries: [anEntry({ effect: 'block' })] });
    expect(await decide(world, { allow: {} })).toMatchObject({ outcome: 'hold' });
    expect((await entryOf(world))?.effect).toBe('block');
  });
});

describe('where it takes two to approve', () => {
  const groups = [aGroup({ quorum: 2 })];

  async function bothSay(first: Partial<PersonDecision>, second: Partial<PersonDecision>): Promise<TestEnv> {
    const world = aWorldOf({ groups });
    await decide(world, first);
    await decide(world, { by: bob, ...second });
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    return world;
  }

  test('the account is allowed when both have said so, until the earlier of their dates', async () => {
    const world = await bothSay({ allow: { expiresAt: later } }, { allow: { expiresAt: soon } });
    expect(await entryOf(world)).toMatchObject({ effect: 'allow', expiresAt: soon, changedBy: bob });
    const endless = await bothSay({ allow: {} }, { allow: { expiresAt: later } });
    expect(await entryOf(endless)).toMatchObject({ expiresAt: later });
  });

  test('the account is not allowed where one of them approved this request only', async () => {
    expect(await entryOf(await bothSay({ allow: {} }, {}))).toBeUndefined();
    expect(await entryOf(await bothSay({}, { allow: {} }))).toBeUndefined();
  });

  test('the account is not allowed before the second has spoken', async () => {
    const world = aWorldOf({ groups });
    await decide(world, { allow: {} });
    expect(await entryOf(world)).toBeUndefined();
  });

  test('one denies, and blocks the account, whatever the other one said', async () => {
    const world = aWorldOf({ groups });
    await decide(world, { allow: {} });
    await decide(world, { by: bob, decision: 'deny', reason: 'fraud', block: true });
    expect(await entryOf(world)).toMatchObject({
      effect: 'block',
      note: `denied with ${endpointId(1)}: fraud`,
    });
  });
});

test('who denies and does not block leaves the account’s entry as it is', async () => {
  const entries = [anEntry({ endpointIds: [endpointId(9)] })];
  const world = aWorldOf({ entries });
  await decide(world, { decision: 'deny', reason: 'no contract' });
  expect(await entryOf(world)).toEqual(entries[0]);
});

test('a ticket is kept with the word and in the history', async () => {
  const world = aWorldOf({ services: [aService({ requireTicket: true })] });
  await decide(world, { ticket: 'CHG-42' });
  expect(await world.record(endpointId(1))).toMatchObject({ approval: { ticket: 'CHG-42' } });
  expect((await auditTrail(endpointId(1), world.table)).at(-1)).toMatchObject({ ticket: 'CHG-42' });
});
