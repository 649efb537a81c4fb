import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { submitStoredDecision } from '../../lib/approvals/submit-decision.ts';
import { emailActor, slackActor } from '../../lib/approvers/actor.ts';
import { groupItem } from '../../lib/approvers/approver-group.ts';
import {
  type EndpointQuota,
  endpointQuotaKey,
  quotaWrite,
  readEndpointQuota,
} from '../../lib/policy/endpoint-quota.ts';
import { decideConnection } from '../../lib/reconcile/decide-connections.ts';
import {
  aConnection,
  aGroup,
  anApprovalRequest,
  anEntry,
  aRecord,
  aRequest,
  aService,
  aVerdict,
  endpointId,
  noon,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const bob = slackActor({ team: 'T01LOCAL', user: 'U01BOB' });
const dora = emailActor('dora@example.com');
const group = aGroup({ slackUsers: [{ team: 'T01LOCAL', user: 'U01BOB' }], emails: ['dora@example.com'] });
const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
const approves = { decision: 'approve', by: bob } as const;

function aWorldOf(contents: Parameters<typeof createTestEnv>[0] = {}): TestEnv {
  return createTestEnv({ services: [aService()], groups: [group], records: [asked], ...contents });
}

/** Decides with nothing that could ask EC2. */
function decide(world: TestEnv, word: Parameters<typeof submitStoredDecision>[1], endpoint = endpointId(1)) {
  const { connectionsIn: _connectionsIn, ...deps } = world.deps;
  return submitStoredDecision(endpoint, word, deps);
}

describe('who cannot ask EC2', () => {
  test.each([
    { by: bob, decision: 'approve', outcome: 'accept', action: 'approved' },
    { by: dora, decision: 'deny', outcome: 'reject', action: 'denied' },
  ] as const)('decides of a request as it was last seen: $by $action it', async (each) => {
    const world = aWorldOf();
    const { by, decision, outcome, action } = each;
    expect(await decide(world, { by, decision, reason: 'why' })).toMatchObject({
      status: 'decided',
      approval: { by, decision, reason: 'why', at: noon.toISOString() },
      record: { verdict: { outcome, decidedBy: by }, effect: { action: outcome, asked: 0 } },
    });
    expect(await world.actions(endpointId(1))).toEqual([action]);
    expect(world.rings).toHaveLength(1);
  });

  test('looks at nothing in EC2, also where an entry counts endpoints', async () => {
    const world = aWorldOf({ entries: [anEntry({ maxEndpoints: 1 })] });
    await decide(world, approves);
    expect(world.ec2.looks).toEqual([]);
  });

  test('decides nothing that EC2 has moved on from, as far as is known', async () => {
    const record = { ...asked, state: 'available' } as const;
    const world = aWorldOf({ records: [record] });
    expect(await decide(world, approves)).toMatchObject({
      status: 'not-open',
      connection: { state: 'available' },
      record,
    });
    expect(await world.actions(endpointId(1))).toEqual([]);
  });

  test('and says the same twice at once, before the quorum is reached, has said it once', async () => {
    const world = aWorldOf({ groups: [{ ...group, quorum: 2 }] });
    const results = await Promise.all([decide(world, approves), decide(world, approves)]);
    expect(results.map(({ status }) => status)).toEqual(['decided', 'decided']);
    expect(await world.actions(endpointId(1))).toEqual(['approved']);
    await decide(world, { ...approves, reason: 'and here is why' });
    expect(await world.actions(endpointId(1))).toEqual(['approved', 'approved']);
  });

  test('speaks after the deadline of a service that rejects then has it rejected at once, and rung for', async () => {
    const past = noon.toISOString();
    const world = aWorldOf({
      services: [aService({ onExpiry: 'reject' })],
      records: [{ ...asked, approvalRequest: anApprovalRequest({ deadline: past }) }],
    });
    expect(await decide(world, approves)).toMatchObject({
      status: 'not-open',
      record: { verdict: { outcome: 'reject' }, approvalRequest: { stage: 'expired' } },
    });
    expect(world.rings).toHaveLength(1);
  });

  test('is told who was faster', async () => {
    const world = aWorldOf();
    const results = await Promise.all([
      decide(world, approves),
      decide(world, { by: dora, decision: 'deny', reason: 'unknown' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['decided', 'not-open']);
    expect(results[1]).toMatchObject({ record: { approval: { by: bob, decision: 'approve' } } });
    expect(await world.actions(endpointId(1))).toEqual(['approved']);
  });

  test.each([
    ['nobody was asked about', { verdict: aVerdict('hold') }],
    ['was given up with its service', { ...asked, serviceDeregisteredAt: noon.toISOString() }],
  ])('knows of no request that %s', async (_, record) => {
    const world = aWorldOf({ records: [aRecord(record)] });
    expect(await decide(world, approves)).toEqual({ status: 'unknown' });
    expect(await world.actions(endpointId(1))).toEqual([]);
  });

  test('knows of no request that linkgate has not seen', async () => {
    expect(await decide(aWorldOf(), approves, endpointId(9))).toEqual({ status: 'unknown' });
  });
});

describe('who may decide is looked up in the moment of the decision', () => {
  const carol = slackActor({ team: 'T01LOCAL', user: 'U01CAROL' });

  test.each([
    ['who was never an approver', carol, {}, 'not-an-approver'],
    ['who is an approver no longer', bob, { groups: [aGroup()] }, 'not-an-approver'],
    [
      'whose group decides through the API by now',
      bob,
      { groups: [{ ...group, decisionChannels: 'api' }] },
      'api-only',
    ],
    [
      'who owns the account by now',
      bob,
      { entries: [anEntry({ endpointIds: [endpointId(9)], owners: [bob] })] },
      'owner',
    ],
    ['who names no ticket', bob, { services: [aService({ requireTicket: true })] }, 'no-ticket'],
  ] as const)('and nothing is changed by one %s', async (_, by, contents, why) => {
    const world = aWorldOf(contents as Parameters<typeof createTestEnv>[0]);
    await expect(decide(world, { ...approves, by })).rejects.toMatchObject({
      name: 'NotAuthorizedError',
      why,
    });
    expect(await world.record(endpointId(1))).toEqual(asked);
    expect(world.rings).toEqual([]);
  });

  test('in a group that does not exist nobody is named', async () => {
    const world = aWorldOf({ groups: [] });
    await expect(decide(world, { by: dora, decision: 'deny', reason: 'unknown' })).rejects.toMatchObject({
      why: 'not-an-approver',
    });
    await expect(decide(world, approves)).rejects.toThrow('linkgate setup');
  });
});

describe('where a quorum decides', () => {
  const two = { ...group, quorum: 2 };

  test('people come by different channels, and one who speaks twice counts once', async () => {
    const world = aWorldOf({ groups: [two] });
    for (const by of [bob, bob]) {
      await decide(world, { by, decision: 'approve' });
      expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
    }
    await decide(world, { by: dora, decision: 'approve' });
    expect(await world.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', decidedBy: dora },
      approvals: { words: [{ by: bob }, { by: dora }], quorum: 2 },
    });
  });

  const carol = slackActor({ team: 'T01LOCAL', user: 'U01CAROL' });
  const withCarol = {
    ...two,
    slackUsers: [...group.slackUsers, { team: 'T01LOCAL', user: 'U01CAROL' }],
    version: 2,
  };

  test.each([
    ['is an approver no longer', groupItem({ ...withCarol, slackUsers: withCarol.slackUsers.slice(1) })],
    ['owns the account by now', entryItem(anEntry({ endpointIds: [endpointId(9)], owners: [bob] }))],
  ])('the word of one who %s does not count', async (_, change) => {
    const world = aWorldOf({ groups: [withCarol] });
    await decide(world, approves);
    world.put(change);
    await decide(world, { decision: 'approve', by: dora });
    expect(await world.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'ask' },
      approvals: { words: [{ by: dora }], quorum: 2 },
    });
    await decide(world, { decision: 'approve', by: carol });
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('words from Slack do not count once the group decides through the API', async () => {
    const alice = 'arn:aws:iam::111111111111:user/alice';
    const world = aWorldOf({ groups: [two] });
    await decide(world, approves);
    world.put(groupItem({ ...two, decisionChannels: 'api', version: 2 }));
    await decide(world, { decision: 'approve', by: alice });
    expect(await world.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'ask' },
      approvals: { words: [{ by: alice }] },
    });
  });

  test.each([
    [2, 1, [approves]],
    [3, 2, [approves, { decision: 'approve', by: dora } as const]],
  ])(
    'of %d a word from before closes the request when it is said again and %d are enough by now',
    async (quorum, enough, words) => {
      const world = aWorldOf({ groups: [{ ...group, quorum }] });
      for (const word of words) await decide(world, word);
      world.put(groupItem({ ...group, quorum: enough, version: 2 }));
      await decide(world, approves);
      const record = await world.record(endpointId(1));
      expect(record).toMatchObject({ verdict: { outcome: 'accept', decidedBy: bob } });
      expect(record?.approvals?.words.length ?? 1).toBe(enough);
    },
  );

  test('people change their mind before it is reached, and not after', async () => {
    const world = aWorldOf({ groups: [two] });
    await decide(world, approves);
    await decide(world, { by: bob, decision: 'deny', reason: 'wrong account' });
    expect(await world.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'reject', decidedBy: bob },
    });
    expect(await decide(world, approves)).toMatchObject({ status: 'not-open' });
    expect(await world.actions(endpointId(1))).toEqual(['approved', 'denied']);
  });
});

