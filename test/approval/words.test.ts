import { describe, expect, test } from '@jest/globals';
import { entryIn, nameOf, standingIn } from '../../lib/approval/words.ts';
import { aFinding, alice, anApproval, anEntry, aRecord, aVerdict, noon } from '../builders.ts';

const approved = {
  verdict: aVerdict('accept', { decidedBy: alice }),
  approval: anApproval({ reason: 'known' }),
};
const denial = anApproval({ decision: 'deny', reason: 'unknown' });
const denied = { verdict: aVerdict('reject', { decidedBy: alice }), approval: denial };
const asking = {
  group: 'default',
  since: noon.toISOString(),
  deadline: noon.toISOString(),
  version: 1,
  stage: 'expired',
} as const;

describe('how a request stands is told as', () => {
  test.each([
    ['open', { verdict: aVerdict('ask') }, 'It waits for approval.'],
    [
      'open although its time is over',
      { verdict: aVerdict('ask'), asking },
      'It waits for approval. Nobody decided it in time; it can still be decided.',
    ],
    [
      'approved by one of two',
      { verdict: aVerdict('ask'), approvals: { quorum: 2, words: [anApproval({ ticket: 'OPS-1' })] } },
      `It takes 2 approvals, and has 1: ${alice}, on 21 Nov 2026, 12:00 UTC (ticket OPS-1). It waits for approval.`,
    ],
    [
      'kept by a pause',
      {
        verdict: aVerdict('wait', { findings: [aFinding({ outcome: 'wait', reason: 'orders is paused' })] }),
      },
      'It waits, whatever people say, until what keeps it is over: orders is paused.',
    ],
    [
      'approved, and not connected before EC2 shows it',
      approved,
      `${alice} approved it on 21 Nov 2026, 12:00 UTC: “known”. It is to be accepted; EC2 does not show it connected yet.`,
    ],
    [
      'connected',
      { ...approved, state: 'available' },
      `${alice} approved it on 21 Nov 2026, 12:00 UTC: “known”. EC2 shows it connected.`,
    ],
    [
      'denied',
      denied,
      `${alice} denied it on 21 Nov 2026, 12:00 UTC: “unknown”. It is to be rejected; EC2 does not show it rejected yet.`,
    ],
    [
      'rejected by policy',
      { verdict: aVerdict('reject'), state: 'rejected' },
      'linkgate decided by its policy to reject it, on 21 Nov 2026, 12:00 UTC: “because”. EC2 shows it rejected.',
    ],
    ['gone', { state: 'deleted' }, 'The endpoint is gone.'],
  ] as const)('%s', (_name, record, told) => {
    expect(standingIn(aRecord(record as Parameters<typeof aRecord>[0])).join(' ')).toBe(told);
  });
});

test('an entry is told with where, until when and why', () => {
  expect(entryIn(anEntry({ serviceId: '*', effect: 'block', note: 'fraud' }))).toBe(
    'Its entry in the allowlist at every service: block (“fraud”).',
  );
  expect(entryIn(anEntry({ expiresAt: noon.toISOString() }))).toBe(
    'Its entry in the allowlist at this service: allow, until 21 Nov 2026, 12:00 UTC.',
  );
});

test('people are named as their channel knows them', () => {
  expect(['mailto:a@example.com', 'slack:T01LOCAL:U01ALICE', alice].map(nameOf)).toEqual([
    'a@example.com',
    'U01ALICE (Slack workspace T01LOCAL)',
    alice,
  ]);
});
