import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import { submitDecision } from '../../lib/approvals/submit-decision.ts';
import {
  type EndpointQuota,
  endpointQuotaKey,
  quotaWrite,
  readEndpointQuota,
} from '../../lib/policy/endpoint-quota.ts';
import { isConnected } from '../../lib/privatelink/connection.ts';
import { decideConnections } from '../../lib/reconcile/decide-connections.ts';
import { detectChanges } from '../../lib/reconcile/detect-changes.ts';
import { affectedScope, reevaluateConnections } from '../../lib/reconcile/reevaluate.ts';
import { serviceItem } from '../../lib/services/service.ts';
import {
  aConnection,
  alice,
  anEntry,
  aRequest,
  aService,
  consumer,
  endpointId,
  hub,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { createRevocationTestEnv, processQueues, sweep } from './connected/fixtures.ts';

const createEndpoint = (number: number) =>
  aConnection({ endpointId: endpointId(number), requestedAt: secondsAfterNoon(number).toISOString() });
const [first, second, third] = [createEndpoint(1), createEndpoint(2), createEndpoint(3)];

/** The first endpoint is connected, and the limit is one: the others wait. */
async function createEnvWithFullQuota({ waiting = [second, third] } = {}): Promise<TestEnv> {
  const entries = [anEntry({ maxEndpoints: 1 })];
  const env = await createRevocationTestEnv({ entries, connections: [first] });
  for (const connection of waiting) {
    env.ec2.show(connection);
    env.advanceSeconds(1);
    await sweep(env, 'pending');
  }
  return env;
}

/** Deletes an endpoint, and handles the notification. */
async function deleteEndpoint(env: TestEnv, connection = first) {
  const deletedConnection = { ...connection, state: 'deleted' } as const;
  env.ec2.show(deletedConnection);
  await detectChanges([deletedConnection], env.deps);
  await processQueues(env);
}

function listConnected(env: TestEnv): string[] {
  return [first, second, third]
    .map(({ endpointId: id }) => id)
    .filter((id) => isConnected(env.ec2.state(id) ?? 'deleted'));
}

async function readQuota(env: TestEnv): Promise<EndpointQuota> {
  const [item] = await env.table.get([endpointQuotaKey(aRequest())]);
  if (!item) throw new Error('nothing counts');
  return readEndpointQuota(item);
}

describe('a request over the endpoint limit of its account', () => {
  test('is accepted by the next pending sweep after an older endpoint was deleted', async () => {
    const env = await createEnvWithFullQuota({ waiting: [second] });
    await deleteEndpoint(env);
    expect(listConnected(env)).toEqual([]);
    await sweep(env, 'pending');
    expect(listConnected(env)).toEqual([second.endpointId]);
    expect(await env.actions(second.endpointId)).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'decided',
      'applying',
      'applied',
    ]);
  });

  test.each<[string, (env: TestEnv) => Promise<unknown>]>([
    [
      'as soon as the deletion of an older endpoint changes the endpoint quota',
      async (env) => {
        await deleteEndpoint(env);
        await reevaluateConnections({ serviceId: serviceId(1), ownerAccountId: consumer }, env.deps);
        await processQueues(env);
      },
    ],
    [
      'by the full sweep that no longer finds an older endpoint, if no notification of its deletion arrived',
      async (env) => {
        env.ec2.removeConnection(first.endpointId);
        env.advanceSeconds(600);
        await sweep(env, 'full');
      },
    ],
    [
      'when an older endpoint is rejected in EC2',
      async (env) => {
        env.ec2.show({ ...first, state: 'rejected' });
        await sweep(env, 'full');
        await sweep(env, 'pending');
      },
    ],
  ])('is accepted %s', async (_when, end) => {
    const env = await createEnvWithFullQuota({ waiting: [second] });
    await end(env);
    expect(listConnected(env)).toEqual([second.endpointId]);
  });
});

