import { describe, expect, test } from '@jest/globals';
import {
  canStillConnect,
  isAwaitingApproval,
  isFulfilledBy,
  isVerdictCurrent,
  isVerdictExpired,
  maybeConnected,
} from '../../lib/connections/connection-record.ts';
import { anApproval, aRecord, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

const time = noon.toISOString();

describe('a request awaits approval', () => {
  test.each(['ask', 'hold'] as const)('while the verdict is %s', (outcome) => {
    expect(isAwaitingApproval(aRecord({ verdict: aVerdict(outcome) }))).toBe(true);
  });

  test('before it has a verdict', () => {
    expect(isAwaitingApproval(aRecord())).toBe(true);
  });

  test.each([
    ['once policy accepts', { verdict: aVerdict('accept') }],
    ['once policy rejects', { verdict: aVerdict('reject') }],
    ['once a person decided', { verdict: aVerdict('hold'), personDecision: anApproval() }],
    ['once EC2 shows it connected', { verdict: aVerdict('ask'), state: 'available' }],
  ] as const)('no longer %s', (_when, record) => {
    expect(isAwaitingApproval(aRecord(record))).toBe(false);
  });
});

describe('a request can still connect', () => {
  test('while its verdict is accept', () => {
    expect(canStillConnect(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(true);
    expect(canStillConnect(aRecord({ verdict: aVerdict('ask') }), noon)).toBe(false);
  });

  test('for some minutes after Accept was called, whatever the verdict is now', () => {
    const record = aRecord({ verdict: aVerdict('reject'), acceptRequestedAt: time });
    expect(canStillConnect(record, secondsAfterNoon(299))).toBe(true);
    expect(canStillConnect(record, secondsAfterNoon(300))).toBe(false);
  });
});

describe('a connection counts towards the endpoint quota', () => {
  test.each(['pending', 'available'] as const)('while it is %s, whatever its verdict', (state) => {
    expect(maybeConnected(aRecord({ state, verdict: aVerdict('ask') }), noon)).toBe(true);
  });

  test('while it is pending acceptance and can still connect', () => {
    expect(maybeConnected(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(true);
    expect(maybeConnected(aRecord({ verdict: aVerdict('ask') }), noon)).toBe(false);
  });

  test.each(['rejected', 'deleting', 'deleted'] as const)('no longer once it is %s', (state) => {
    expect(maybeConnected(aRecord({ state, verdict: aVerdict('accept') }), noon)).toBe(false);
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
  const all = [
    'pendingAcceptance',
    'pending',
    'available',
    'deleting',
    'deleted',
    'rejected',
    'failed',
  ] as const;
  expect(all.filter((state) => isFulfilledBy(action, state))).toEqual(states);
});
