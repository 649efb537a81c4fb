import { describe, expect, test } from '@jest/globals';
import { matterOf, type Standing, standingOf } from '../../lib/approval/standing.ts';
import { type ConnectionState, connectionStates } from '../../lib/connection/connection.ts';
import type { ConnectionRecord } from '../../lib/connection/connection-record.ts';
import {
  aFinding,
  alice,
  anApproval,
  anAsking,
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
  cutAt,
  cutByPerson,
  cutByPolicy,
  shownCut,
} from '../telling/live.ts';

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

describe('how a connection that lives stands', () => {
  test.each([
    ['its permission has gone', anEnding(), 'ending', 'ending'],
    ['others accepted it', aForeign(), 'doubted', 'doubted'],
    ['the budget of cuts was used up', anOverdue(), 'doubted', 'doubted'],
    [
      'that is written down before people are asked',
      { ...anOverdue(), verdict: cutByPolicy.verdict },
      'doubted',
      'doubted',
    ],
    ['its service is paused meanwhile', anEnding({ verdict: paused }), 'halted', 'doubted'],
    ['somebody approved that it stays', anEnding(approvedToStay), 'staying', 'doubted'],
    ['it is allowed again', calledOff(), 'staying', 'doubted'],
    ['its time is over', anEnding(cutByPolicy), 'cutting', 'doubted'],
    [
      'its time is over while its service is paused',
      anEnding({ ...cutByPolicy, verdict: paused }),
      'halted',
      'doubted',
    ],
    ['EC2 shows it cut', shownCut(cutByPolicy), 'cut', 'doubted'],
    ['it is gone before that', anEnding({ state: 'deleted' }), 'gone', 'request'],
  ] as const satisfies [string, ConnectionRecord, Standing['status'], string][])(
    'where %s',
    (_, record, status, matter) => {
      expect(standingOf(record).status).toBe(status);
      expect(matterOf(record)).toBe(matter);
    },
  );

  test('is connected, once linkgate has let in what people were asked about as a request', () => {
    const { revocation: _revocation, ...record } = anEnding(approvedToStay);
    const acceptAskedAt = secondsAfterNoon(60).toISOString();
    expect(standingOf({ ...record, acceptAskedAt }).status).toBe('connected');
  });

  test('is settled by nobody before its time is over', () => {
    expect(standingOf(anEnding())).not.toHaveProperty('settled');
  });

  test('is settled by whoever or whatever cuts it', () => {
    const revoked = { by: alice, at: time, reason: 'contract ended' };
    const word = { since: time, cutAt, cause: 'person', by: alice } as const;
    const settled = (how: Partial<ConnectionRecord>) => standingOf(anEnding(how)).settled;
    expect(settled(cutByPolicy)).toMatchObject({ by: 'linkgate', at: cutAt, cause: 'policy' });
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
