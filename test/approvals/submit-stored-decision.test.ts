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
const awaitingApproval = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
const approveInput = { decision: 'approve', by: bob } as const;

function createEnvWith(contents: Parameters<typeof createTestEnv>[0] = {}): TestEnv {
  return createTestEnv({ services: [aService()], groups: [group], records: [awaitingApproval], ...contents });
}

/** Submits a decision without an EC2 client. */
function decide(
  env: TestEnv,
  decision: Parameters<typeof submitStoredDecision>[1],
  endpoint = endpointId(1),
) {
  const { connectionsClient: _connectionsClient, ...deps } = env.deps;
  return submitStoredDecision(endpoint, decision, deps);
}

describe('a decision without a call to EC2', () => {
  test.each([
    { by: bob, decision: 'approve', outcome: 'accept', action: 'approved' },
    { by: dora, decision: 'deny', outcome: 'reject', action: 'denied' },
  ] as const)(
    'applies to the recorded state: $decision by $by results in the verdict $outcome',
    async (each) => {
      const env = createEnvWith();
      const { by, decision, outcome, action } = each;
      expect(await decide(env, { by, decision, reason: 'why' })).toMatchObject({
        status: 'decided',
        personDecision: { by, decision, reason: 'why', at: noon.toISOString() },
        record: { verdict: { outcome, decidedBy: by }, pendingEffect: { action: outcome, attempts: 0 } },
      });
      expect(await env.actions(endpointId(1))).toEqual([action]);
      expect(env.applyRequests).toHaveLength(1);
    },
  );

  test('does not describe connections, even where an entry limits endpoints', async () => {
    const env = createEnvWith({ entries: [anEntry({ maxEndpoints: 1 })] });
    await decide(env, approveInput);
    expect(env.ec2.describeCalls).toEqual([]);
  });

  test('changes nothing where the record shows another state', async () => {
    const record = { ...awaitingApproval, state: 'available' } as const;
    const env = createEnvWith({ records: [record] });
    expect(await decide(env, approveInput)).toMatchObject({
      status: 'not-open',
      connection: { state: 'available' },
      record,
    });
    expect(await env.actions(endpointId(1))).toEqual([]);
  });

  test('is recorded once if it is submitted twice at the same time', async () => {
    const env = createEnvWith({ groups: [{ ...group, quorum: 2 }] });
    const results = await Promise.all([decide(env, approveInput), decide(env, approveInput)]);
    expect(results.map(({ status }) => status)).toEqual(['decided', 'decided']);
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
    await decide(env, { ...approveInput, reason: 'and here is why' });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'approved']);
  });

  test('after the deadline has no effect if the service rejects expired requests: the request is rejected and its effect enqueued', async () => {
    const past = noon.toISOString();
    const env = createEnvWith({
      services: [aService({ onExpiry: 'reject' })],
      records: [{ ...awaitingApproval, approvalRequest: anApprovalRequest({ deadline: past }) }],
    });
    expect(await decide(env, approveInput)).toMatchObject({
      status: 'not-open',
      record: { verdict: { outcome: 'reject' }, approvalRequest: { stage: 'expired' } },
    });
    expect(env.applyRequests).toHaveLength(1);
  });

  test('returns the decision of the person who decided first', async () => {
    const env = createEnvWith();
    const results = await Promise.all([
      decide(env, approveInput),
      decide(env, { by: dora, decision: 'deny', reason: 'unknown' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['decided', 'not-open']);
    expect(results[1]).toMatchObject({ record: { personDecision: { by: bob, decision: 'approve' } } });
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
  });

  test.each([
    ['approvers were not asked about', { verdict: aVerdict('hold') }],
    ['belongs to a deregistered service', { ...awaitingApproval, serviceDeregisteredAt: noon.toISOString() }],
  ])('has the result unknown for a request that %s', async (_, record) => {
    const env = createEnvWith({ records: [aRecord(record)] });
    expect(await decide(env, approveInput)).toEqual({ status: 'unknown' });
    expect(await env.actions(endpointId(1))).toEqual([]);
  });

  test('has the result unknown for a request without a record', async () => {
    expect(await decide(createEnvWith(), approveInput, endpointId(9))).toEqual({ status: 'unknown' });
  });
});

describe('authorization is checked at the time of the decision', () => {
  const carol = slackActor({ team: 'T01LOCAL', user: 'U01CAROL' });

  test.each([
    ['was never an approver', carol, {}, 'not-an-approver'],
    ['is no longer an approver', bob, { groups: [aGroup()] }, 'not-an-approver'],
    [
      'belongs to a group that decides by API only now',
      bob,
      { groups: [{ ...group, decisionChannels: 'api' }] },
      'api-only',
    ],
    [
      'owns the account now',
      bob,
      { entries: [anEntry({ endpointIds: [endpointId(9)], owners: [bob] })] },
      'owner',
    ],
    ['gives no ticket', bob, { services: [aService({ requireTicket: true })] }, 'no-ticket'],
  ] as const)('and nothing changes where the actor %s', async (_, by, contents, why) => {
    const env = createEnvWith(contents as Parameters<typeof createTestEnv>[0]);
    await expect(decide(env, { ...approveInput, by })).rejects.toMatchObject({
      name: 'NotAuthorizedError',
      code: why,
    });
    expect(await env.record(endpointId(1))).toEqual(awaitingApproval);
    expect(env.applyRequests).toEqual([]);
  });

  test('and nobody is authorized in a group that does not exist', async () => {
    const env = createEnvWith({ groups: [] });
    await expect(decide(env, { by: dora, decision: 'deny', reason: 'unknown' })).rejects.toMatchObject({
      code: 'not-an-approver',
    });
    await expect(decide(env, approveInput)).rejects.toThrow('linkgate setup');
  });
});

describe('with a quorum', () => {
  const two = { ...group, quorum: 2 };

  test('people may use different channels, and each person counts once', async () => {
    const env = createEnvWith({ groups: [two] });
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
    ['is no longer an approver', groupItem({ ...withCarol, slackUsers: withCarol.slackUsers.slice(1) })],
    ['owns the account now', entryItem(anEntry({ endpointIds: [endpointId(9)], owners: [bob] }))],
  ])('the approval of a person who %s does not count', async (_, change) => {
    const env = createEnvWith({ groups: [withCarol] });
    await decide(env, approveInput);
    env.put(change);
    await decide(env, { decision: 'approve', by: dora });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'ask' },
      approvals: { decisions: [{ by: dora }], quorum: 2 },
    });
    await decide(env, { decision: 'approve', by: carol });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('approvals from Slack do not count once the group decides by API only', async () => {
    const alice = 'arn:aws:iam::111111111111:user/alice';
    const env = createEnvWith({ groups: [two] });
    await decide(env, approveInput);
    env.put(groupItem({ ...two, decisionChannels: 'api', version: 2 }));
    await decide(env, { decision: 'approve', by: alice });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'ask' },
      approvals: { decisions: [{ by: alice }] },
    });
  });

  test.each([
    [2, 1, [approveInput]],
    [3, 2, [approveInput, { decision: 'approve', by: dora } as const]],
  ])(
    'of %d a repeated approval closes the request once the quorum is lowered to %d',
    async (quorum, enough, decisions) => {
      const env = createEnvWith({ groups: [{ ...group, quorum }] });
      for (const decision of decisions) await decide(env, decision);
      env.put(groupItem({ ...group, quorum: enough, version: 2 }));
      await decide(env, approveInput);
      const record = await env.record(endpointId(1));
      expect(record).toMatchObject({ verdict: { outcome: 'accept', decidedBy: bob } });
      expect(record?.approvals?.decisions.length ?? 1).toBe(enough);
    },
  );

  test('people may change their decision before the quorum is reached, not afterwards', async () => {
    const env = createEnvWith({ groups: [two] });
    await decide(env, approveInput);
    await decide(env, { by: bob, decision: 'deny', reason: 'wrong account' });
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'reject', decidedBy: bob },
    });
    expect(await decide(env, approveInput)).toMatchObject({ status: 'not-open' });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'denied']);
  });
});

