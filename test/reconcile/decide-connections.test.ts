import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { pendingEffects } from '../../lib/connections/indexes.ts';
import { modeChangeItem } from '../../lib/mode/mode.ts';
import { endpointQuotaKey, readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import type { Rule } from '../../lib/policy/rule.ts';
import {
  decideConnection,
  decideConnections,
  decisionLogFields,
  failedRules,
} from '../../lib/reconcile/decide-connections.ts';
import { serviceItem } from '../../lib/services/service.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import type { Table } from '../../lib/storage/table.ts';
import {
  alice,
  aModeChange,
  anApproval,
  anEntry,
  aRecord,
  aRequest,
  aService,
  aVerdict,
  consumer,
  endpointId,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const services = [aService()];
const location = `${hub.accountId}/${hub.region}`;

const live = aRequest({ state: 'available' });
const accepting = { pendingEffect: { action: 'accept', attempts: 0 } } as const;
const aConnectionToDisconnect = aRecord({
  state: 'available',
  verdict: aVerdict('reject'),
  pendingEffect: { action: 'reject', attempts: 1 },
  acceptRequestedAt: noon.toISOString(),
});

/** A table that runs a callback right before each of its first writes. */
function createRacingTable(env: TestEnv, times: number, meanwhile: () => void): Table {
  let remaining = times;
  return {
    ...env.table,
    async write(writes) {
      if (remaining-- > 0) meanwhile();
      return env.table.write(writes);
    },
  };
}

async function readCounted(env: TestEnv): Promise<readonly string[] | undefined> {
  const [item] = await env.table.get([endpointQuotaKey(aRequest())]);
  return item && readEndpointQuota(item).endpointIds;
}

describe('a connection request', () => {
  test('of an allowed account gets the verdict accept, with a record, a history and a pending effect', async () => {
    const env = createTestEnv({ services, entries: [anEntry({ version: 7 })] });
    await decideConnections([aRequest()], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', policyVersions: { service: 1, entry: 7, wildcardEntry: 0 } },
      pendingEffect: { action: 'accept', attempts: 0 },
    });
    expect(await env.actions(endpointId(1))).toEqual(['requested', 'decided']);
    expect(env.applyRequests).toEqual([location]);
  });

  test('that needs approval enqueues nothing for apply-verdicts', async () => {
    const env = createTestEnv({ services });
    await decideConnections([aRequest()], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
    expect(env.applyRequests).toEqual([]);
  });

  test('to a service that is not registered is not decided', async () => {
    const env = createTestEnv();
    expect(await decideConnection(aRequest(), env.deps)).toEqual({ outcome: 'unregistered' });
    expect(await env.record(endpointId(1))).toBeUndefined();
  });

  test.each([
    ['pending accept', aRequest(), aRecord({ ...accepting, verdict: aVerdict('accept') })],
    ['pending reject of a connected endpoint', live, aConnectionToDisconnect],
  ])('of a deregistered service loses its %s, which its history records', async (_what, request, record) => {
    const env = createTestEnv({ records: [record] });
    expect(await decideConnection(request, env.deps)).toEqual({ outcome: 'unregistered' });
    expect(await env.record(endpointId(1))).not.toHaveProperty('pendingEffect');
    expect(await env.actions(endpointId(1))).toEqual(['refused']);
    for await (const due of env.table.query(pendingEffects.partition(hub))) expect(due).toEqual([]);
  });

  test('that is connected with a pending reject is decided again when the policy changes, and not disconnected', async () => {
    const env = createTestEnv({ services, records: [aConnectionToDisconnect], entries: [anEntry()] });
    expect(await decideConnection(live, env.deps)).toMatchObject({ outcome: 'accept' });
    expect(await env.record(endpointId(1))).toMatchObject({
      state: 'available',
      pendingEffect: { action: 'accept' },
    });
  });

  test('that EC2 lists again after it ended is decided as a new one', async () => {
    const endedAt = noon.toISOString();
    const verdict = aVerdict('reject');
    const records = [aRecord({ state: 'deleted', verdict, endedAt, observedAt: endedAt })];
    const env = createTestEnv({ services, records });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'ask', isNew: true });
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({ state: 'pendingAcceptance', verdict: { outcome: 'ask' } });
    expect(record).not.toHaveProperty('endedAt');
  });

  test('whose record already shows it available is not decided', async () => {
    const records = [aRecord({ state: 'available' })];
    const env = createTestEnv({ services, records });
    expect(await decideConnection(aRequest(), env.deps)).toMatchObject({ outcome: 'passed' });
  });

  test('that arrives twice is decided once, and enqueued again until EC2 is called', async () => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    await decideConnections([aRequest()], env.deps);
    const [again] = await decideConnections([aRequest()], env.deps);
    expect(again).toMatchObject({ output: { outcome: 'accept', isNew: false } });
    expect(await env.actions(endpointId(1))).toEqual(['requested', 'decided']);
    expect(env.applyRequests).toEqual([location, location]);
  });

  test('is not enqueued again once EC2 is called', async () => {
    const verdict = aVerdict('accept');
    const records = [aRecord({ verdict, pendingEffect: { action: 'accept', attempts: 1 } })];
    const env = createTestEnv({ services, records });
    await decideConnections([aRequest()], env.deps);
    expect(env.applyRequests).toEqual([]);
  });

  test('is decided again when the policy behind its verdict changes', async () => {
    const env = createTestEnv({ services });
    await decideConnections([aRequest()], env.deps);
    env.put(entryItem(anEntry({ effect: 'block' })));
    await decideConnections([aRequest()], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
    expect(await env.actions(endpointId(1))).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
    ]);
  });

  test('that a person approved stays approved when the policy changes to ask', async () => {
    const env = createTestEnv({ services });
    await decideConnection(aRequest(), env.deps, { decision: anApproval() });
    env.put(entryItem(anEntry({ endpointIds: [endpointId(9)] })));
    await decideConnections([aRequest()], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'accept', decidedBy: alice },
    });
  });
});

