import { describe, expect, test } from '@jest/globals';
import { recordItem } from '../../lib/connections/connection-record.ts';
import {
  awaitedGroup,
  awaitingApproval,
  listEarlierConnections,
  pendingEffects,
} from '../../lib/connections/indexes.ts';
import {
  anApproval,
  anApprovalRequest,
  aRecord,
  aVerdict,
  consumer,
  endpointId,
  hub,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';

const createRecord = (number: number) =>
  aRecord({
    endpointId: endpointId(number),
    requestedAt: secondsAfterNoon(number).toISOString(),
    version: 1,
  });
const records = [1, 2, 3, 4].map(createRecord);
test('the index of pending effects has all keys that the call to EC2 needs, and changes with the action only', () => {
  const accepting = aRecord({ pendingEffect: { action: 'accept', attempts: 0 } });
  const key = { pk: 'PENDING_EFFECT#111111111111/us-east-1', sk: endpointId(1) };
  const target = { endpointId: endpointId(1), serviceId: serviceId(1), ownerAccountId: consumer };
  expect(pendingEffects.partition(hub)).toBe(key.pk);
  expect(pendingEffects.writes(undefined, accepting)).toMatchObject([
    { put: { ...key, ...target, action: 'accept' } },
  ]);
  const attempted = aRecord({ pendingEffect: { action: 'accept', attempts: 1 } });
  expect(pendingEffects.writes(accepting, attempted)).toEqual([]);
  expect(pendingEffects.writes(accepting, aRecord())).toEqual([{ remove: key }]);
});

describe('a record awaits', () => {
  const awaiting = aRecord({
    verdict: aVerdict('ask'),
    approvalRequest: anApprovalRequest({ group: 'ops' }),
  });

  test('the group of its approval request while the request is open', () => {
    expect(awaitedGroup(awaiting)).toBe('ops');
    expect(awaitedGroup({ ...awaiting, personDecision: anApproval() })).toBeUndefined();
    expect(awaitedGroup({ ...awaiting, state: 'deleted' })).toBeUndefined();
    expect(awaitedGroup(aRecord({ verdict: aVerdict('hold') }))).toBeUndefined();
    expect(awaitedGroup(undefined)).toBeUndefined();
  });

  test('another group after the approval request moves there', () => {
    const moved = { ...awaiting, approvalRequest: anApprovalRequest({ group: 'default' }) };
    expect(awaitingApproval.writes(awaiting, moved)).toMatchObject([
      { remove: { pk: 'AWAITING_APPROVAL#ops', sk: endpointId(1) } },
      { put: { pk: 'AWAITING_APPROVAL#default', sk: endpointId(1) } },
    ]);
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
