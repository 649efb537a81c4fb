import { describe, expect, test } from '@jest/globals';
import {
  channelErrorSeconds,
  computeCapacity,
  consumeCapacity,
  emptyThrottle,
  findThrottle,
  type NotificationThrottle,
  recordChannelError,
  throttleWrite,
} from '../../lib/notifications/throttle.ts';
import { rethrow } from '../../lib/storage/entity.ts';
import { noon, secondsAfterNoon } from '../builders.ts';
import { memoryTable } from '../doubles/memory-table.ts';

const throttle: NotificationThrottle = emptyThrottle('default');
const channelError = { error: 'not_in_channel', channel: 'C01', at: noon.toISOString() };

describe('the notification throttle of an approver group', () => {
  test('allows ten messages about single requests within a minute', () => {
    const after = consumeCapacity(
      consumeCapacity(throttle, 4, undefined, noon),
      6,
      undefined,
      secondsAfterNoon(30),
    );
    expect(computeCapacity(after, secondsAfterNoon(59))).toEqual({ individual: 0 });
    expect(computeCapacity(after, secondsAfterNoon(60))).toEqual({ individual: 4 });
    expect(computeCapacity(after, secondsAfterNoon(90))).toEqual({ individual: 10 });
  });

  test('allows none in the five minutes after a digest began', () => {
    const afterBurst = consumeCapacity(throttle, 11, 'digest-1', noon);
    expect(computeCapacity(afterBurst, secondsAfterNoon(299))).toEqual({
      individual: 0,
      runningDigest: 'digest-1',
    });
    expect(computeCapacity(afterBurst, secondsAfterNoon(300))).toEqual({ individual: 10 });
  });

  test('allows them again after these five minutes if few requests arrive', () => {
    let after = consumeCapacity(throttle, 11, 'digest-1', noon);
    for (let seconds = 30; seconds < 300; seconds += 30)
      after = consumeCapacity(after, 1, 'digest-1', secondsAfterNoon(seconds));
    expect(computeCapacity(after, secondsAfterNoon(300))).toEqual({
      individual: 9,
      runningDigest: 'digest-1',
    });
  });

  test('allows none while a burst goes on: its requests join the digest', () => {
    const duringBurst = consumeCapacity(
      consumeCapacity(throttle, 11, 'digest-1', noon),
      10,
      'digest-1',
      secondsAfterNoon(290),
    );
    expect(computeCapacity(duringBurst, secondsAfterNoon(300))).toEqual({
      individual: 0,
      runningDigest: 'digest-1',
    });
    expect(computeCapacity(duringBurst, secondsAfterNoon(350))).toEqual({ individual: 10 });
  });

  test('keeps the times of the last ten requests only', () => {
    expect(
      consumeCapacity(consumeCapacity(throttle, 8, undefined, noon), 8, undefined, noon).recentRequests,
    ).toHaveLength(10);
  });
});

describe('a channel error', () => {
  test('suspends calls to the channel for 15 minutes', () => {
    const withChannelError = { ...throttle, channelError };
    expect(channelErrorSeconds(withChannelError, 'C01', secondsAfterNoon(14 * 60))).toBe(60);
    expect(channelErrorSeconds(withChannelError, 'C01', secondsAfterNoon(15 * 60))).toBe(0);
  });

  test('does not suspend calls to another channel', () => {
    expect(channelErrorSeconds({ ...throttle, channelError }, 'C02', noon)).toBe(0);
  });

  test('is stored beside the other attributes of the throttle, and removed again', async () => {
    const table = memoryTable();
    const deps = { table, reportError: rethrow };
    await table.write([throttleWrite(undefined, consumeCapacity(throttle, 3, undefined, noon))]);
    await recordChannelError('default', channelError, deps);
    expect(await findThrottle('default', deps)).toMatchObject({
      recentRequests: { length: 3 },
      channelError,
      version: 2,
    });
    await recordChannelError('default', undefined, deps);
    expect((await findThrottle('default', deps)).channelError).toBeUndefined();
  });
});
