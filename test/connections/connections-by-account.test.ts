import { describe, expect, test } from '@jest/globals';
import { recordItem } from '../../lib/connections/connection-record.ts';
import { byAccountWrites, listEarlierConnections } from '../../lib/connections/connections-by-account.ts';
import { aRecord, consumer, endpointId, secondsAfterNoon, serviceId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const createRecord = (number: number) =>
  aRecord({
    endpointId: endpointId(number),
    requestedAt: secondsAfterNoon(number).toISOString(),
    version: 1,
  });
const records = [1, 2, 3, 4].map(createRecord);
const pointer = (number: number) => ({
  put: {
    pk: `BY_ACCOUNT#${consumer}#${serviceId(1)}`,
    sk: `${createRecord(number).requestedAt}#${endpointId(number)}`,
  },
});

describe('the index of connections by account', () => {
  test('has each connection once, from its first record on', () => {
    const record = createRecord(1);
    expect(byAccountWrites(undefined, record)).toMatchObject([pointer(1)]);
    expect(byAccountWrites(record, { ...record, state: 'available' })).toEqual([]);
  });
});

describe('the earlier connections of an account', () => {
  test('are listed newest first, without later ones', async () => {
    const [first, second, third, fourth] = records;
    const env = createTestEnv({
      records: [third, first, fourth, second].flatMap((record) => record ?? []),
    });
    const earlier = await listEarlierConnections(createRecord(3), 20, env.deps);
    expect(earlier.map((record) => record.endpointId)).toEqual([2, 1].map(endpointId));
  });

  test('are limited to the requested number', async () => {
    const earlier = await listEarlierConnections(createRecord(4), 2, createTestEnv({ records }).deps);
    expect(earlier.map((record) => record.endpointId)).toEqual([3, 2].map(endpointId));
  });

  test('belong to this account and this service only', async () => {
    const { deps } = createTestEnv({ records });
    expect(
      await listEarlierConnections({ ...createRecord(5), ownerAccountId: '333333333333' }, 20, deps),
    ).toEqual([]);
    expect(await listEarlierConnections({ ...createRecord(5), serviceId: serviceId(2) }, 20, deps)).toEqual(
      [],
    );
  });

  test('omit unreadable records, which are reported', async () => {
    const env = createTestEnv({ records });
    env.put({ ...recordItem(createRecord(2)), schemaVersion: '2.0' });
    expect(await listEarlierConnections(createRecord(4), 20, env.deps)).toHaveLength(2);
    expect(env.errors).toMatchObject([{ name: 'UnsupportedSchemaVersionError' }]);
  });
});