describe('a connection that somebody accepted or rejected before linkgate saw it', () => {
  test('gets a pending reject if it is connected and its account is blocked', async () => {
    const env = createTestEnv({ services, entries: [anEntry({ effect: 'block' })] });
    await decideConnections([live], env.deps);
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({ state: 'available', verdict: { outcome: 'reject' } });
    expect(record).toMatchObject({ pendingEffect: { action: 'reject' }, revocation: { cause: 'block' } });
    expect(env.applyRequests).toHaveLength(1);
    expect(await env.actions(endpointId(1))).toEqual(['requested', 'observed', 'disconnect-scheduled']);
  });

  test('gets a verdict and no pending effect if it is rejected', async () => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    await decideConnections([aRequest({ state: 'rejected' })], env.deps);
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({ state: 'rejected', verdict: { outcome: 'accept' } });
    expect(record).not.toHaveProperty('pendingEffect');
    expect(env.applyRequests).toEqual([]);
    expect(await env.actions(endpointId(1))).toEqual(['requested', 'observed', 'decided']);
  });

  test('is not decided while its record still shows it pending acceptance', async () => {
    const env = createTestEnv({ services });
    await decideConnections([aRequest()], env.deps);
    env.put(entryItem(anEntry({ effect: 'block' })));
    await decideConnections([live], env.deps);
    const record = await env.record(endpointId(1));
    expect(record).toMatchObject({ verdict: { outcome: 'ask' } });
    expect(record).not.toHaveProperty('pendingEffect');
  });

  test('needs approval once if it is connected, however often the event arrives', async () => {
    const env = createTestEnv({ services });
    await decideConnections([live], env.deps);
    await decideConnections([live], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' }, version: 1 });
  });

  test.each([
    { state: 'available', endpoints: [endpointId(1)] },
    { state: 'rejected', endpoints: [] },
  ] as const)(
    'counts towards the endpoint quota of its account only if it is connected: $state, $endpoints',
    async ({ state, endpoints }) => {
      const env = createTestEnv({ services, entries: [anEntry({ maxEndpoints: 2 })] });
      await decideConnections([aRequest({ state })], env.deps);
      expect(await readCounted(env)).toEqual(endpoints);
    },
  );
});

