import { describe, expect, test } from '@jest/globals';
import { recordKey } from '../../lib/connections/connection-record.ts';
import { endpointQuotaKey, quotaWrite, readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import type { Key, Write } from '../../lib/storage/table.ts';
import { aConnection, aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';

const services = [aService()];
const accepting = aRecord({ verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 1 } });
const pending = aConnection({ state: 'pending' });

/** The event of a connection, with its record. */
function createEvent(connection = pending, record: typeof accepting | null = accepting) {
  return {
    type: 'Connection Changed' as const,
    connection,
    observedAt: noon.toISOString(),
    ...(record && { record }),
  };
}

describe('a state that EC2 shows', () => {
  test('is recorded, and ends the pending effect once it shows the verdict', async () => {
    const env = createTestEnv({ services, records: [accepting] });
    const [result] = await recordStates([createEvent()], env.deps);
    expect(result).toMatchObject({ output: ['applied'] });
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'pending', version: 2 });
    expect(await env.actions(endpointId(1))).toEqual(['applied']);
    for await (const due of env.table.query('PENDING_EFFECT#111111111111/us-east-1')) expect(due).toEqual([]);
  });

  test('and that arrives twice is recorded once', async () => {
    const env = createTestEnv({ services, records: [accepting] });
    await recordStates([createEvent()], env.deps);
    const [again] = await recordStates([createEvent()], env.deps);
    expect(again).toMatchObject({ output: [] });
    expect(await env.actions(endpointId(1))).toEqual(['applied']);
  });

  test('of a connection without a record is recorded if its service is registered', async () => {
    const env = createTestEnv({ services });
    await recordStates([createEvent(pending, null)], env.deps);
    expect(await env.actions(endpointId(1))).toEqual(['observed']);
  });

  test('of a connection without a record is ignored if its service is not registered', async () => {
    const env = createTestEnv();
    await recordStates([createEvent(pending, null)], env.deps);
    expect(await env.record(endpointId(1))).toBeUndefined();
  });
});

describe('a batch of states', () => {
  const time = (seconds: number) => secondsAfterNoon(seconds).toISOString();

  /** Counts the reads and transactions of a run. */
  async function countCalls(env: TestEnv, events: Parameters<typeof recordStates>[0]) {
    const counts = { reads: 0, transactions: 0 };
    const table = {
      ...env.table,
      get: (keys: readonly Key[]) => {
        counts.reads++;
        return env.table.get(keys);
      },
      write: (writes: readonly Write[]) => {
        counts.transactions++;
        return env.table.write(writes);
      },
    };
    await recordStates(events, { ...env.deps, table });
    return counts;
  }

  const [first, second] = [1, 2].map((number) =>
    aRecord({
      ...accepting,
      endpointId: endpointId(number),
      pendingEffect: { action: 'accept', attempts: 1, lastAttemptAt: time(-1) },
    }),
  ) as [typeof accepting, typeof accepting];
  const reports = [first, second].map((record) =>
    createEvent(aConnection({ endpointId: record.endpointId, state: 'pending' }), record),
  );

  test('soon after their calls is one transaction without a read', async () => {
    const env = createTestEnv({ services, records: [first, second] });
    expect(await countCalls(env, reports)).toEqual({ reads: 0, transactions: 1 });
    expect(await env.actions(endpointId(2))).toEqual(['applied']);
  });

  test('that repeats what is recorded already is read, and not written', async () => {
    const env = createTestEnv({ services, records: [first, second] });
    await recordStates(reports, env.deps);
    const late = reports.map((event) => ({ ...event, observedAt: time(20) }));
    expect(await countCalls(env, late)).toEqual({ reads: 1, transactions: 0 });
  });

  test('of one connection is one transaction with the newest state and the audit entries of each', async () => {
    const env = createTestEnv({ services, records: [first] });
    const deleted = createEvent(aConnection({ state: 'deleted' }), null);
    const events = [{ ...deleted, observedAt: time(20) }, ...reports.slice(0, 1)];
    expect(await countCalls(env, events)).toEqual({ reads: 1, transactions: 1 });
    expect(await env.record(endpointId(1))).toMatchObject({
      state: 'deleted',
      observedAt: noon.toISOString(),
    });
    expect(await env.actions(endpointId(1))).toEqual(['applied', 'deleted']);
  });

  test('with an unreadable record records the others', async () => {
    const env = createTestEnv({ services, records: [first, second] });
    const { version: _version, ...unreadable } = first;
    await env.table.write([
      { put: { ...recordKey(first.endpointId), ...unreadable, schemaVersion: '9.0', version: 2 } },
    ]);
    const results = await recordStates(
      reports.map((event) => ({ ...event, observedAt: time(20) })),
      env.deps,
    );
    expect(results).toMatchObject([{ error: expect.any(Error) }, { output: ['applied'] }]);
  });
});

describe('a record that changed since the event was published', () => {
  test('is read again, and the newer one is updated', async () => {
    const newer = aRecord({
      ...accepting,
      version: 2,
      verdict: aVerdict('reject'),
      pendingEffect: { action: 'reject', attempts: 0 },
      acceptRequestedAt: noon.toISOString(),
    });
    const env = createTestEnv({ services, records: [newer] });
    await recordStates([createEvent()], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({
      state: 'pending',
      pendingEffect: { action: 'reject' },
    });
  });

  test('is not changed if it was observed later than the event', async () => {
    const observedAt = secondsAfterNoon(1).toISOString();
    const env = createTestEnv({
      services,
      records: [aRecord({ state: 'available', observedAt, version: 2 })],
    });
    const [result] = await recordStates([createEvent()], env.deps);
    expect(result).toMatchObject({ output: [] });
    expect(await env.record(endpointId(1))).toMatchObject({ state: 'available', version: 2 });
  });

  test('on every retry fails its event, and no other event', async () => {
    const env = createTestEnv({ services, records: [accepting] });
    const table = { ...env.table, write: async () => false };
    const unknown = createEvent(aConnection({ state: 'deleted', endpointId: endpointId(2) }), null);
    const results = await recordStates([createEvent(), unknown], { ...env.deps, table });
    expect(results).toMatchObject([{ error: expect.any(OptimisticLockError) }, { output: [] }]);
  });
});

describe('an endpoint that counts towards the quota', () => {
  const counting = {
    location: aConnection().location,
    serviceId: aConnection().serviceId,
    ownerAccountId: aConnection().ownerAccountId,
    endpointIds: [endpointId(1), endpointId(2)],
    entryVersion: 1,
    version: 0,
  };
  const live = aRecord({ state: 'available', countsTowardQuota: true });

  async function countedAfter(state: 'deleted' | 'rejected' | 'deleting') {
    const env = createTestEnv({ services, records: [live] });
    await env.table.write([quotaWrite(undefined, counting)]);
    await recordStates([createEvent(aConnection({ state }), live)], env.deps);
    expect(await env.record(endpointId(1))).toMatchObject({ countsTowardQuota: state === 'deleting' });
    const [item] = await env.table.get([endpointQuotaKey(aConnection())]);
    return item && readEndpointQuota(item).endpointIds;
  }

  test.each(['deleted', 'rejected'] as const)('no longer counts once EC2 shows it %s', async (state) => {
    expect(await countedAfter(state)).toEqual([endpointId(2)]);
  });

  test('still counts while EC2 shows it deleting', async () => {
    expect(await countedAfter('deleting')).toEqual([endpointId(1), endpointId(2)]);
  });
});
