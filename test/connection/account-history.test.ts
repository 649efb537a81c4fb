import { describe, expect, test } from '@jest/globals';
import { accountWrites, recordsOf } from '../../lib/connection/account-history.ts';
import { recordItem } from '../../lib/connection/connection-record.ts';
import { aRecord, consumer, endpointId, secondsAfterNoon } from '../builders.ts';
import { aWorld } from '../doubles/world.ts';

const records = [1, 2, 3].map((number) =>
  aRecord({
    endpointId: endpointId(number),
    requestedAt: secondsAfterNoon(number).toISOString(),
    version: 1,
  }),
);

describe('of an account is remembered', () => {
  test('each connection once, from the first time that it is written down', () => {
    const [record = aRecord()] = records;
    expect(accountWrites(undefined, record)).toMatchObject([
      { put: { pk: `ACCOUNT#${consumer}`, sk: `${record.requestedAt}#${record.endpointId}` } },
    ]);
    expect(accountWrites(record, { ...record, state: 'available' })).toEqual([]);
  });

  test('what it asked for last comes first, however its endpoints are named', async () => {
    const [first, second, third] = records;
    const world = aWorld({ records: [third, first, second].flatMap((record) => record ?? []) });
    const found = await recordsOf(consumer, 20, world.deps);
    expect(found.map((record) => record.endpointId)).toEqual([3, 2, 1].map(endpointId));
  });

  test('no more than one wants to know', async () => {
    const found = await recordsOf(consumer, 2, aWorld({ records }).deps);
    expect(found.map((record) => record.endpointId)).toEqual([3, 2].map(endpointId));
  });

  test('nothing of others', async () => {
    expect(await recordsOf('333333333333', 20, aWorld({ records }).deps)).toEqual([]);
  });

  test('what can be read; the rest is reported', async () => {
    const world = aWorld({ records });
    world.put({ ...recordItem(aRecord({ endpointId: endpointId(2) })), form: '2.0' });
    expect(await recordsOf(consumer, 20, world.deps)).toHaveLength(2);
    expect(world.errors).toMatchObject([{ name: 'NewerItemError' }]);
  });
});