describe('an endpoint that was approved without a look at EC2', () => {
  const entry = anEntry({ maxEndpoints: 1, version: 3 });
  const set = { serviceId: entry.serviceId, accountId: entry.accountId, version: 1 };

  const keep = (world: TestEnv, kept: EndpointQuota) =>
    world.table.write([quotaWrite(aRequest(), undefined, kept)]);

  async function counted(world: TestEnv) {
    const [item] = await world.table.get([endpointQuotaKey(aRequest())]);
    return item && readEndpointQuota(item);
  }

  test('is counted at once where the set of its account’s endpoints is up to date', async () => {
    const world = aWorldOf({ entries: [entry] });
    await keep(world, { ...set, endpointIds: [endpointId(7)], entryVersion: 3 });
    await decide(world, approves);
    expect(await counted(world)).toMatchObject({ endpointIds: [endpointId(7), endpointId(1)], version: 2 });
  });

  test.each([
    ['missing', undefined],
    ['out of date', { ...set, endpointIds: [endpointId(7)], entryVersion: 2 }],
  ])('is counted by the next decision that can ask EC2 where the set is %s', async (_, kept) => {
    const next = aRequest({ endpointId: endpointId(2) });
    const world = aWorldOf({ entries: [entry], connections: [aConnection(), next] });
    if (kept) await keep(world, kept);
    await decide(world, approves);
    expect((await counted(world))?.endpointIds).toEqual(kept?.endpointIds);
    expect(await decideConnection(next, world.deps)).toMatchObject({ outcome: 'ask' });
    expect((await counted(world))?.endpointIds).toEqual([endpointId(1)]);
  });
});
