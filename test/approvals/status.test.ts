import { describe, expect, test } from '@jest/globals';
import {
  type ConnectionStatus,
  computeApprovalKind,
  computeConnectionStatus,
} from '../../lib/approvals/status.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { type ConnectionState, connectionStates } from '../../lib/privatelink/connection.ts';
import {
  aFinding,
  alice,
  anApproval,
  anApprovalRequest,
  aRecord,
  aVerdict,
  noon,
  secondsAfterNoon,
} from '../builders.ts';
import {
  aCancelledDisconnect,
  aDisconnected,
  anExternallyAccepted,
  anOverQuotaDisconnect,
  approvedByPerson,
  aScheduledDisconnect,
  disconnectAt,
  disconnectedByPerson,
  disconnectedByPolicy,
} from '../notifications/connected-fixtures.ts';

const paused = aVerdict('hold', { findings: [aFinding({ rule: 'service-is-paused', outcome: 'hold' })] });
const held = aVerdict('hold', { findings: [aFinding({ rule: 'account-is-not-listed', outcome: 'hold' })] });
const time = noon.toISOString();

// status-text.test.ts has the other cases, by their labels.
describe('the status of a request', () => {
  test.each([
    ['awaiting-approval', 'the default of its service is hold', { verdict: held }],
    ['rejected', 'somebody else rejected it', { verdict: aVerdict('ask'), state: 'rejected' }],
    ['deleted', 'EC2 shows it deleting', { verdict: aVerdict('ask'), state: 'deleting' }],
    ['deleted', 'EC2 no longer lists it', { verdict: aVerdict('ask'), state: 'deleted', endedAt: time }],
  ] as const satisfies [ConnectionStatus['status'], string, Partial<ConnectionRecord>][])(
    'is %s if %s',
    (status, _, record) => {
      expect(computeConnectionStatus(aRecord(record)).status).toBe(status);
    },
  );

  test('is connected only where EC2 shows it available, whatever the verdict', () => {
    const connected = (['accept', 'reject', 'ask', 'hold'] as const).flatMap((outcome) =>
      connectionStates.filter(
        (state) =>
          computeConnectionStatus(aRecord({ state, verdict: aVerdict(outcome) })).status === 'connected',
      ),
    );
    expect(new Set<ConnectionState>(connected)).toEqual(new Set(['available']));
  });

  test('is expired after its deadline', () => {
    const awaitingApproval = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
    expect(computeConnectionStatus(awaitingApproval).isExpired).toBe(false);
    const expired = { ...awaitingApproval, approvalRequest: anApprovalRequest({ stage: 'expired' }) };
    expect(computeConnectionStatus(expired)).toMatchObject({ status: 'awaiting-approval', isExpired: true });
  });
});

