import { describe, expect, test } from '@jest/globals';
import {
  pendingEffectPartition,
  pendingEffectWrites,
  readPendingEffect,
} from '../../lib/connections/pending-effects.ts';
import { aRecord, consumer, endpointId, hub, serviceId } from '../builders.ts';

const undecided = aRecord();
const accepting = aRecord({ pendingEffect: { action: 'accept', attempts: 0 } });
const rejecting = aRecord({ pendingEffect: { action: 'reject', attempts: 0 } });

test('the pending effects of a location are one partition', () => {
  expect(pendingEffectPartition(hub)).toBe('PENDING_EFFECT#111111111111/us-east-1');
});

describe('the pointer to a pending effect', () => {
  test('is written with all keys that the call to EC2 needs', () => {
    const [write] = pendingEffectWrites(undefined, accepting);
    expect(write).toMatchObject({ put: { pk: pendingEffectPartition(hub), sk: endpointId(1) } });
    expect(write && 'put' in write && readPendingEffect(write.put)).toEqual({
      endpointId: endpointId(1),
      serviceId: serviceId(1),
      ownerAccountId: consumer,
      action: 'accept',
      version: 1,
    });
  });

  test('changes with the effect', () => {
    expect(pendingEffectWrites(accepting, rejecting)).toMatchObject([{ put: { action: 'reject' } }]);
  });

  test('is removed with the effect', () => {
    expect(pendingEffectWrites(accepting, undecided)).toEqual([
      { remove: { pk: pendingEffectPartition(hub), sk: endpointId(1) } },
    ]);
  });

  test('is not written again while the effect stays the same', () => {
    const attempted = aRecord({ pendingEffect: { action: 'accept', attempts: 1 } });
    expect(pendingEffectWrites(accepting, attempted)).toEqual([]);
    expect(pendingEffectWrites(undefined, undecided)).toEqual([]);
  });
});