describe('after the switch back to mode `enforce`', () => {
  test('a connection that somebody accepted against its verdict needs approval', async () => {
    const { acceptRequestedAt: _acceptRequestedAt, ...othersAccepted } = aConnectionToDisconnect;
    const env = createTestEnv({ services, records: [othersAccepted] });
    env.put(modeChangeItem(aModeChange()));
    await decideConnections([live], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
    expect(await env.record(endpointId(1))).not.toHaveProperty('pendingEffect');
  });

  test('a connection that linkgate accepted late against its verdict is decided again and still disconnected', async () => {
    const env = createTestEnv({
      services,
      entries: [anEntry({ effect: 'block' })],
      records: [aConnectionToDisconnect],
    });
    env.put(modeChangeItem(aModeChange()));
    await decideConnections([live], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      verdict: { outcome: 'reject', policyVersions: { mode: 1 } },
      pendingEffect: { action: 'reject' },
    });
  });
});

describe('a connection that linkgate accepted late against its verdict', () => {
  const paused = aService({ pausedAt: noon.toISOString(), policyRevision: 2 });
  const resumed = aService({ policyRevision: 3 });

  test('keeps its pending disconnect while the service is paused, and is disconnected by policy once it resumes', async () => {
    const entries = [anEntry({ effect: 'block' })];
    const env = createTestEnv({ services: [paused], entries, records: [aConnectionToDisconnect] });
    expect(await decideConnection(live, env.deps)).toMatchObject({
      outcome: 'hold',
      record: { pendingEffect: { action: 'reject' } },
    });
    env.put(serviceItem(resumed));
    expect(await decideConnection(live, env.deps)).toMatchObject({
      outcome: 'reject',
      record: { pendingEffect: { action: 'reject' } },
    });
  });

  test.each([
    { policy: 'asks a person', onUnlisted: 'ask' },
    { policy: 'puts it on hold', onUnlisted: 'hold' },
  ] as const)('stays connected if the policy now $policy', async ({ onUnlisted }) => {
    const env = createTestEnv({
      services: [aService({ onUnlisted, policyRevision: 2 })],
      records: [aConnectionToDisconnect],
    });
    await decideConnection(live, env.deps);
    expect(await env.record(endpointId(1))).not.toHaveProperty('pendingEffect');
  });
});

describe('a batch of requests', () => {
  test('is decided in one transaction, and enqueues its location for apply-verdicts once', async () => {
    const env = createTestEnv({ services, entries: [anEntry()] });
    const requests = [1, 2, 3].map((number) => aRequest({ endpointId: endpointId(number) }));
    let transactions = 0;
    const table = createRacingTable(env, 3, () => transactions++);
    await decideConnections(requests, { ...env.deps, table });
    expect(transactions).toBe(1);
    expect(await env.record(endpointId(3))).toMatchObject({ pendingEffect: { action: 'accept' } });
    expect(env.applyRequests).toEqual([location]);
  });

  test('is decided request by request: one with an unreadable service is on hold, and the others are decided', async () => {
    const other = aRequest({ endpointId: endpointId(2), serviceId: serviceId(2) });
    const broken = { ...serviceItem(aService({ serviceId: serviceId(2) })), onUnlisted: 'perhaps' };
    const env = createTestEnv({ services, entries: [anEntry()] });
    env.put(broken);
    const results = await decideConnections([other, aRequest()], env.deps);
    expect(results).toMatchObject([
      {
        input: other,
        output: {
          outcome: 'hold',
          record: {
            verdict: {
              findings: [
                {
                  rule: 'item-is-unreadable',
                  reason: expect.stringContaining(`\`SERVICE\` \`${serviceId(2)}\``),
                },
              ],
            },
          },
        },
      },
      { output: { outcome: 'accept' } },
    ]);
  });
});

