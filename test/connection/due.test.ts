import { describe, expect, test } from '@jest/globals';
import { dueIn, pointerWrites, readPointer } from '../../lib/connection/due.ts';
import { aRecord, consumer, endpointId, hub, serviceId } from '../builders.ts';

const undecided = aRecord();
const accepting = aRecord({ effect: { action: 'accept', asked: 0 } });
const rejecting = aRecord({ effect: { action: 'reject', asked: 0 } });

test('what is due in a place is one partition', () => {
  expect(dueIn(hub)).toBe('DUE#111111111111/us-east-1');
});

describe('the pointer to what is due', () => {
  test('is put there with all that it takes to look up what the call rests on', () => {
    const [write] = pointerWrites(undefined, accepting);
    expect(write).toMatchObject({ put: { pk: dueIn(hub), sk: endpointId(1) } });
    expect(write && 'put' in write && readPointer(write.put)).toEqual({
      endpointId: endpointId(1),
      serviceId: serviceId(1),
      ownerAccountId: consumer,
      action: 'accept',
      version: 1,
    });
  });

  test('is changed with what is due', () => {
    expect(pointerWrites(accepting, rejecting)).toMatchObject([{ put: { action: 'reject' } }]);
  });

  test('is taken away with what was due', () => {
    expect(pointerWrites(accepting, undecided)).toEqual([{ remove: { pk: dueIn(hub), sk: endpointId(1) } }]);
  });

  test('is left alone while the same is due', () => {
    const asked = aRecord({ effect: { action: 'accept', asked: 1 } });
    expect(pointerWrites(accepting, asked)).toEqual([]);
    expect(pointerWrites(undefined, undecided)).toEqual([]);
  });
});
