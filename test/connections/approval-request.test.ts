import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type ApprovalRequest,
  computeDeadline,
  currentStage,
  escalationStages,
  expireAtDeadline,
  isExpiryRejection,
  isLaterStage,
  nextApprovalRequest,
} from '../../lib/connections/approval-request.ts';
import { aFinding, anApprovalRequest, aService, noon, secondsAfterNoon } from '../builders.ts';

const ask = { outcome: 'ask' as const, findings: [aFinding({ outcome: 'ask' })] };
const accept = { outcome: 'accept' as const, findings: [aFinding()] };
const deadline = secondsAfterNoon(100).toISOString();
const rejecting = aService({ onExpiry: 'reject' });

describe('the deadline of an approval request', () => {
  test('is a week away unless the service says otherwise', () => {
    expect(computeDeadline(aService(), noon)).toBe('2026-11-28T12:00:00.000Z');
    expect(computeDeadline(aService({ deadlineSeconds: 100 }), noon)).toBe(deadline);
  });

  test.each([
    [0, 'approval-requested'],
    [24, 'approval-requested'],
    [25, 'reminded'],
    [74, 'reminded'],
    [75, 'escalated'],
    [99, 'escalated'],
    [100, 'expired'],
    [100_000, 'expired'],
  ] as const)('after %d of 100 seconds results in the stage %s', (seconds, stage) => {
    expect(currentStage(anApprovalRequest({ deadline }), secondsAfterNoon(seconds))).toBe(stage);
  });

  test('never results in an earlier stage, even if the clock goes back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...escalationStages),
        fc.integer({ min: -200, max: 300 }),
        fc.nat(300),
        (stage, seconds, later) => {
          const approvalRequest = anApprovalRequest({ deadline, stage });
          const now = currentStage(approvalRequest, secondsAfterNoon(seconds));
          const then = currentStage({ ...approvalRequest, stage: now }, secondsAfterNoon(seconds + later));
          expect(isLaterStage(stage, now)).toBe(false);
          expect(isLaterStage(now, then)).toBe(false);
        },
      ),
    );
  });

  test('passes exactly at its time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 10_000_000 }),
        fc.nat(20_000_000),
        (deadlineSeconds, seconds) => {
          const approvalRequest = anApprovalRequest({
            deadline: computeDeadline(aService({ deadlineSeconds }), noon),
          });
          expect(currentStage(approvalRequest, secondsAfterNoon(seconds)) === 'expired').toBe(
            seconds >= deadlineSeconds,
          );
        },
      ),
    );
  });
});

describe('an approval request', () => {
  const context = [aService({ approvers: 'ops' }), 3, noon] as const;

  test('goes to the group of the service as soon as the verdict is ask', () => {
    expect(nextApprovalRequest(undefined, ask, ...context)).toEqual({
      group: 'ops',
      requestedAt: noon.toISOString(),
      deadline: '2026-11-28T12:00:00.000Z',
      version: 3,
      stage: 'approval-requested',
    });
  });

  test('keeps its deadline, whatever is decided in the meantime', () => {
    const approvalRequest: ApprovalRequest = anApprovalRequest({ stage: 'reminded' });
    for (const verdict of [ask, accept])
      expect(nextApprovalRequest(approvalRequest, verdict, aService(), 3, noon)).toEqual(approvalRequest);
  });

  test('goes to another group for the remaining time if the service names another', () => {
    const approvalRequest = anApprovalRequest({ stage: 'reminded' });
    expect(nextApprovalRequest(approvalRequest, ask, ...context)).toEqual({
      ...approvalRequest,
      group: 'ops',
    });
    expect(nextApprovalRequest(approvalRequest, accept, ...context)).toBe(approvalRequest);
  });

  test('does not exist for any other verdict', () => {
    for (const outcome of ['accept', 'reject', 'hold'] as const)
      expect(nextApprovalRequest(undefined, { outcome, findings: [] }, ...context)).toBeUndefined();
  });
});

describe('a request that nobody decides by the deadline', () => {
  const afterDeadline = secondsAfterNoon(100);

  test('stays open unless the service says otherwise', () => {
    expect(expireAtDeadline(ask, aService(), deadline, afterDeadline)).toEqual(ask);
    expect(expireAtDeadline(ask, aService({ onExpiry: 'escalate' }), deadline, afterDeadline)).toEqual(ask);
  });

  test('is rejected if the service says so, with the deadline as first finding before the others', () => {
    const verdict = expireAtDeadline(ask, rejecting, deadline, afterDeadline);
    expect(verdict).toMatchObject({
      outcome: 'reject',
      findings: [{ rule: 'approval-deadline-passed', outcome: 'reject' }, ...ask.findings],
    });
    expect([ask, verdict].map(isExpiryRejection)).toEqual([false, true]);
  });

  test('has a verdict that expires at the deadline', () => {
    expect(expireAtDeadline(ask, rejecting, deadline, noon)).toEqual({ ...ask, until: deadline });
  });

  test('has a verdict that expires earlier if one of its findings does', () => {
    const until = secondsAfterNoon(50).toISOString();
    expect(expireAtDeadline({ ...ask, until }, rejecting, deadline, noon)).toEqual({ ...ask, until });
    const later = { ...ask, until: secondsAfterNoon(200).toISOString() };
    expect(expireAtDeadline(later, rejecting, deadline, noon)).toEqual({ ...ask, until: deadline });
  });

  test('is unaffected by the deadline if policy decides it', () => {
    expect(expireAtDeadline(accept, rejecting, deadline, afterDeadline)).toEqual(accept);
    const wait = { outcome: 'hold' as const, findings: [] };
    expect(expireAtDeadline(wait, rejecting, deadline, afterDeadline)).toEqual(wait);
  });
});
