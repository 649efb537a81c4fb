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

function createEnvOf(contents: Parameters<typeof createTestEnv>[0] = {}): TestEnv {
  return createTestEnv({ services: [aService()], groups: [group], records: [asked], ...contents });
}

/** Decides with nothing that could ask EC2. */
function decide(env: TestEnv, word: Parameters<typeof submitStoredDecision>[1], endpoint = endpointId(1)) {
  const { connectionsClient: _connectionsIn, ...deps } = env.deps;
  return submitStoredDecision(endpoint, word, deps);
}

describe('who cannot ask EC2', () => {
  test.each([
    { by: bob, decision: 'approve', outcome: 'accept', action: 'approved' },
    { by: dora, decision: 'deny', outcome: 'reject', action: 'denied' },
  ] as const)('decides of a request as it was last seen: $by $action it', async (each) => {
    const env = createEnvOf();
    const { by, decision, outcome, action } = each;
    expect(await decide(env, { by, decision, reason: 'why' })).toMatchObject({
      status: 'decided',
      approval: { by, decision, reason: 'why', at: noon.toISOString() },
      record: { verdict: { outcome, decidedBy: by }, pendingEffect: { action: outcome, attempts: 0 } },
    });
    expect(await env.actions(endpointId(1))).toEqual([action]);
    expect(env.rings).toHaveLength(1);
  });

  test('looks at nothing in EC2, also where an entry counts endpoints', async () => {
    const env = createEnvOf({ entries: [anEntry({ maxEndpoints: 1 })] });
    await decide(env, approves);
    expect(env.ec2.describeCalls).toEqual([]);
  });

  test('decides nothing that EC2 has moved on from, as far as is known', async () => {
    const record = { ...asked, state: 'available' } as const;
    const env = createEnvOf({ records: [record] });
    expect(await decide(env, approves)).toMatchObject({
      status: 'not-open',
      connection: { state: 'available' },
      record,
    });
    expect(await env.actions(endpointId(1))).toEqual([]);
  });

  test('and says the same twice at once, before the quorum is reached, has said it once', async () => {
    const env = createEnvOf({ groups: [{ ...group, quorum: 2 }] });
    const results = await Promise.all([decide(env, approves), decide(env, approves)]);
    expect(results.map(({ status }) => status)).toEqual(['decided', 'decided']);
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
    await decide(env, { ...approves, reason: 'and here is why' });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'approved']);
  });

  test('speaks after the deadline of a service that rejects then has it rejected at once, and rung for', async () => {
    const past = noon.toISOString();
    const env = createEnvOf({
      services: [aService({ onExpiry: 'reject' })],
      records: [{ ...asked, approvalRequest: anApprovalRequest({ deadline: past }) }],
    });
    expect(await decide(env, approves)).toMatchObject({
      status: 'not-open',
      record: { verdict: { outcome: 'reject' }, approvalRequest: { stage: 'expired' } },
    });
    expect(env.rings).toHaveLength(1);
  });

  test('is told who was faster', async () => {
    const env = createEnvOf();
    const results = await Promise.all([
      decide(env, approves),
      decide(env, { by: dora, decision: 'deny', reason: 'unknown' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['decided', 'not-open']);
    expect(results[1]).toMatchObject({ record: { approval: { by: bob, decision: 'approve' } } });
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
  });

  test.each([
    ['nobody was asked about', { verdict: aVerdict('hold') }],
    ['was given up with its service', { ...asked, serviceDeregisteredAt: noon.toISOString() }],
  ])('knows of no request that %s', async (_, record) => {
    const env = createEnvOf({ records: [aRecord(record)] });
    expect(await decide(env, approves)).toEqual({ status: 'unknown' });
    expect(await env.actions(endpointId(1))).toEqual([]);
  });

  test('knows of no request that linkgate has not seen', async () => {
    expect(await decide(createEnvOf(), approves, endpointId(9))).toEqual({ status: 'unknown' });
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
    const env = createEnvOf(contents as Parameters<typeof createTestEnv>[0]);
    await expect(decide(env, { ...approves, by })).rejects.toMatchObject({
      name: 'NotAuthorizedError',
      why,
    });
    expect(await env.record(endpointId(1))).toEqual(asked);
    expect(env.rings).toEqual([]);
  });

  test('in a group that does not exist nobody is named', async () => {
    const env = createEnvOf({ groups: [] });
    await expect(decide(env, { by: dora, decision: 'deny', reason: 'unknown' })).rejects.toMatchObject({
      why: 'not-an-approver',
    });
    await expect(decide(env, approves)).rejects.toThrow('linkgate setup');
  });
});

describe('where a quorum decides', () => {
  const two = { ...group, quorum: 2 };

  test('people come by different channels, and one who speaks twice counts once', async () => {
    const env = createEnvOf({ groups: [two] });
    for (const by of [bob, bob]) {
      await decide(env, { by, decision: 'approve' });
      expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
    }
    await decide(env, { by: dora, decision: 'approve' });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', decidedBy: dora },
      approvals: { decisions: [{ by: bob }, { by: dora }], quorum: 2 },
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
    const env = createEnvOf({ groups: [withCarol] });
    await decide(env, approves);
    env.put(change);
    await decide(env, { decision: 'approve', by: dora });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'ask' },
      approvals: { decisions: [{ by: dora }], quorum: 2 },
    });
    await decide(env, { decision: 'approve', by: carol });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('words from Slack do not count once the group decides through the API', async () => {
    const alice = 'arn:aws:iam::111111111111:user/alice';
    const env = createEnvOf({ groups: [two] });
    await decide(env, approves);
    env.put(groupItem({ ...two, decisionChannels: 'api', version: 2 }));
    await decide(env, { decision: 'approve', by: alice });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'ask' },
      approvals: { decisions: [{ by: alice }] },
    });
  });

  test.each([
    [2, 1, [approves]],
    [3, 2, [approves, { decision: 'approve', by: dora } as const]],
  ])(
    'of %d a word from before closes the request when it is said again and %d are enough by now',
    async (quorum, enough, words) => {
      const env = createEnvOf({ groups: [{ ...group, quorum }] });
      for (const word of words) await decide(env, word);
      env.put(groupItem({ ...group, quorum: enough, version: 2 }));
      await decide(env, approves);
      const record = await env.record(endpointId(1));
      expect(record).toMatchObject({ verdict: { outcome: 'accept', decidedBy: bob } });
      expect(record?.approvals?.decisions.length ?? 1).toBe(enough);
    },
  );

  test('people change their mind before it is reached, and not after', async () => {
    const env = createEnvOf({ groups: [two] });
    await decide(env, approves);
    await decide(env, { by: bob, decision: 'deny', reason: 'wrong account' });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'reject', decidedBy: bob },
    });
    expect(await decide(env, approves)).toMatchObject({ status: 'not-open' });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'denied']);
  });
});