describe('a decision', () => {
  const broken: Rule = {
    name: 'is-broken',
    evaluate() {
      throw new TypeError('no such field');
    },
  };
  const until = secondsAfterNoon(60).toISOString();
  const holding: Rule = { name: 'holds', evaluate: () => ({ outcome: 'hold', reason: 'not yet', until }) };

  test('reports a rule that failed once, and no rule that only holds', async () => {
    const env = createTestEnv({ services });
    env.deps.rules = [broken, holding];
    const first = await decideConnection(aRequest(), env.deps);
    expect(failedRules(first)).toMatchObject([{ rule: 'is-broken', failed: true }]);
    expect(failedRules(await decideConnection(aRequest(), env.deps))).toEqual([]);
    expect(failedRules({ outcome: 'unregistered' })).toEqual([]);
  });

  test('is logged with its outcome, and with the findings if there is a verdict', async () => {
    const env = createTestEnv({ services });
    expect(decisionLogFields(await decideConnection(aRequest(), env.deps))).toMatchObject({
      outcome: 'ask',
      findings: [{ rule: 'account-is-not-listed' }],
    });
    const record = aRecord({ verdict: aVerdict('accept') });
    expect(decisionLogFields({ outcome: 'passed', record })).toEqual({ outcome: 'passed' });
  });
});

describe('a concurrent change of the record', () => {
  test('makes linkgate decide again on the newer record', async () => {
    const env = createTestEnv({ services });
    const table = createRacingTable(env, 1, () => env.put({ ...entryItem(anEntry()) }, ...recordOfAsk()));
    expect(await decideConnection(aRequest(), { ...env.deps, table })).toMatchObject({ outcome: 'accept' });
  });

  test('on every retry ends the decision with an error', async () => {
    const env = createTestEnv({ services });
    const table: Table = { ...env.table, write: async () => false };
    await expect(decideConnection(aRequest(), { ...env.deps, table })).rejects.toThrow(OptimisticLockError);
  });

  function recordOfAsk() {
    const { verdict, ...record } = aRecord({ version: 1 });
    return [{ ...record, pk: 'CONNECTION#1', sk: endpointId(1), schemaVersion: '1.0' }];
  }
});

describe('an entry with an endpoint limit', () => {
  const entries = [anEntry({ maxEndpoints: 2, version: 3 })];
  const requests = [1, 2, 3].map((number) => aRequest({ endpointId: endpointId(number) }));

  test('accepts no more than the limit when all endpoints arrive at once', async () => {
    const env = createTestEnv({ services, entries, connections: requests });
    const results = await decideConnections(requests, env.deps);
    const outcomes = results.map((result) => 'output' in result && result.output.outcome);
    expect(outcomes.sort()).toEqual(['accept', 'accept', 'ask']);
    expect(await readCounted(env)).toHaveLength(2);
  });

  test('counts endpoints that were connected before the entry had a limit', async () => {
    const connected = aRequest({ endpointId: endpointId(8), state: 'available' });
    const env = createTestEnv({ services, entries, connections: [connected, ...requests] });
    await decideConnections(requests, env.deps);
    expect(await readCounted(env)).toEqual([endpointId(8), expect.any(String)]);
  });

  test('does not count endpoints of other accounts or services', async () => {
    const otherAccount = aRequest({
      endpointId: endpointId(8),
      ownerAccountId: '333333333333',
      state: 'available',
    });
    const otherService = aRequest({ endpointId: endpointId(9), serviceId: serviceId(2), state: 'available' });
    const env = createTestEnv({ services, entries, connections: [otherAccount, otherService, ...requests] });
    await decideConnections(requests.slice(0, 1), env.deps);
    expect(await readCounted(env)).toEqual([endpointId(1)]);
    expect(env.ec2.describeCalls).toEqual([{ serviceIds: [serviceId(1)], ownerAccountId: consumer }]);
  });
});
