import { describe, expect, test } from '@jest/globals';
import type { EscalationStage } from '../../lib/connections/approval-request.ts';
import {
  advanceStage,
  applyDecision,
  markDeregistered,
  markMissing,
  markRefused,
  markRequested,
  transitionWrites,
} from '../../lib/connections/transition.ts';
import {
  aFinding,
  alice,
  anApproval,
  anApprovalRequest,
  aRecord,
  aRequest,
  aVerdict,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
  serviceId,
} from '../builders.ts';

const time = noon.toISOString();
const nothing = { service: 1, entry: 0, wildcardEntry: 0, mode: 0 };
const accepting = {
  pendingEffect: { action: 'accept', attempts: 1, lastAttemptAt: time },
  acceptRequestedAt: time,
} as const;
const rejecting = {
  pendingEffect: { action: 'reject', attempts: 1, lastAttemptAt: time },
  acceptRequestedAt: time,
} as const;

function buildVerdict(outcome: 'accept' | 'reject' | 'ask' | 'hold') {
  return { outcome, findings: [aFinding({ outcome })] };
}

/** The verdict of a request that a person decided. */
const byPerson = {
  outcome: 'accept',
  findings: [aFinding({ rule: 'person-approved', outcome: 'accept' })],
} as const satisfies ReturnType<typeof buildVerdict>;

describe('a decision on a request', () => {
  test('is recorded the first time with the request, the verdict and the pending effect', () => {
    const { record, auditEvents } = applyDecision(
      undefined,
      aRequest(),
      buildVerdict('accept'),
      nothing,
      noon,
    );
    expect(record).toMatchObject({
      state: 'pendingAcceptance',
      verdict: { outcome: 'accept', decidedAt: time, decidedBy: 'linkgate', policyVersions: nothing },
      pendingEffect: { action: 'accept', attempts: 0 },
    });
    expect(auditEvents).toMatchObject([
      { action: 'requested', actor: `account ${consumer}`, time: aRequest().requestedAt },
      { action: 'decided', actor: 'linkgate', outcome: 'accept', time },
    ]);
  });

  test.each([
    ['ask', 'has no pending effect', undefined],
    ['hold', 'has no pending effect', undefined],
    ['accept', 'keeps the record of earlier calls to EC2', accepting.pendingEffect],
    ['reject', 'has a new pending effect', { action: 'reject', attempts: 0 }],
  ] as const)('with %s after accept %s', (outcome, _what, pendingEffect) => {
    const before = aRecord({ verdict: aVerdict('accept'), ...accepting });
    const { record } = applyDecision(before, aRequest(), buildVerdict(outcome), nothing, noon);
    expect(record.pendingEffect).toEqual(pendingEffect);
  });

  test.each([
    ['a person approves', byPerson, true, { actor: alice, action: 'approved', reason: 'known to us' }, alice],
    ['policy repeats after it', byPerson, false, { actor: 'linkgate', action: 'decided' }, alice],
    [
      'policy overrules',
      buildVerdict('reject'),
      true,
      { actor: alice, action: 'approved', outcome: 'reject' },
      'linkgate',
    ],
  ] as const)('that %s keeps the decision of the person', (_what, verdict, isNew, auditEvent, decidedBy) => {
    const personDecision = anApproval({ reason: 'known to us' });
    const before = isNew ? aRecord() : aRecord({ personDecision, verdict: aVerdict('accept') });
    const context = isNew ? { decision: personDecision, personDecisions: { personDecision } } : {};
    const { record, auditEvents } = applyDecision(before, aRequest(), verdict, nothing, noon, context);
    expect(record).toMatchObject({ personDecision, verdict: { decidedBy } });
    expect(auditEvents).toMatchObject([auditEvent]);
  });

  test('after the connection ended records it as pending acceptance again', () => {
    const before = aRecord({ state: 'deleted', endedAt: time, missingSince: time });
    const { record } = applyDecision(before, aRequest(), buildVerdict('ask'), nothing, noon);
    expect(record.state).toBe('pendingAcceptance');
    expect(record).not.toHaveProperty('endedAt');
    expect(record).not.toHaveProperty('missingSince');
  });

  test.each(['accept', 'ask'] as const)(
    'with %s on a connected endpoint leaves its recorded state unchanged',
    (outcome) => {
      const before = aRecord({ verdict: aVerdict('reject'), ...rejecting });
      const live = aRequest({ state: 'available' });
      expect(applyDecision(before, live, buildVerdict(outcome), nothing, noon).record.state).toBe(
        'pendingAcceptance',
      );
    },
  );
});

