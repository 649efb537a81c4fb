import { describe, expect, test } from '@jest/globals';
import {
  isAwaitingApproval,
  isFulfilledBy,
  isVerdictCurrent,
  isVerdictExpired,
  maybeConnected,
} from '../../lib/connections/connection-record.ts';
import { connectionStates } from '../../lib/privatelink/connection.ts';
import { anApproval, aRecord, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

const time = noon.toISOString();

describe('a request awaits approval', () => {
  test.each([
    ['before it has a verdict', {}, true],
    ['while the verdict is ask', { verdict: aVerdict('ask') }, true],
    ['while the verdict is hold', { verdict: aVerdict('hold') }, true],
    ['no longer once policy accepts', { verdict: aVerdict('accept') }, false],
    ['no longer once policy rejects', { verdict: aVerdict('reject') }, false],
    ['no longer once a person decided', { verdict: aVerdict('hold'), personDecision: anApproval() }, false],
    ['no longer once EC2 shows it connected', { verdict: aVerdict('ask'), state: 'available' }, false],
  ] as const)('%s', (_when, record, isAwaiting) => {
    expect(isAwaitingApproval(aRecord(record))).toBe(isAwaiting);
  });
});

describe('a connection counts towards the endpoint quota', () => {
  const afterAccept = { verdict: aVerdict('reject'), acceptRequestedAt: time };
  test.each([
    ['while its verdict is accept', { verdict: aVerdict('accept') }, 0, true],
    ['not while its verdict is ask', { verdict: aVerdict('ask') }, 0, false],
    ['for some minutes after Accept was called, whatever the verdict is now', afterAccept, 299, true],
    ['no longer after that', afterAccept, 300, false],
    ['while it is pending, whatever its verdict', { state: 'pending', verdict: aVerdict('ask') }, 0, true],
    ['while it is available', { state: 'available', verdict: aVerdict('ask') }, 0, true],
    ['no longer once it is rejected', { state: 'rejected', verdict: aVerdict('accept') }, 0, false],
    ['no longer once it is deleting', { state: 'deleting', verdict: aVerdict('accept') }, 0, false],
    ['no longer once it is deleted', { state: 'deleted', verdict: aVerdict('accept') }, 0, false],
  ] as const)('%s', (_when, record, seconds, counts) => {
    expect(maybeConnected(aRecord(record), secondsAfterNoon(seconds))).toBe(counts);
  });
});

describe('a verdict is current', () => {
  const policyVersions = { service: 1, entry: 0, wildcardEntry: 0, mode: 0 };
  const verdict = aVerdict('accept', { until: secondsAfterNoon(60).toISOString() });

  test('while its policy versions are current', () => {
    expect(isVerdictCurrent(verdict, policyVersions, noon)).toBe(true);
  });

  test.each(['service', 'entry', 'wildcardEntry', 'mode'])('until the version of its %s changes', (input) => {
    expect(isVerdictCurrent(verdict, { ...policyVersions, [input]: 7 }, noon)).toBe(false);
  });

  test('until it expires', () => {
    expect(isVerdictCurrent(verdict, policyVersions, secondsAfterNoon(60))).toBe(false);
    expect(isVerdictExpired({}, secondsAfterNoon(1e9))).toBe(false);
  });
});

test.each([
  { action: 'accept', states: ['pending', 'available'] },
  { action: 'reject', states: ['rejected'] },
] as const)('$action is fulfilled by $states and by no other state', ({ action, states }) => {
  expect(connectionStates.filter((state) => isFulfilledBy(action, state))).toEqual(states);
});
