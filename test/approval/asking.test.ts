import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Asking,
  askingAfter,
  deadlineFrom,
  isExpiry,
  isLater,
  stageAt,
  stages,
  withDeadline,
} from '../../lib/approval/asking.ts';
import { aFinding, anAsking, aService, noon, secondsAfterNoon } from '../builders.ts';

const ask = { outcome: 'ask' as const, findings: [aFinding({ outcome: 'ask' })] };
const accept = { outcome: 'accept' as const, findings: [aFinding()] };
const deadline = secondsAfterNoon(100).toISOString();
const rejecting = aService({ onExpiry: 'reject' });

describe('the time that people have', () => {
  test('is a week, unless their service says otherwise', () => {
    expect(deadlineFrom(aService(), noon)).toBe('2026-11-28T12:00:00.000Z');
    expect(deadlineFrom(aService({ deadlineSeconds: 100 }), noon)).toBe(deadline);
  });

  test.each([
    [0, 'asked'],
    [24, 'asked'],
    [25, 'reminded'],
    [74, 'reminded'],
    [75, 'escalated'],
    [99, 'escalated'],
    [100, 'expired'],
    [100_000, 'expired'],
  ] as const)('has come after %d of 100 seconds to the stage %s', (seconds, stage) => {
    expect(stageAt(anAsking({ deadline }), secondsAfterNoon(seconds))).toBe(stage);
  });

  test('never goes back to an earlier stage, whatever the clock says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...stages),
        fc.integer({ min: -200, max: 300 }),
        fc.nat(300),
        (stage, seconds, later) => {
          const asking = anAsking({ deadline, stage });
          const now = stageAt(asking, secondsAfterNoon(seconds));
          const then = stageAt({ ...asking, stage: now }, secondsAfterNoon(seconds + later));
          expect(isLater(stage, now)).toBe(false);
          expect(isLater(now, then)).toBe(false);
        },
      ),
    );
  });

  test('has run out exactly from the deadline on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 10_000_000 }), fc.nat(20_000_000), (given, seconds) => {
        const asking = anAsking({ deadline: deadlineFrom(aService({ deadlineSeconds: given }), noon) });
        expect(stageAt(asking, secondsAfterNoon(seconds)) === 'expired').toBe(seconds >= given);
      }),
    );
  });
});

describe('people are asked', () => {
  const circumstances = { service: aService({ approvers: 'ops' }), version: 3, now: noon };

  test('the group that the service names, from the moment in which a verdict leaves it to them', () => {
    expect(askingAfter(undefined, ask, circumstances)).toEqual({
      group: 'ops',
      since: noon.toISOString(),
      deadline: '2026-11-28T12:00:00.000Z',
      version: 3,
      stage: 'asked',
    });
  });

  test('once: the time that they have goes on, whatever is decided meanwhile', () => {
    const asking: Asking = anAsking({ stage: 'reminded' });
    for (const verdict of [ask, accept])
      expect(askingAfter(asking, verdict, { ...circumstances, service: aService() })).toEqual(asking);
  });

  test('another group, where the service names another by now, in the time that is left', () => {
    const asking = anAsking({ stage: 'reminded' });
    expect(askingAfter(asking, ask, circumstances)).toEqual({ ...asking, group: 'ops' });
    expect(askingAfter(asking, accept, circumstances)).toBe(asking);
  });

  test('nothing that policy answers', () => {
    for (const outcome of ['accept', 'reject', 'wait'] as const)
      expect(askingAfter(undefined, { outcome, findings: [] }, circumstances)).toBeUndefined();
  });
});

describe('a request that nobody decides in time', () => {
  const passed = secondsAfterNoon(100);

  test('stays open, unless its service says otherwise', () => {
    expect(withDeadline(ask, aService(), deadline, passed)).toEqual(ask);
    expect(withDeadline(ask, aService({ onExpiry: 'escalate' }), deadline, passed)).toEqual(ask);
  });

  test('is rejected where its service says so, and the verdict tells why, and what else there was to say', () => {
    const verdict = withDeadline(ask, rejecting, deadline, passed);
    expect(verdict).toMatchObject({
      outcome: 'reject',
      findings: [{ rule: 'deadline-has-passed', outcome: 'reject' }, ...ask.findings],
    });
    expect([ask, verdict].map(isExpiry)).toEqual([false, true]);
  });

  test('has until then a verdict that holds no longer than the deadline', () => {
    expect(withDeadline(ask, rejecting, deadline, noon)).toEqual({ ...ask, until: deadline });
  });

  test('has a verdict that ends sooner where what it rests on does', () => {
    const until = secondsAfterNoon(50).toISOString();
    expect(withDeadline({ ...ask, until }, rejecting, deadline, noon)).toEqual({ ...ask, until });
    const later = { ...ask, until: secondsAfterNoon(200).toISOString() };
    expect(withDeadline(later, rejecting, deadline, noon)).toEqual({ ...ask, until: deadline });
  });

  test('and that something else settles is not touched by the deadline', () => {
    expect(withDeadline(accept, rejecting, deadline, passed)).toEqual(accept);
    const wait = { outcome: 'wait' as const, findings: [] };
    expect(withDeadline(wait, rejecting, deadline, passed)).toEqual(wait);
  });
});
