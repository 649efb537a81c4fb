import { describe, expect, test } from '@jest/globals';
import { approvalKindOf, type ConnectionStatus, statusOf } from '../../lib/approvals/status.ts';
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
  aForeign,
  anEnding,
  anOverdue,
  approvedToStay,
  calledOff,
  cutByPerson,
  cutByPolicy,
  disconnectAt,
  shownCut,
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
      expect(statusOf(aRecord(record)).status).toBe(status);
    },
  );

  test('is connected in no state but where EC2 shows it available, whatever the verdict', () => {
    const connected = (['accept', 'reject', 'ask', 'hold'] as const).flatMap((outcome) =>
      connectionStates.filter(
        (state) => statusOf(aRecord({ state, verdict: aVerdict(outcome) })).status === 'connected',
      ),
    );
    expect(new Set<ConnectionState>(connected)).toEqual(new Set(['available']));
  });

  test('says that its time has run out', () => {
    const asked = aRecord({ verdict: aVerdict('ask'), approvalRequest: anApprovalRequest() });
    expect(statusOf(asked).isExpired).toBe(false);
    const expired = { ...asked, approvalRequest: anApprovalRequest({ stage: 'expired' }) };
    expect(statusOf(expired)).toMatchObject({ status: 'awaiting-approval', isExpired: true });
  });
});

describe('how a connection that lives stands', () => {
  test.each([
    ['its permission has gone', anEnding(), 'disconnect-scheduled', 'scheduled-disconnect'],
    ['others accepted it', aForeign(), 'under-review', 'keep-or-disconnect'],
    ['the budget of cuts was used up', anOverdue(), 'under-review', 'keep-or-disconnect'],
    [
      'that is written down before people are asked',
      { ...anOverdue(), verdict: cutByPolicy.verdict },
      'under-review',
      'keep-or-disconnect',
    ],
    ['its service is paused meanwhile', anEnding({ verdict: paused }), 'review-paused', 'keep-or-disconnect'],
    ['somebody approved that it stays', anEnding(approvedToStay), 'kept', 'keep-or-disconnect'],
    ['it is allowed again', calledOff(), 'kept', 'keep-or-disconnect'],
    ['its time is over', anEnding(cutByPolicy), 'disconnecting', 'keep-or-disconnect'],
    [
      'its time is over while its service is paused',
      anEnding({ ...cutByPolicy, verdict: paused }),
      'review-paused',
      'keep-or-disconnect',
    ],
    ['EC2 shows it cut', shownCut(cutByPolicy), 'disconnected', 'keep-or-disconnect'],
    ['it is gone before that', anEnding({ state: 'deleted' }), 'deleted', 'new-connection'],
  ] as const satisfies [string, ConnectionRecord, ConnectionStatus['status'], string][])(
    'where %s',
    (_, record, status, approvalKind) => {
      expect(statusOf(record).status).toBe(status);
      expect(approvalKindOf(record)).toBe(approvalKind);
    },
  );

  test('is connected, once linkgate has let in what people were asked about as a request', () => {
    const { revocation: _revocation, ...record } = anEnding(approvedToStay);
    const acceptRequestedAt = secondsAfterNoon(60).toISOString();
    expect(statusOf({ ...record, acceptRequestedAt }).status).toBe('connected');
  });

  test('is settled by nobody before its time is over', () => {
    expect(statusOf(anEnding())).not.toHaveProperty('settled');
  });

  test('is settled by whoever or whatever cuts it', () => {
    const revoked = { by: alice, at: time, reason: 'contract ended' };
    const word = { since: time, disconnectAt, cause: 'person', by: alice } as const;
    const settled = (how: Partial<ConnectionRecord>) => statusOf(anEnding(how)).settled;
    expect(settled(cutByPolicy)).toMatchObject({ by: 'linkgate', at: disconnectAt, cause: 'policy' });
    expect(settled(cutByPerson)).toEqual({ by: alice, at: time, reason: 'contract ended' });
    expect(settled({ ...cutByPolicy, revocation: word, revoked })).toEqual({ ...revoked, cause: 'person' });
    const block = { ...word, cause: 'block' } as const;
    expect(settled({ ...cutByPolicy, revocation: block })).toMatchObject({ by: alice, cause: 'block' });
  });
});

describe('who settled a request', () => {
  const approval = anApproval({ reason: 'known to us', ticket: 'CHG-1' });

  test('is the person whose word it follows, with what they said', () => {
    expect(
      statusOf(aRecord({ verdict: aVerdict('accept', { decidedBy: alice }), approval })).settled,
    ).toEqual({
      by: alice,
      at: time,
      reason: 'known to us',
      ticket: 'CHG-1',
    });
    const silent = aRecord({ verdict: aVerdict('reject'), approval: anApproval({ decision: 'deny' }) });
    expect(statusOf(silent).settled).toEqual({ by: alice, at: time });
  });

  test('is linkgate where policy did, also against a person’s word', () => {
    const byPolicy = { by: 'linkgate', at: time, reason: 'because' };
    expect(statusOf(aRecord({ verdict: aVerdict('accept') })).settled).toEqual(byPolicy);
    expect(statusOf(aRecord({ verdict: aVerdict('reject'), approval })).settled).toEqual(byPolicy);
  });

  test('is nobody while it is open, also while some have approved', () => {
    const approvals = { words: [approval], quorum: 2 };
    const connectionStatus = statusOf(aRecord({ verdict: aVerdict('ask'), approvals }));
    expect(connectionStatus).toMatchObject({ status: 'awaiting-approval', approvals });
    expect(connectionStatus).not.toHaveProperty('settled');
  });
});
