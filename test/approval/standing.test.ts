import { describe, expect, test } from '@jest/globals';
import { type Standing, standingOf } from '../../lib/approval/standing.ts';
import { type ConnectionState, connectionStates } from '../../lib/connection/connection.ts';
import type { ConnectionRecord } from '../../lib/connection/connection-record.ts';
import { aFinding, alice, anApproval, anAsking, aRecord, aVerdict, noon } from '../builders.ts';

const paused = aVerdict('wait', { findings: [aFinding({ rule: 'service-is-paused', outcome: 'wait' })] });
const held = aVerdict('wait', { findings: [aFinding({ rule: 'account-is-not-listed', outcome: 'wait' })] });
const time = noon.toISOString();

describe('how a request stands', () => {
  test.each([
    ['nobody decided yet', {}, 'open'],
    ['people are asked', { verdict: aVerdict('ask') }, 'open'],
    ['its service holds what is not listed', { verdict: held }, 'open'],
    ['its service is paused', { verdict: paused }, 'stopped'],
    ['it is to be accepted', { verdict: aVerdict('accept') }, 'accepting'],
    ['EC2 connects it', { verdict: aVerdict('accept'), state: 'pending' }, 'accepting'],
    ['EC2 shows it connected', { verdict: aVerdict('accept'), state: 'available' }, 'connected'],
    ['it is to be rejected', { verdict: aVerdict('reject') }, 'rejecting'],
    ['EC2 shows it rejected', { verdict: aVerdict('reject'), state: 'rejected' }, 'rejected'],
    ['somebody else accepted it', { verdict: aVerdict('reject'), state: 'available' }, 'connected'],
    ['somebody else rejected it', { verdict: aVerdict('ask'), state: 'rejected' }, 'rejected'],
    ['its service was taken out', { verdict: aVerdict('ask'), abandonedAt: time }, 'abandoned'],
    ['its consumer deletes it', { verdict: aVerdict('ask'), state: 'deleting' }, 'gone'],
    ['it was deleted', { verdict: aVerdict('accept'), state: 'deleted' }, 'gone'],
    ['EC2 lists it no more', { verdict: aVerdict('ask'), state: 'deleted', goneAt: time }, 'gone'],
  ] as const satisfies [string, Partial<ConnectionRecord>, Standing['status']][])(
    'where %s',
    (_, record, status) => {
      expect(standingOf(aRecord(record)).status).toBe(status);
    },
  );

  test('is connected in no state but where EC2 shows it available, whatever the verdict', () => {
    const connected = (['accept', 'reject', 'ask', 'wait'] as const).flatMap((outcome) =>
      connectionStates.filter(
        (state) => standingOf(aRecord({ state, verdict: aVerdict(outcome) })).status === 'connected',
      ),
    );
    expect(new Set<ConnectionState>(connected)).toEqual(new Set(['available']));
  });

  test('says that its time has run out', () => {
    const asked = aRecord({ verdict: aVerdict('ask'), asking: anAsking() });
    expect(standingOf(asked).isExpired).toBe(false);
    const expired = { ...asked, asking: anAsking({ stage: 'expired' }) };
    expect(standingOf(expired)).toMatchObject({ status: 'open', isExpired: true });
  });
});

describe('who settled a request', () => {
  const approval = anApproval({ reason: 'known to us', ticket: 'CHG-1' });

  test('is the person whose word it follows, with what they said', () => {
    expect(
      standingOf(aRecord({ verdict: aVerdict('accept', { decidedBy: alice }), approval })).settled,
    ).toEqual({
      by: alice,
      at: time,
      reason: 'known to us',
      ticket: 'CHG-1',
    });
    const silent = aRecord({ verdict: aVerdict('reject'), approval: anApproval({ decision: 'deny' }) });
    expect(standingOf(silent).settled).toEqual({ by: alice, at: time });
  });

  test('is linkgate where policy did, also against a person’s word', () => {
    const byPolicy = { by: 'linkgate', at: time, reason: 'because' };
    expect(standingOf(aRecord({ verdict: aVerdict('accept') })).settled).toEqual(byPolicy);
    expect(standingOf(aRecord({ verdict: aVerdict('reject'), approval })).settled).toEqual(byPolicy);
  });

  test('is nobody while it is open, also while some have approved', () => {
    const approvals = { words: [approval], quorum: 2 };
    const standing = standingOf(aRecord({ verdict: aVerdict('ask'), approvals }));
    expect(standing).toMatchObject({ status: 'open', approvals });
    expect(standing).not.toHaveProperty('settled');
  });
});