describe('of several requests that wait for the endpoint quota', () => {
  test('the earliest is accepted first, in whatever order they are decided', async () => {
    const env = await createEnvWithFullQuota();
    await deleteEndpoint(env);
    await decideConnections([third], env.deps);
    await decideConnections([second], env.deps);
    await processQueues(env);
    expect(listConnected(env)).toEqual([second.endpointId]);
    expect((await env.record(third.endpointId))?.verdict).toMatchObject({ outcome: 'ask' });
  });

  test('the earliest are accepted when the limit of the entry is raised', async () => {
    const env = await createEnvWithFullQuota();
    env.put(entryItem(anEntry({ maxEndpoints: 2, version: 2 })));
    for (const request of [third, second]) await decideConnections([request], env.deps);
    await sweep(env, 'full');
    expect(listConnected(env)).toEqual([first, second].map(({ endpointId: id }) => id));
  });

  test('none is accepted later than a newer request after an endpoint was deleted', async () => {
    const env = await createEnvWithFullQuota({ waiting: [second] });
    await deleteEndpoint(env);
    env.ec2.show(third);
    await decideConnections([third], env.deps);
    expect((await env.record(third.endpointId))?.verdict).toMatchObject({ outcome: 'ask' });
    await sweep(env, 'pending');
    expect(listConnected(env)).toEqual([second.endpointId]);
  });

  test('one that a person approved no longer delays the later ones', async () => {
    const env = await createEnvWithFullQuota();
    await submitDecision(second.endpointId, { decision: 'approve', by: alice }, env.deps);
    await sweep(env, 'pending');
    expect((await readQuota(env)).heldBack).toMatchObject([{ endpointId: third.endpointId }]);
    await deleteEndpoint(env);
    await deleteEndpoint(env, second);
    await sweep(env, 'pending');
    expect(listConnected(env)).toEqual([third.endpointId]);
  });

  test.each([
    [
      'was denied',
      (env: TestEnv) =>
        submitDecision(second.endpointId, { decision: 'deny', by: alice, reason: 'no' }, env.deps),
    ],
    ['was deleted', (env: TestEnv) => deleteEndpoint(env, second)],
  ])('one that %s no longer delays the later ones', async (_what, end) => {
    const env = await createEnvWithFullQuota();
    await end(env);
    await processQueues(env);
    await deleteEndpoint(env);
    await sweep(env, 'pending');
    expect(listConnected(env)).toEqual([third.endpointId]);
  });

  test('one whose events were lost delays the later ones until the next full sweep at most', async () => {
    const env = await createEnvWithFullQuota();
    env.ec2.removeConnection(second.endpointId);
    await deleteEndpoint(env);
    await sweep(env, 'pending');
    expect(listConnected(env)).toEqual([]);
    env.advanceSeconds(600);
    await sweep(env, 'full');
    expect(listConnected(env)).toEqual([third.endpointId]);
  });

  test('one is decided once, however many events arrive while there is no quota', async () => {
    const env = await createEnvWithFullQuota({ waiting: [second] });
    await decideConnections([second, second], env.deps);
    await sweep(env, 'full');
    expect(await env.actions(second.endpointId)).toEqual(['requested', 'decided', 'approval-requested']);
  });

  test('each waits while its service is paused', async () => {
    const env = await createEnvWithFullQuota({ waiting: [second] });
    const paused = aService({ pausedAt: noon.toISOString(), pausedBy: alice, policyRevision: 2, version: 2 });
    env.put(serviceItem(paused));
    await deleteEndpoint(env);
    await sweep(env, 'full');
    expect(listConnected(env)).toEqual([]);
  });
});

test('a full sweep adds the waiting requests to an endpoint quota that lost them', async () => {
  const env = await createEnvWithFullQuota();
  const { heldBack, ...withoutHeldBack } = await readQuota(env);
  await env.table.write([quotaWrite(withoutHeldBack, withoutHeldBack)]);
  await sweep(env, 'full');
  expect((await readQuota(env)).heldBack).toEqual(heldBack);
});

describe('an endpoint quota', () => {
  const quota = {
    location: hub,
    serviceId: serviceId(1),
    ownerAccountId: consumer,
    endpointIds: [first.endpointId],
    entryVersion: 1,
    version: 1,
  };
  const { endpointId: id, requestedAt } = second;
  const heldBack = [{ endpointId: id, requestedAt }];
  const createItem = (changed: EndpointQuota) => {
    const write = quotaWrite(changed, changed);
    return 'put' in write ? write.put : undefined;
  };

  test('that loses an endpoint has its waiting requests decided again', () => {
    const scope = { serviceId: serviceId(1), ownerAccountId: consumer };
    expect(
      affectedScope(createItem({ ...quota, heldBack }), createItem({ ...quota, endpointIds: [], heldBack })),
    ).toEqual(scope);
  });

  test.each([
    ['loses an endpoint while no request waits', quota, { ...quota, endpointIds: [] }],
    [
      'gains an endpoint',
      { ...quota, heldBack },
      { ...quota, endpointIds: [first.endpointId, third.endpointId], heldBack },
    ],
    ['gains a waiting request', quota, { ...quota, heldBack }],
    [
      'counts a request that waited',
      { ...quota, endpointIds: [], heldBack },
      { ...quota, endpointIds: [id], heldBack: [] },
    ],
  ])('that %s has no request decided again', (_what, before, after) => {
    expect(affectedScope(createItem(before), createItem(after))).toBeUndefined();
  });

  test('that is new has no request decided again', () => {
    expect(affectedScope(undefined, createItem({ ...quota, heldBack }))).toBeUndefined();
  });
});
