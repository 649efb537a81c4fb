import { expect, test } from '@jest/globals';
import { recordKey } from '../../lib/connections/connection-record.ts';
import { countEndpoints } from '../../lib/policy/endpoint-quota.ts';
import {
  aConnection,
  anEntry,
  aRecord,
  aVerdict,
  consumer,
  endpointId,
  hub,
  noon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const entry = anEntry({ maxEndpoints: 3, version: 4 });
const storedQuota = {
  location: hub,
  serviceId: serviceId(1),
  ownerAccountId: consumer,
  endpointIds: [endpointId(7)],
  entryVersion: 4,
  version: 1,
};

const connections = [
  aConnection({ endpointId: endpointId(1), state: 'available' }),
  aConnection({ endpointId: endpointId(2), state: 'pending' }),
  aConnection({ endpointId: endpointId(3) }),
  aConnection({ endpointId: endpointId(4) }),
  aConnection({ endpointId: endpointId(5), state: 'rejected' }),
  aConnection({ endpointId: endpointId(6) }),
];
const records = [
  aRecord({ endpointId: endpointId(3), verdict: aVerdict('accept') }),
  aRecord({ endpointId: endpointId(4), verdict: aVerdict('ask') }),
  aRecord({ endpointId: endpointId(6), verdict: aVerdict('reject'), acceptRequestedAt: noon.toISOString() }),
  aRecord({ endpointId: endpointId(7), verdict: aVerdict('accept'), acceptRequestedAt: noon.toISOString() }),
];

function count(quota: typeof storedQuota | undefined, secondsLater = 0) {
  const { ec2, deps, advanceSeconds } = createTestEnv({ connections, records });
  advanceSeconds(secondsLater);
  return countEndpoints(aConnection(), entry, quota, { ...deps, connections: ec2 });
}

test('endpoints are counted from the stored quota while it belongs to this version of the entry', async () => {
  expect(await count(storedQuota)).toEqual([endpointId(7)]);
});

test('without a stored quota, each endpoint counts that is connected in EC2 or that an Accept call may still connect', async () => {
  expect(await count(undefined)).toEqual([1, 2, 3, 6].map(endpointId));
});

test('after a change of the entry, endpoints are counted from EC2, with each that had an Accept call in the last five minutes and that EC2 does not list yet', async () => {
  expect(await count({ ...storedQuota, entryVersion: 3 }, 299)).toEqual([1, 2, 3, 6, 7].map(endpointId));
});

test('five minutes after its Accept call, an endpoint no longer counts if EC2 does not list it, or if it is not connected and its verdict is no longer accept', async () => {
  expect(await count({ ...storedQuota, entryVersion: 3 }, 300)).toEqual([1, 2, 3].map(endpointId));
});

test('a request whose record has a newer schema version counts, since it may be accepted already', async () => {
  const { table, ec2, deps, errors } = createTestEnv({ connections, records });
  const [item] = await table.get([recordKey(endpointId(4))]);
  await table.write(item ? [{ put: { ...item, schemaVersion: '2.0' } }] : []);
  expect(await countEndpoints(aConnection(), entry, undefined, { ...deps, connections: ec2 })).toEqual(
    [1, 2, 3, 4, 6].map(endpointId),
  );
  expect(errors).toHaveLength(1);
});
