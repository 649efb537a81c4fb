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

describe('how a request stands', () => {
  test.each([
    ['nobody decided yet', {}, 'awaiting-approval'],
    ['people are asked', { verdict: aVerdict('ask') }, 'awaiting-approval'],
    ['its service holds what is not listed', { verdict: held }, 'awaiting-approval'],
    ['its service is paused', { verdict: paused }, 'paused'],
    ['it is to be accepted', { verdict: aVerdict('accept') }, 'accepting'],
    ['EC2 connects it', { verdict: aVerdict('accept'), state: 'pending' }, 'accepting'],
    ['EC2 shows it connected', { verdict: aVerdict('accept'), state: 'available' }, 'connected'],
    ['it is to be rejected', { verdict: aVerdict('reject') }, 'rejecting'],
    ['EC2 shows it rejected', { verdict: aVerdict('reject'), state: 'rejected' }, 'rejected'],
    ['somebody else accepted it', { verdict: aVerdict('reject'), state: 'available' }, 'connected'],
    ['somebody else rejected it', { verdict: aVerdict('ask'), state: 'rejected' }, 'rejected'],
    ['its service was taken out', { verdict: aVerdict('ask'), serviceDeregisteredAt: time }, 'deregistered'],
    ['its consumer deletes it', { verdict: aVerdict('ask'), state: 'deleting' }, 'deleted'],
    ['it was deleted', { verdict: aVerdict('accept'), state: 'deleted' }, 'deleted'],
    ['EC2 lists it no more', { verdict: aVerdict('ask'), state: 'deleted', endedAt: time }, 'deleted'],
  ] as const satisfies [string, Partial<ConnectionRecord>, ConnectionStatus['status']][])(
    'where %s',
    (_, record, status) => {
      expect(computeConnectionStatus(aRecord(record)).status).toBe(status);
    },
  );

  test('is connected in no state but where EC2 shows it available, whatever the verdict', () => {
    const connected = (['accept', 'reject', 'ask', 'hold'] as const).flatMap((outcome) =>
      connectionStates.filter(
        (state) =>
          computeConnectionStatus(aRecord({ state, verdict: aVerdict(outcome) })).status === 'connected',
      ),
    );
    expect(new Set<ConnectionState>(connected)).toEqual(new Set(['available']));
  });

  test('says that its time has run out', () => {
    const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
    expect(computeConnectionStatus(asked).isExpired).toBe(false);
    const expired = { ...asked, approvalRequest: anApprovalRequest({ stage: 'expired' }) };
    expect(computeConnectionStatus(expired)).toMatchObject({ status: 'awaiting-approval', isExpired: true });
  });
});

describe('how a connection that lives stands', () => {
  test.each([
    ['its permission has gone', aScheduledDisconnect(), 'disconnect-scheduled', 'scheduled-disconnect'],
    ['others accepted it', anExternallyAccepted(), 'under-review', 'keep-or-disconnect'],
    ['the budget of cuts was used up', anOverQuotaDisconnect(), 'under-review', 'keep-or-disconnect'],
    [
      'that is written down before people are asked',
      { ...anOverQuotaDisconnect(), verdict: disconnectedByPolicy.verdict },
      'under-review',
      'keep-or-disconnect',
    ],
    [
      'its service is paused meanwhile',
      aScheduledDisconnect({ verdict: paused }),
      'review-paused',
      'keep-or-disconnect',
    ],
    ['somebody approved that it stays', aScheduledDisconnect(approvedByPerson), 'kept', 'keep-or-disconnect'],
    ['it is allowed again', aCancelledDisconnect(), 'kept', 'keep-or-disconnect'],
    ['its time is over', aScheduledDisconnect(disconnectedByPolicy), 'disconnecting', 'keep-or-disconnect'],
    [
      'its time is over while its service is paused',
      aScheduledDisconnect({ ...disconnectedByPolicy, verdict: paused }),
      'review-paused',
      'keep-or-disconnect',
    ],
    ['EC2 shows it cut', aDisconnected(disconnectedByPolicy), 'disconnected', 'keep-or-disconnect'],
    ['it is gone before that', aScheduledDisconnect({ state: 'deleted' }), 'deleted', 'new-connection'],
  ] as const satisfies [string, ConnectionRecord, ConnectionStatus['status'], string][])(
    'where %s',
    (_, record, status, approvalKind) => {
      expect(computeConnectionStatus(record).status).toBe(status);
      expect(computeApprovalKind(record)).toBe(approvalKind);
    },
  );

  test('is connected, once linkgate has let in what people were asked about as a request', () => {
    const { revocation: _revocation, ...record } = aScheduledDisconnect(approvedByPerson);
    const acceptRequestedAt = secondsAfterNoon(60).toISOString();
    expect(computeConnectionStatus({ ...record, acceptRequestedAt }).status).toBe('connected');
  });

  test('is settled by nobody before its time is over', () => {
    expect(computeConnectionStatus(aScheduledDisconnect())).not.toHaveProperty('settled');
  });

  test('is settled by whoever or whatever cuts it', () => {
    const revoked = { by: alice, at: time, reason: 'contract ended' };
    const word = { since: time, disconnectAt, cause: 'person', by: alice } as const;
    const settled = (how: Partial<ConnectionRecord>) =>
      computeConnectionStatus(aScheduledDisconnect(how)).resolution;
    expect(settled(disconnectedByPolicy)).toMatchObject({
      by: 'linkgate',
      at: disconnectAt,
      cause: 'policy',
    });
    expect(settled(disconnectedByPerson)).toEqual({ by: alice, at: time, reason: 'contract ended' });
    expect(settled({ ...disconnectedByPolicy, revocation: word, revokeOrder: revoked })).toEqual({
      ...revoked,
      cause: 'person',
    });
    const block = { ...word, cause: 'block' } as const;
    expect(settled({ ...disconnectedByPolicy, revocation: block })).toMatchObject({
      by: alice,
      cause: 'block',
    });
  });
});

describe('who settled a request', () => {
  const approval = anApproval({ reason: 'known to us', ticket: 'CHG-1' });

  test('is the person whose word it follows, with what they said', () => {
    expect(
      computeConnectionStatus(aRecord({ verdict: aVerdict('accept', { decidedBy: alice }), approval }))
        .resolution,
    ).toEqual({
      by: alice,
      at: time,
      reason: 'known to us',
      ticket: 'CHG-1',
    });
    const silent = aRecord({ verdict: aVerdict('reject'), approval: anApproval({ decision: 'deny' }) });
    expect(computeConnectionStatus(silent).resolution).toEqual({ by: alice, at: time });
  });

  test('is linkgate where policy did, also against a person’s word', () => {
    const byPolicy = { by: 'linkgate', at: time, reason: 'because' };
    expect(computeConnectionStatus(aRecord({ verdict: aVerdict('accept') })).resolution).toEqual(byPolicy);
    expect(computeConnectionStatus(aRecord({ verdict: aVerdict('reject'), approval })).resolution).toEqual(
      byPolicy,
    );
  });

  test('is nobody while it is open, also while some have approved', () => {
    const approvals = { decisions: [approval], quorum: 2 };
    const connectionStatus = computeConnectionStatus(aRecord({ verdict: aVerdict('ask'), approvals }));
    expect(connectionStatus).toMatchObject({ status: 'awaiting-approval', approvals });
    expect(connectionStatus).not.toHaveProperty('settled');
  });
});
