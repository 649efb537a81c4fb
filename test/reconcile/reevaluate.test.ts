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

describe('a change concerns', () => {
  test('the requests of its account at its service, where an entry was added, changed or removed', () => {
    const scope = { serviceId: serviceId(1), ownerAccountId: consumer };
    const item = entryItem(anEntry());
    expect(affectedScope(undefined, item)).toEqual(scope);
    expect(affectedScope(item, entryItem(anEntry({ effect: 'block', version: 2 })))).toEqual(scope);
    expect(affectedScope(item, undefined)).toEqual(scope);
  });

  test('all connections of a service, where it was registered', () => {
    const item = serviceItem(aService());
    expect(affectedScope(undefined, item)).toEqual({ serviceId: serviceId(1) });
  });

  test('all requests of a service, where what decisions rest on changed', () => {
    const item = serviceItem(aService());
    expect(affectedScope(item, serviceItem(aService({ policyRevision: 2, version: 2 })))).toEqual({
      serviceId: serviceId(1),
    });
  });

  test('what people were asked about at a service, where it was taken out', () => {
    expect(affectedScope(serviceItem(aService()), undefined)).toEqual({
      serviceId: serviceId(1),
      isGone: true,
    });
  });

  test('nobody, where a service was only checked', () => {
    expect(affectedScope(serviceItem(aService()), serviceItem(aService({ version: 2 })))).toBeUndefined();
  });

  test('its own requests, also where only a newer version can read what changed', () => {
    const changes = [
      { before: undefined, after: { ...serviceItem(aService()), schemaVersion: '2.0' } },
      { before: undefined, after: entryItem(anEntry()) },
    ];
    expect(affectedScopes(changes).map(({ scope }) => scope)).toEqual([
      { serviceId: serviceId(1) },
      { serviceId: serviceId(1), ownerAccountId: consumer },
    ]);
  });

  test('nobody, where something else changed', () => {
    expect(affectedScope(undefined, { pk: 'JOB#1', sk: 'JOB', version: 1 })).toBeUndefined();
    expect(affectedScope(undefined, undefined)).toBeUndefined();
  });
});

describe('the requests that a change concerns', () => {
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

  async function reviewed(scope: Parameters<typeof reevaluateConnections>[0]) {
    const env = createTestEnv({ services, connections, records, entries });
    await reevaluateConnections(scope, env.deps);
    return env.published.map(({ connection }) => connection.endpointId);
  }

  test('are handed over where their verdicts rest on something else', async () => {
    expect(await reviewed({ serviceId: serviceId(1), ownerAccountId: consumer })).toEqual(
      [1, 4].map(endpointId),
    );
  });

  test('are those of every service, where an entry for `*` changed', async () => {
    expect(await reviewed({ serviceId: '*', ownerAccountId: consumer })).toEqual([
      endpointId(1),
      endpointId(3),
      endpointId(4),
    ]);
  });

  test('are told of with what lives already, where the service is new', async () => {
    const env = createTestEnv({ services, connections });
    await reevaluateConnections({ serviceId: serviceId(1) }, env.deps);
    expect(env.published).toMatchObject([
      { type: 'Connection Request' },
      { type: 'Connection Request' },
      { type: 'Connection Changed', connection: { endpointId: endpointId(4) } },
    ]);
  });

  test('are left alone where their verdicts rest on what is there', async () => {
    expect(await reviewed({ serviceId: serviceId(1), ownerAccountId: '333333333333' })).toEqual([]);
  });

  test('are those that people were asked about, where the service was taken out', async () => {
    const env = createTestEnv({ records, connections });
    await reevaluateConnections({ serviceId: serviceId(1), isDeregistered: true }, env.deps);
    expect(env.published.map(({ connection }) => connection.endpointId)).toEqual([1, 2].map(endpointId));
    expect(env.ec2.describeCalls).toEqual([]);
  });

  test('are none where the service is not registered', async () => {
    expect(await reviewed({ serviceId: serviceId(9), ownerAccountId: consumer })).toEqual([]);
  });
});

describe('many changes', () => {
  const account = (number: number) => String(200_000_000_000 + number);
  const entry = (number: number, at = serviceId(1)) => ({
    scope: { serviceId: at, ownerAccountId: account(number) },
    sequenceNumber: `${at} ${number}`,
  });
  const looks = (changes: Parameters<typeof coalesceScopes>[0]) =>
    coalesceScopes(changes).map(({ scope }) => scope);

  test('of one account are one look at it', () => {
    expect(looks([entry(1), entry(1), entry(2)])).toEqual([entry(1).scope, entry(2).scope]);
  });

  test('of many accounts of a service are one look at the service', () => {
    expect(looks([1, 2, 3, 4].map((number) => entry(number)))).toEqual([{ serviceId: serviceId(1) }]);
  });

  test('of a service and its accounts are one look at the service', () => {
    expect(looks([entry(1), { scope: { serviceId: serviceId(1) } }])).toEqual([{ serviceId: serviceId(1) }]);
  });

  test('of many accounts at every service are one look at everything, whatever else changed', () => {
    const changes = [entry(9, serviceId(2)), ...[1, 2, 3, 4].map((number) => entry(number, '*'))];
    expect(looks(changes)).toEqual([{ serviceId: '*' }]);
    expect(coalesceScopes(changes)[0]?.first).toBe(changes[0]);
  });

  test('leave alone what was taken out', () => {
    const gone = { scope: { serviceId: serviceId(1), isGone: true } };
    expect(looks([gone, gone, ...[1, 2, 3, 4].map((number) => entry(number, '*'))])).toEqual([
      gone.scope,
      { serviceId: '*' },
    ]);
  });

  test('are looked at in the order of their first changes, so that none is lost where one fails', () => {
    const changes = [entry(1), entry(1, serviceId(2)), entry(2), entry(2, serviceId(2))];
    expect(coalesceScopes(changes).map(({ first }) => first)).toEqual(changes);
  });

  test('of a whole batch are no more looks than three a service', () => {
    const batch = Array.from({ length: 100 }, (_, index) => entry(index, serviceId(index % 7)));
    expect(coalesceScopes(batch).length).toBeLessThanOrEqual(7);
  });
});