describe('an endpoint that was approved without a look at EC2', () => {
  const entry = anEntry({ maxEndpoints: 1, version: 3 });
  const set = { serviceId: entry.serviceId, accountId: entry.accountId, version: 1 };

  const keep = (env: TestEnv, kept: EndpointQuota) =>
    env.table.write([quotaWrite(aRequest(), undefined, kept)]);

  async function counted(env: TestEnv) {
    const [item] = await env.table.get([endpointQuotaKey(aRequest())]);
    return item && readEndpointQuota(item);
  }

  test('is counted at once where the set of its account’s endpoints is up to date', async () => {
    const env = createEnvOf({ entries: [entry] });
    await keep(env, { ...set, endpointIds: [endpointId(7)], entryVersion: 3 });
    await decide(env, approves);
    expect(await counted(env)).toMatchObject({ endpointIds: [endpointId(7), endpointId(1)], version: 2 });
  });

  test.each([
    ['missing', undefined],
    ['out of date', { ...set, endpointIds: [endpointId(7)], entryVersion: 2 }],
  ])('is counted by the next decision that can ask EC2 where the set is %s', async (_, kept) => {
    const next = aRequest({ endpointId: endpointId(2) });
    const env = createEnvOf({ entries: [entry], connections: [aConnection(), next] });
    if (kept) await keep(env, kept);
    await decide(env, approves);
    expect((await counted(env))?.endpointIds).toEqual(kept?.endpointIds);
    expect(await decideConnection(next, env.deps)).toMatchObject({ outcome: 'ask' });
    expect((await counted(env))?.endpointIds).toEqual([endpointId(1)]);
  });
});
