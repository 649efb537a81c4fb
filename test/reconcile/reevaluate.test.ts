import { describe, expect, test } from '@jest/globals';
import { entryItem } from '../../lib/allowlist/entry.ts';
import {
  affectedScope,
  affectedScopes,
  coalesceScopes,
  reevaluateConnections,
} from '../../lib/reconcile/reevaluate.ts';
import { serviceItem } from '../../lib/services/service.ts';
import {
  aConnection,
  anApprovalRequest,
  anEntry,
  aRecord,
  aService,
  aVerdict,
  consumer,
  endpointId,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

describe('a change of policy affects', () => {
  test('all requests of a service whose settings change', () => {
    const item = serviceItem(aService());
    expect(affectedScope(item, serviceItem(aService({ policyRevision: 2, version: 2 })))).toEqual({
      serviceId: serviceId(1),
    });
  });

  test('the requests that await approval at a service that is deregistered', () => {
    expect(affectedScope(serviceItem(aService()), undefined)).toEqual({
      serviceId: serviceId(1),
      isDeregistered: true,
    });
  });

  test('the same requests if only a newer version of linkgate can read the item', () => {
    const changes = [
      { before: undefined, after: { ...serviceItem(aService()), schemaVersion: '2.0' } },
      { before: undefined, after: entryItem(anEntry()) },
    ];
    expect(affectedScopes(changes).map(({ scope }) => scope)).toEqual([
      { serviceId: serviceId(1) },
      { serviceId: serviceId(1), ownerAccountId: consumer },
    ]);
  });

  test('nothing if no decision depends on the item', () => {
    expect(affectedScope(undefined, { pk: 'JOB#1', sk: 'JOB', version: 1 })).toBeUndefined();
    expect(affectedScope(undefined, undefined)).toBeUndefined();
  });
});

describe('the requests that a change of policy affects', () => {
  const services = [aService(), aService({ serviceId: serviceId(2), name: 'other' })];
  const connections = [
    aConnection(),
    aConnection({ endpointId: endpointId(2), ownerAccountId: '333333333333' }),
    aConnection({ endpointId: endpointId(3), serviceId: serviceId(2) }),
    aConnection({ endpointId: endpointId(4), state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' }),
  ];
  const records = connections.map((connection) =>
    aRecord({ ...connection, verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() }),
  );
  const entries = [anEntry({ serviceId: '*', effect: 'block', version: 5 })];

  async function reevaluate(scope: Parameters<typeof reevaluateConnections>[0]) {
    const env = createTestEnv({ services, connections, records, entries });
    await reevaluateConnections(scope, env.deps);
    return env.published.map(({ connection }) => connection.endpointId);
  }

  test('are published if their verdicts have other policy versions', async () => {
    expect(await reevaluate({ serviceId: serviceId(1), ownerAccountId: consumer })).toEqual(
      [1, 4].map(endpointId),
    );
  });

  test('are those of every service if an entry for `*` changes', async () => {
    expect(await reevaluate({ serviceId: '*', ownerAccountId: consumer })).toEqual([
      endpointId(1),
      endpointId(3),
      endpointId(4),
    ]);
  });

  test('include the connections of the service if it is new', async () => {
    const env = createTestEnv({ services, connections });
    await reevaluateConnections({ serviceId: serviceId(1) }, env.deps);
    expect(env.published).toMatchObject([
      { type: 'Connection Request' },
      { type: 'Connection Request' },
      { type: 'Connection Changed', connection: { endpointId: endpointId(4) } },
    ]);
  });

  test('are not published if their verdicts have the current policy versions', async () => {
    expect(await reevaluate({ serviceId: serviceId(1), ownerAccountId: '333333333333' })).toEqual([]);
  });

  test('are those that await approval if the service is deregistered', async () => {
    const env = createTestEnv({ records, connections });
    await reevaluateConnections({ serviceId: serviceId(1), isDeregistered: true }, env.deps);
    expect(env.published.map(({ connection }) => connection.endpointId)).toEqual([1, 2].map(endpointId));
    expect(env.ec2.describeCalls).toEqual([]);
  });

  test('are none if the service is not registered', async () => {
    expect(await reevaluate({ serviceId: serviceId(9), ownerAccountId: consumer })).toEqual([]);
  });
});

describe('many changes of policy', () => {
  const account = (number: number) => String(200_000_000_000 + number);
  const entry = (number: number, at = serviceId(1)) => ({
    scope: { serviceId: at, ownerAccountId: account(number) },
    sequenceNumber: `${at} ${number}`,
  });
  const looks = (changes: Parameters<typeof coalesceScopes>[0]) =>
    coalesceScopes(changes).map(({ scope }) => scope);

  test('for one account need one query', () => {
    expect(looks([entry(1), entry(1), entry(2)])).toEqual([entry(1).scope, entry(2).scope]);
  });

  test('for many accounts of a service need one query for the service', () => {
    expect(looks([1, 2, 3, 4].map((number) => entry(number)))).toEqual([{ serviceId: serviceId(1) }]);
  });

  test('of a service and its accounts need one query for the service', () => {
    expect(looks([entry(1), { scope: { serviceId: serviceId(1) } }])).toEqual([{ serviceId: serviceId(1) }]);
  });

  test('for many accounts at every service need one query for everything, whatever else changed', () => {
    const changes = [entry(9, serviceId(2)), ...[1, 2, 3, 4].map((number) => entry(number, '*'))];
    expect(looks(changes)).toEqual([{ serviceId: '*' }]);
    expect(coalesceScopes(changes)[0]?.first).toBe(changes[0]);
  });

  test('of a deregistered service need a query of their own', () => {
    const deregistered = { scope: { serviceId: serviceId(1), isDeregistered: true } };
    expect(looks([deregistered, deregistered, ...[1, 2, 3, 4].map((number) => entry(number, '*'))])).toEqual([
      deregistered.scope,
      { serviceId: '*' },
    ]);
  });

  test('are processed in the order in which they occurred, so that none is lost if one fails', () => {
    const changes = [entry(1), entry(1, serviceId(2)), entry(2), entry(2, serviceId(2))];
    expect(coalesceScopes(changes).map(({ first }) => first)).toEqual(changes);
  });

  test('of a batch of 100 changes at seven services need at most seven queries', () => {
    const batch = Array.from({ length: 100 }, (_, index) => entry(index, serviceId(index % 7)));
    expect(coalesceScopes(batch).length).toBeLessThanOrEqual(7);
  });
});