describe('a call to EC2', () => {
  test('is recorded, and the effect stays pending until EC2 shows it', () => {
    const before = aRecord({ verdict: aVerdict('accept'), pendingEffect: { action: 'accept', attempts: 0 } });
    const { record, auditEvents } = markRequested(before, 'accept', noon);
    expect(record).toMatchObject(accepting);
    expect(auditEvents).toMatchObject([{ action: 'applying', outcome: 'accept', actor: 'linkgate' }]);
  });

  test('that EC2 refuses is recorded with the reason, and the effect stays pending', () => {
    const before = aRecord({ verdict: aVerdict('accept'), ...accepting });
    const { record, auditEvents } = markRefused(before, 'accept', 'it said no', secondsAfterNoon(60));
    expect(record.pendingEffect).toEqual({
      action: 'accept',
      attempts: 2,
      lastAttemptAt: secondsAfterNoon(60).toISOString(),
    });
    expect(auditEvents).toMatchObject([{ action: 'refused', actor: 'ec2', reason: 'it said no' }]);
  });

  test('keeps the pending effect of a verdict that changed in the meantime', () => {
    const before = aRecord({ verdict: aVerdict('reject'), pendingEffect: { action: 'reject', attempts: 0 } });
    expect(markRequested(before, 'accept', noon).record).toMatchObject({
      pendingEffect: { action: 'reject', attempts: 0 },
      acceptRequestedAt: time,
    });
  });
});

describe('a connection that EC2 does not list', () => {
  test('in one full sweep is recorded as missing', () => {
    const { record, auditEvents } = markMissing(aRecord({ state: 'available' }), time, noon);
    expect(record).toMatchObject({ state: 'available', missingSince: time });
    expect(auditEvents).toEqual([]);
  });

  test('in two full sweeps is recorded as ended when the second sweep began, and has no pending effect', () => {
    const before = aRecord({ state: 'available', missingSince: time, ...rejecting });
    const { record, auditEvents } = markMissing(
      before,
      secondsAfterNoon(900).toISOString(),
      secondsAfterNoon(910),
    );
    const endedAt = secondsAfterNoon(910).toISOString();
    const observedAt = secondsAfterNoon(900).toISOString();
    expect(record).toMatchObject({ state: 'deleted', endedAt, observedAt });
    expect(record).not.toHaveProperty('pendingEffect');
    expect(auditEvents).toMatchObject([{ action: 'deleted' }]);
  });
});

test('the pending effect and the scheduled disconnect of a deregistered service are removed, with an audit entry', () => {
  const revocation = { since: '', disconnectAt: '', cause: 'policy', by: 'linkgate' } as const;
  const before = aRecord({ state: 'available', ...rejecting, revocation });
  const { record, auditEvents } = markDeregistered(before, noon);
  expect(record).toEqual({
    ...aRecord({ state: 'available', acceptRequestedAt: time }),
    serviceDeregisteredAt: time,
  });
  const reason = 'the service is no longer registered';
  expect(auditEvents).toEqual([{ time, actor: 'linkgate', action: 'refused', outcome: 'reject', reason }]);
});

describe('an open request that nobody decides', () => {
  const before = { ...aRecord({ verdict: aVerdict('ask') }), approvalRequest: anApprovalRequest() };
  const auditEvents = (stage: EscalationStage, behind?: string) =>
    advanceStage(before, stage, behind, noon).auditEvents;

  test('moves to the next escalation stage, with an audit entry', () => {
    const { record } = advanceStage(before, 'reminded', undefined, noon);
    expect(record).toEqual({ ...before, approvalRequest: { ...before.approvalRequest, stage: 'reminded' } });
    expect(auditEvents('reminded')).toMatchObject([
      { action: 'reminded', actor: 'linkgate', reason: expect.stringContaining('group default') },
    ]);
  });

  test('escalates to the second group if there is one', () => {
    expect(auditEvents('escalated', 'leads')).toMatchObject([
      { action: 'escalated', reason: expect.stringContaining('group leads') },
    ]);
    expect(auditEvents('escalated')).toMatchObject([{ action: 'reminded' }]);
  });

  test('expires and stays open', () => {
    expect(auditEvents('expired', 'leads')).toMatchObject([
      { action: 'expired', reason: expect.stringContaining('stays open') },
    ]);
  });
});

describe('the writes of a transition', () => {
  test('are conditional on the record’s version, and continue the numbers of the audit entries', () => {
    const before = aRecord({ version: 4, auditCount: 2 });
    const transition = applyDecision(before, aRequest(), buildVerdict('accept'), nothing, noon);
    expect(transitionWrites(before, transition, 'request-1')).toMatchObject([
      { put: { pk: 'CONNECTION#1', sk: endpointId(1), version: 5, auditCount: 3 }, expected: 4 },
      { put: { pk: `AUDIT#${endpointId(1)}`, sk: '000000003', requestId: 'request-1' }, expected: 0 },
      { put: { pk: 'PENDING_EFFECT#111111111111/us-east-1', sk: endpointId(1), action: 'accept' } },
    ]);
  });

  test('of a connection without a record have the first version', () => {
    const transition = applyDecision(undefined, aRequest(), buildVerdict('ask'), nothing, noon);
    expect(transitionWrites(undefined, transition, 'request-1')).toMatchObject([
      { put: { sk: endpointId(1), version: 1, auditCount: 2 }, expected: 0 },
      { put: { sk: '000000001', action: 'requested' }, expected: 0 },
      { put: { sk: '000000002', action: 'decided' }, expected: 0 },
      {
        put: {
          pk: `BY_ACCOUNT#${consumer}#${serviceId(1)}`,
          sk: `${aRequest().requestedAt}#${endpointId(1)}`,
        },
      },
    ]);
  });
});
