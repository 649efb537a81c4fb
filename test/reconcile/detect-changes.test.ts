import { describe, expect, test } from '@jest/globals';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { addCounts, detectChanges, noChanges } from '../../lib/reconcile/detect-changes.ts';
import { connectionRules } from '../../rules/connection/index.ts';
import { aConnection, anEntry, aRecord, aService, aVerdict, endpointId, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const services = [aService()];

describe('a connection that EC2 shows', () => {
  test('is published as one event if it differs from its record', async () => {
    const env = createTestEnv({
      services,
      records: [aRecord({ endpointId: endpointId(2), state: 'pending' })],
    });
    const connections = [
      aConnection(),
      aConnection({ endpointId: endpointId(2), state: 'available' }),
      aConnection({ endpointId: endpointId(3), state: 'deleted' }),
    ];
    const observation = await detectChanges(connections, env.deps);
    expect(observation).toEqual({
      described: 3,
      decided: 1,
      changed: 1,
      waiting: 0,
      unregistered: 0,
      unreadable: 0,
    });
    expect(env.published.map(({ type, connection }) => [type, connection.endpointId])).toEqual([
      ['Connection Request', endpointId(1)],
      ['Connection Changed', endpointId(2)],
    ]);
  });

  test.each(['pending', 'available', 'rejected'] as const)(
    'as %s without a record is published as a request too, because somebody else accepted or rejected it',
    async (state) => {
      const env = createTestEnv({ services });
      expect(await detectChanges([aConnection({ state })], env.deps)).toMatchObject({
        decided: 1,
        changed: 0,
      });
      expect(env.published).toMatchObject([{ type: 'Connection Request', connection: { state } }]);
    },
  );

  test('is published as changed, and not as a request, if it was accepted before its service was registered', async () => {
    const env = createTestEnv({ services });
    const old = aConnection({ state: 'available', requestedAt: '2026-10-01T00:00:00.000Z' });
    expect(await detectChanges([old], env.deps)).toMatchObject({ decided: 0, changed: 1 });
  });

  test('is ignored at a service that is not registered', async () => {
    const env = createTestEnv({ services });
    const observation = await detectChanges([aConnection({ serviceId: serviceId(2) })], env.deps);
    expect(observation).toMatchObject({ described: 1, unregistered: 1, unreadable: 0, decided: 0 });
    expect(env.published).toEqual([]);
  });

  test('counts as waiting while a person has to decide, and not while linkgate has to call EC2', async () => {
    const records = [
      aRecord({ verdict: aVerdict('ask') }),
      aRecord({
        endpointId: endpointId(2),
        verdict: aVerdict('accept'),
        pendingEffect: { action: 'accept', attempts: 1 },
      }),
    ];
    const env = createTestEnv({ services, records });
    const observation = await detectChanges(
      [1, 2].map((n) => aConnection({ endpointId: endpointId(n) })),
      env.deps,
    );
    expect(observation).toMatchObject({ described: 2, waiting: 1, decided: 0 });
  });
});

test('an unreadable record is counted and reported, and the other connections are compared', async () => {
  const env = createTestEnv({ services });
  env.put({ ...recordItem(aRecord()), schemaVersion: '9.0' });
  const connections = [1, 2].map((number) => aConnection({ endpointId: endpointId(number) }));
  expect(await detectChanges(connections, env.deps)).toMatchObject({
    described: 2,
    decided: 1,
    unreadable: 1,
  });
  expect(env.published).toMatchObject([{ connection: { endpointId: endpointId(2) } }]);
  expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
});

describe('a verdict under an older policy version', () => {
  const records = [aRecord({ verdict: aVerdict('ask') })];
  const entries = [anEntry({ version: 5 })];

  test('is published as a request if the sweep compares versions', async () => {
    const env = createTestEnv({ services, records, entries });
    await detectChanges([aConnection()], env.deps, { recheckPolicy: { rules: connectionRules } });
    expect(env.published).toMatchObject([{ type: 'Connection Request' }]);
  });

  test('is not published if the sweep does not compare versions', async () => {
    const env = createTestEnv({ services, records, entries });
    expect(await detectChanges([aConnection()], env.deps)).toMatchObject({ waiting: 1, decided: 0 });
  });
});

test('the record of each connection is passed to the caller', async () => {
  const env = createTestEnv({ services, records: [aRecord()] });
  const endpointIds: string[] = [];
  const connections = [1, 2].map((number) => aConnection({ endpointId: endpointId(number) }));
  await detectChanges(connections, env.deps, { onRecord: (record) => endpointIds.push(record.endpointId) });
  expect(endpointIds).toEqual([endpointId(1)]);
});

test('the counts of two results are added up', () => {
  const counts = { ...noChanges(), described: 5, decided: 4, unreadable: 6 };
  const sum = { ...noChanges(), described: 10, decided: 8, unreadable: 12 };
  expect(addCounts(addCounts(noChanges(), counts), counts)).toEqual(sum);
});