describe('the status of a connection', () => {
  test.each([
    ['disconnect-scheduled', 'no rule allows it any more', aScheduledDisconnect(), 'scheduled-disconnect'],
    ['under-review', 'it was accepted outside linkgate', anExternallyAccepted(), 'keep-or-disconnect'],
    ['under-review', 'the disconnect quota is used up', anOverQuotaDisconnect(), 'keep-or-disconnect'],
    [
      'under-review',
      'the disconnect quota is used up and approvers are not asked yet',
      { ...anOverQuotaDisconnect(), verdict: disconnectedByPolicy.verdict },
      'keep-or-disconnect',
    ],
    [
      'review-paused',
      'its service is paused',
      aScheduledDisconnect({ verdict: paused }),
      'keep-or-disconnect',
    ],
    ['kept', 'a person approved it', aScheduledDisconnect(approvedByPerson), 'keep-or-disconnect'],
    ['kept', 'a rule allows it again', aCancelledDisconnect(), 'keep-or-disconnect'],
    [
      'disconnecting',
      'its grace period is over',
      aScheduledDisconnect(disconnectedByPolicy),
      'keep-or-disconnect',
    ],
    [
      'review-paused',
      'its grace period is over and its service is paused',
      aScheduledDisconnect({ ...disconnectedByPolicy, verdict: paused }),
      'keep-or-disconnect',
    ],
    [
      'disconnected',
      'EC2 shows it rejected after it was connected',
      aDisconnected(disconnectedByPolicy),
      'keep-or-disconnect',
    ],
    [
      'deleted',
      'the endpoint is deleted before the disconnect',
      aScheduledDisconnect({ state: 'deleted' }),
      'new-connection',
    ],
  ] as const satisfies [ConnectionStatus['status'], string, ConnectionRecord, string][])(
    'is %s if %s',
    (status, _, record, approvalKind) => {
      expect(computeConnectionStatus(record).status).toBe(status);
      expect(computeApprovalKind(record)).toBe(approvalKind);
    },
  );

  test('is connected after linkgate accepted a request with an approval request', () => {
    const { revocation: _revocation, ...record } = aScheduledDisconnect(approvedByPerson);
    const acceptRequestedAt = secondsAfterNoon(60).toISOString();
    expect(computeConnectionStatus({ ...record, acceptRequestedAt }).status).toBe('connected');
  });

  test('has the actor and the cause of its disconnect as its resolution', () => {
    const revokeOrder = { by: alice, at: time, reason: 'contract ended' };
    const personRevocation = { since: time, disconnectAt, cause: 'person', by: alice } as const;
    const computeResolution = (recordFields: Partial<ConnectionRecord>) =>
      computeConnectionStatus(aScheduledDisconnect(recordFields)).resolution;
    expect(computeResolution(disconnectedByPolicy)).toMatchObject({
      by: 'linkgate',
      at: disconnectAt,
      cause: 'policy',
    });
    expect(computeResolution(disconnectedByPerson)).toEqual({
      by: alice,
      at: time,
      reason: 'contract ended',
    });
    expect(computeResolution({ ...disconnectedByPolicy, revocation: personRevocation, revokeOrder })).toEqual(
      {
        ...revokeOrder,
        cause: 'person',
      },
    );
    const block = { ...personRevocation, cause: 'block' } as const;
    expect(computeResolution({ ...disconnectedByPolicy, revocation: block })).toMatchObject({
      by: alice,
      cause: 'block',
    });
  });
});

describe('the resolution of a request', () => {
  const personDecision = anApproval({ reason: 'known to us', ticket: 'CHG-1' });

  test('is the person’s decision that the verdict follows, with reason and ticket', () => {
    expect(
      computeConnectionStatus(aRecord({ verdict: aVerdict('accept', { decidedBy: alice }), personDecision }))
        .resolution,
    ).toEqual({
      by: alice,
      at: time,
      reason: 'known to us',
      ticket: 'CHG-1',
    });
    const silent = aRecord({ verdict: aVerdict('reject'), personDecision: anApproval({ decision: 'deny' }) });
    expect(computeConnectionStatus(silent).resolution).toEqual({ by: alice, at: time });
  });

  test('is linkgate where policy decided, even against a person’s decision', () => {
    const byPolicy = { by: 'linkgate', at: time, reason: 'because' };
    expect(computeConnectionStatus(aRecord({ verdict: aVerdict('accept') })).resolution).toEqual(byPolicy);
    expect(
      computeConnectionStatus(aRecord({ verdict: aVerdict('reject'), personDecision })).resolution,
    ).toEqual(byPolicy);
  });

  test('is absent while the request is open, even with some approvals', () => {
    const approvals = { decisions: [personDecision], quorum: 2 };
    const connectionStatus = computeConnectionStatus(aRecord({ verdict: aVerdict('ask'), approvals }));
    expect(connectionStatus).toMatchObject({ status: 'awaiting-approval', approvals });
    for (const open of [connectionStatus, computeConnectionStatus(aScheduledDisconnect())])
      expect(open).not.toHaveProperty('resolution');
  });
});