describe('an endpoint that was approved without a call to EC2', () => {
  const entry = anEntry({ maxEndpoints: 1, version: 3 });
  const { location, serviceId, ownerAccountId } = aRequest();
  const set = { location, serviceId, ownerAccountId, version: 1 };

  const storeQuota = (env: TestEnv, quota: EndpointQuota) => env.table.write([quotaWrite(undefined, quota)]);

  async function readStoredQuota(env: TestEnv) {
    const [item] = await env.table.get([endpointQuotaKey(aRequest())]);
    return item && readEndpointQuota(item);
  }

  test('counts toward the endpoint quota at once where the quota item is up to date', async () => {
    const env = createEnvWith({ entries: [entry] });
    await storeQuota(env, { ...set, endpointIds: [endpointId(7)], entryVersion: 3 });
    await decide(env, approveInput);
    expect(await readStoredQuota(env)).toMatchObject({
      endpointIds: [endpointId(7), endpointId(1)],
      version: 2,
    });
  });

  test.each([
    ['missing', undefined],
    ['out of date', { ...set, endpointIds: [endpointId(7)], entryVersion: 2 }],
  ])(
    'counts toward the endpoint quota with the next decision that calls EC2 where the quota item is %s',
    async (_, storedQuota) => {
      const next = aRequest({ endpointId: endpointId(2) });
      const env = createEnvWith({ entries: [entry], connections: [aConnection(), next] });
      if (storedQuota) await storeQuota(env, storedQuota);
      await decide(env, approveInput);
      expect((await readStoredQuota(env))?.endpointIds).toEqual(storedQuota?.endpointIds);
      expect(await decideConnection(next, env.deps)).toMatchObject({ outcome: 'ask' });
      expect((await readStoredQuota(env))?.endpointIds).toEqual([endpointId(1)]);
    },
  );
});
