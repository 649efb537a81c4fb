import { describe, expect, test } from '@jest/globals';
import { endpointQuotaKey, quotaWrite, readEndpointQuota } from '../../lib/policy/endpoint-quota.ts';
import { recordStates } from '../../lib/reconcile/record-states.ts';
import { OptimisticLockError } from '../../lib/storage/optimistic-lock.ts';
import { aConnection, aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const services = [aService()];
const accepting = aRecord({ verdict: aVerdict('accept'), effect: { action: 'accept', asked: 1 } });
const pending = aConnection({ state: 'pending' });

/** The event that tells of a connection beside what was remembered of it. */
function changed(connection = pending, record: typeof accepting | null = accepting) {
  return {
    type: 'Connection Changed' as const,
    connection,
    observedAt: noon.toISOString(),
    ...(record && { record }),
  };
}

describe('what EC2 is seen to show', () => {
  test('is written down: an acceptance is applied, and nothing is due any more', async () => {
    const world = createTestEnv({ services, records: [accepting] });
    const [result] = await recordStates([changed()], world.deps);
    expect(result).toMatchObject({ output: ['applied'] });
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'pending', version: 2 });
    expect(await world.actions(endpointId(1))).toEqual(['applied']);
    for await (const due of world.table.query('PENDING_EFFECT#111111111111/us-east-1'))
      expect(due).toEqual([]);
  });

  test('and told twice is written down once', async () => {
    const world = createTestEnv({ services, records: [accepting] });
    await recordStates([changed()], world.deps);
    const [again] = await recordStates([changed()], world.deps);
    expect(again).toMatchObject({ output: [] });
    expect(await world.actions(endpointId(1))).toEqual(['applied']);
  });

  test('for the first time is observed, where its service is registered', async () => {
    const world = createTestEnv({ services });
    await recordStates([changed(pending, null)], world.deps);
    expect(await world.actions(endpointId(1))).toEqual(['observed']);
  });

  test('for the first time at a service that is not registered is nobody’s business', async () => {
    const world = createTestEnv();
    await recordStates([changed(pending, null)], world.deps);
    expect(await world.record(endpointId(1))).toBeUndefined();
  });
});

describe('where the record moved on since it was observed', () => {
  test('what is there now counts', async () => {
    const newer = aRecord({
      ...accepting,
      version: 2,
      verdict: aVerdict('reject'),
      effect: { action: 'reject', asked: 0 },
      acceptRequestedAt: noon.toISOString(),
    });
    const world = createTestEnv({ services, records: [newer] });
    await recordStates([changed()], world.deps);
    expect(await world.record(endpointId(1))).toMatchObject({
      state: 'pending',
      effect: { action: 'reject' },
    });
  });

  test('to what was seen in EC2 after that, nothing changes', async () => {
    const observedAt = secondsAfterNoon(1).toISOString();
    const world = createTestEnv({
      services,
      records: [aRecord({ state: 'available', observedAt, version: 2 })],
    });
    const [result] = await recordStates([changed()], world.deps);
    expect(result).toMatchObject({ output: [] });
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'available', version: 2 });
  });

  test('and never holds still, the event is given back, and stops no other', async () => {
    const world = createTestEnv({ services, records: [accepting] });
    const table = { ...world.table, write: async () => false };
    const unknown = changed(aConnection({ state: 'deleted', endpointId: endpointId(2) }), null);
    const results = await recordStates([changed(), unknown], { ...world.deps, table });
    expect(results).toMatchObject([{ error: expect.any(OptimisticLockError) }, { output: [] }]);
  });
});

describe('an endpoint that counts', () => {
  const counting = {
    serviceId: aConnection().serviceId,
    accountId: aConnection().ownerAccountId,
    endpointIds: [endpointId(1), endpointId(2)],
    entryVersion: 1,
    version: 0,
  };
  const live = aRecord({ state: 'available', counted: true });

  async function countedAfter(state: 'deleted' | 'rejected' | 'deleting') {
    const world = createTestEnv({ services, records: [live] });
    await world.table.write([quotaWrite(aConnection(), undefined, counting)]);
    await recordStates([changed(aConnection({ state }), live)], world.deps);
    const [item] = await world.table.get([endpointQuotaKey(aConnection())]);
    return item && readEndpointQuota(item).endpointIds;
  }

  test.each(['deleted', 'rejected'] as const)('counts no longer once EC2 shows it %s', async (state) => {
    expect(await countedAfter(state)).toEqual([endpointId(2)]);
  });

  test('still counts while EC2 is deleting it', async () => {
    expect(await countedAfter('deleting')).toEqual([endpointId(1), endpointId(2)]);
  });
});

test('an endpoint that is gone is remembered as gone, with the time', async () => {
  const world = createTestEnv({ services, records: [accepting] });
  await recordStates([changed(aConnection({ state: 'deleted' }))], world.deps);
  expect(await world.record(endpointId(1))).toMatchObject({ state: 'deleted', endedAt: noon.toISOString() });
  expect(await world.actions(endpointId(1))).toEqual(['deleted']);
});
