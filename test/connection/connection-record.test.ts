import { describe, expect, test } from '@jest/globals';
import {
  fulfils,
  hasRunOut,
  isCurrent,
  isOpen,
  isOrMayBeLive,
  mayBecomeLive,
} from '../../lib/connection/connection-record.ts';
import { anApproval, aRecord, aVerdict, noon, secondsAfterNoon } from '../builders.ts';

const time = noon.toISOString();

describe('a request is open to people', () => {
  test.each(['ask', 'wait'] as const)('while policy says %s', (outcome) => {
    expect(isOpen(aRecord({ verdict: aVerdict(outcome) }))).toBe(true);
  });

  test('before policy said anything', () => {
    expect(isOpen(aRecord())).toBe(true);
  });

  test.each([
    ['once policy accepts', { verdict: aVerdict('accept') }],
    ['once policy rejects', { verdict: aVerdict('reject') }],
    ['once a person decided', { verdict: aVerdict('wait'), approval: anApproval() }],
    ['once EC2 moved on', { verdict: aVerdict('ask'), state: 'available' }],
  ] as const)('no longer %s', (_when, record) => {
    expect(isOpen(aRecord(record))).toBe(false);
  });
});

describe('a request may still become live', () => {
  test('while its verdict is to accept it', () => {
    expect(mayBecomeLive(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(true);
    expect(mayBecomeLive(aRecord({ verdict: aVerdict('ask') }), noon)).toBe(false);
  });

  test('for some minutes after EC2 was asked, whatever the verdict is by now', () => {
    const record = aRecord({ verdict: aVerdict('reject'), acceptAskedAt: time });
    expect(mayBecomeLive(record, secondsAfterNoon(299))).toBe(true);
    expect(mayBecomeLive(record, secondsAfterNoon(300))).toBe(false);
  });
});

describe('a connection counts as one of its account’s', () => {
  test.each(['pending', 'available'] as const)('while it is %s, whatever its verdict', (state) => {
    expect(isOrMayBeLive(aRecord({ state, verdict: aVerdict('ask') }), noon)).toBe(true);
  });

  test('while it waits for acceptance and may become live', () => {
    expect(isOrMayBeLive(aRecord({ verdict: aVerdict('accept') }), noon)).toBe(true);
    expect(isOrMayBeLive(aRecord({ verdict: aVerdict('ask') }), noon)).toBe(false);
  });

  test.each(['rejected', 'deleting', 'deleted'] as const)('no longer once it is %s', (state) => {
    expect(isOrMayBeLive(aRecord({ state, verdict: aVerdict('accept') }), noon)).toBe(false);
  });
});

describe('a verdict is current', () => {
  const consulted = { service: 1, entry: 0, everyServiceEntry: 0, mode: 0 };
  const verdict = aVerdict('accept', { until: secondsAfterNoon(60).toISOString() });

  test('while what it rests on is there as it was', () => {
    expect(isCurrent(verdict, consulted, noon)).toBe(true);
  });

  test.each(['service', 'entry', 'everyServiceEntry', 'mode'])('until its %s changes', (what) => {
    expect(isCurrent(verdict, { ...consulted, [what]: 7 }, noon)).toBe(false);
  });

  test('until it runs out', () => {
    expect(isCurrent(verdict, consulted, secondsAfterNoon(60))).toBe(false);
    expect(hasRunOut({}, secondsAfterNoon(1e9))).toBe(false);
  });
});

test.each([
  { action: 'accept', states: ['pending', 'available'] },
  { action: 'reject', states: ['rejected'] },
] as const)('$action is fulfilled by $states and nothing else', ({ action, states }) => {
  const all = [
    'pendingAcceptance',
    'pending',
    'available',
    'deleting',
    'deleted',
    'rejected',
    'failed',
  ] as const;
  expect(all.filter((state) => fulfils(action, state))).toEqual(states);
});
