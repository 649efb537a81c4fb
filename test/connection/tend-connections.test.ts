import { describe, expect, test } from '@jest/globals';
import { countedKey, countedWrite, readCounted } from '../../lib/allowlist/counted-endpoints.ts';
import { tendConnections } from '../../lib/connection/tend-connections.ts';
import { ContendedError } from '../../lib/table/contention.ts';
import { aConnection, aRecord, aService, aVerdict, endpointId, noon, secondsAfterNoon } from '../builders.ts';
import { aWorld } from '../doubles/world.ts';

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
    const world = aWorld({ services, records: [accepting] });
    const [result] = await tendConnections([changed()], world.deps);
    expect(result).toMatchObject({ output: ['applied'] });
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'pending', version: 2 });
    expect(await world.actions(endpointId(1))).toEqual(['applied']);
    for await (const due of world.table.query('DUE#111111111111/us-east-1')) expect(due).toEqual([]);
  });

  test('and told twice is written down once', async () => {
    const world = aWorld({ services, records: [accepting] });
    await tendConnections([changed()], world.deps);
    const [again] = await tendConnections([changed()], world.deps);
    expect(again).toMatchObject({ output: [] });
    expect(await world.actions(endpointId(1))).toEqual(['applied']);
  });

  test('for the first time is observed, where its service is registered', async () => {
    const world = aWorld({ services });
    await tendConnections([changed(pending, null)], world.deps);
    expect(await world.actions(endpointId(1))).toEqual(['observed']);
  });

  test('for the first time at a service that is not registered is nobody’s business', async () => {
    const world = aWorld();
    await tendConnections([changed(pending, null)], world.deps);
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
      acceptAskedAt: noon.toISOString(),
    });
    const world = aWorld({ services, records: [newer] });
    await tendConnections([changed()], world.deps);
    expect(await world.record(endpointId(1))).toMatchObject({
      state: 'pending',
      effect: { action: 'reject' },
    });
  });

  test('to what was seen in EC2 after that, nothing changes', async () => {
    const observedAt = secondsAfterNoon(1).toISOString();
    const world = aWorld({ services, records: [aRecord({ state: 'available', observedAt, version: 2 })] });
    const [result] = await tendConnections([changed()], world.deps);
    expect(result).toMatchObject({ output: [] });
    expect(await world.record(endpointId(1))).toMatchObject({ state: 'available', version: 2 });
  });

  test('and never holds still, the event is given back, and stops no other', async () => {
    const world = aWorld({ services, records: [accepting] });
    const table = { ...world.table, write: async () => false };
    const unknown = changed(aConnection({ state: 'deleted', endpointId: endpointId(2) }), null);
    const results = await tendConnections([changed(), unknown], { ...world.deps, table });
    expect(results).toMatchObject([{ error: expect.any(ContendedError) }, { output: [] }]);
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
    const world = aWorld({ services, records: [live] });
    await world.table.write([countedWrite(aConnection(), undefined, counting)]);
    await tendConnections([changed(aConnection({ state }), live)], world.deps);
    const [item] = await world.table.get([countedKey(aConnection())]);
    return item && readCounted(item).endpointIds;
  }

  test.each(['deleted', 'rejected'] as const)('counts no longer once EC2 shows it %s', async (state) => {
    expect(await countedAfter(state)).toEqual([endpointId(2)]);
  });

  test('still counts while EC2 is deleting it', async () => {
    expect(await countedAfter('deleting')).toEqual([endpointId(1), endpointId(2)]);
  });
});

test('an endpoint that is gone is remembered as gone, with the time', async () => {
  const world = aWorld({ services, records: [accepting] });
  await tendConnections([changed(aConnection({ state: 'deleted' }))], world.deps);
  expect(await world.record(endpointId(1))).toMatchObject({ state: 'deleted', goneAt: noon.toISOString() });
  expect(await world.actions(endpointId(1))).toEqual(['gone']);
});
