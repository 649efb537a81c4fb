import { describe, expect, test } from '@jest/globals';
import {
  actorName,
  allowCommand,
  entryText,
  openReasons,
  questionText,
  requestFacts,
  statusText,
} from '../../lib/approvals/status-text.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import {
  aFinding,
  alice,
  anApproval,
  anEntry,
  aRecord,
  aVerdict,
  consumer,
  endpointId,
  noon,
} from '../builders.ts';
import { aView } from '../channels/slack/fixtures.ts';
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

const approved = {
  verdict: aVerdict('accept', { decidedBy: alice }),
  personDecision: anApproval({ reason: 'known' }),
};
const denial = anApproval({ decision: 'deny', reason: 'unknown' });
const denied = { verdict: aVerdict('reject', { decidedBy: alice }), personDecision: denial };
const approvalRequest = {
  group: 'default',
  requestedAt: noon.toISOString(),
  deadline: noon.toISOString(),
  version: 1,
  stage: 'expired',
} as const;

describe('the status text of a request', () => {
  test.each([
    ['open', { verdict: aVerdict('ask') }, 'It waits for approval.'],
    [
      'open after its deadline',
      { verdict: aVerdict('ask'), approvalRequest },
      'It waits for approval. Nobody decided before the deadline; approvers can still decide.',
    ],
    [
      'approved by one of two',
      { verdict: aVerdict('ask'), approvals: { quorum: 2, decisions: [anApproval({ ticket: 'OPS-1' })] } },
      `It needs 2 approvals and has 1: ${alice}, on 21 Nov 2026, 12:00 UTC (ticket OPS-1). It waits for approval.`,
    ],
    [
      'held by a pause',
      {
        verdict: aVerdict('hold', { findings: [aFinding({ outcome: 'hold', reason: 'orders is paused' })] }),
      },
      'It is on hold, whatever approvers decide: orders is paused.',
    ],
    [
      'approved, and not connected before EC2 shows it',
      approved,
      `${alice} approved it on 21 Nov 2026, 12:00 UTC: “known”. Its acceptance is pending; EC2 does not show it connected yet.`,
    ],
    [
      'connected',
      { ...approved, state: 'available' },
      `${alice} approved it on 21 Nov 2026, 12:00 UTC: “known”. EC2 shows it connected.`,
    ],
    [
      'denied',
      denied,
      `${alice} denied it on 21 Nov 2026, 12:00 UTC: “unknown”. Its rejection is pending; EC2 does not show it rejected yet.`,
    ],
    [
      'rejected by policy',
      { verdict: aVerdict('reject'), state: 'rejected' },
      'linkgate decided by policy to reject it on 21 Nov 2026, 12:00 UTC: “because”. EC2 shows it rejected.',
    ],
    ['deleted', { state: 'deleted' }, 'The endpoint is deleted.'],
  ] as const)('%s', (_name, record, text) => {
    expect(statusText(aRecord(record as Parameters<typeof aRecord>[0])).join(' ')).toBe(text);
  });
});

describe('the status text of a connection', () => {
  const extended = { by: alice, at: noon.toISOString(), until: disconnectAt, reason: 'they migrate' };
  test.each([
    [
      'scheduled to be disconnected',
      aScheduledDisconnect(),
      'It is connected. linkgate disconnects it after its grace period, unless somebody keeps it connected or extends it.',
    ],
    [
      'extended',
      aScheduledDisconnect({ extended }),
      `It is connected. linkgate disconnects it after its grace period, unless somebody keeps it connected or extends it. ${alice} extended it until 24 Nov 2026, 12:00 UTC, on 21 Nov 2026, 12:00 UTC: “they migrate”.`,
    ],
    [
      'accepted outside linkgate',
      anExternallyAccepted(),
      'It is connected and stays connected until somebody decides.',
    ],
    [
      'held by a pause',
      aScheduledDisconnect({
        verdict: aVerdict('hold', { findings: [aFinding({ outcome: 'hold', reason: 'orders is paused' })] }),
      }),
      'It is connected and stays connected while decisions are on hold: orders is paused.',
    ],
    [
      'approved to stay',
      aScheduledDisconnect(approvedByPerson),
      `${alice} kept it connected on 21 Nov 2026, 12:00 UTC: “renewed”. It stays connected.`,
    ],
    [
      'allowed again',
      aCancelledDisconnect(),
      'linkgate decided by policy to accept it on 21 Nov 2026, 12:00 UTC: “because”. It stays connected.',
    ],
    [
      'being disconnected',
      aScheduledDisconnect(disconnectedByPolicy),
      `linkgate decided by policy to disconnect it on 24 Nov 2026, 12:00 UTC: “account ${consumer} is not on the allowlist of orders”. Its disconnect is pending; EC2 does not show it rejected yet.`,
    ],
    [
      'disconnected by a person',
      aDisconnected(disconnectedByPerson),
      `${alice} disconnected it on 21 Nov 2026, 12:00 UTC: “contract ended”. It was disconnected: EC2 shows it rejected.`,
    ],
  ] as const)('%s', (_name, record, text) => {
    expect(statusText(record).join(' ')).toBe(text);
  });
});

describe('the question to approvers', () => {
  const view = (record: ConnectionRecord) => aView({ record });

  test('names the time of the disconnect', () => {
    expect(questionText(view(aScheduledDisconnect()))).toBe(
      `linkgate will disconnect account ${consumer} from your endpoint service orders on 24 Nov 2026, 12:00 UTC.`,
    );
    expect(requestFacts(view(aScheduledDisconnect()))).toContainEqual([
      'Disconnect on',
      '24 Nov 2026, 12:00 UTC',
    ]);
  });

  test('says that nothing allows a connection that stays connected until somebody decides', () => {
    for (const record of [anExternallyAccepted(), anOverQuotaDisconnect()]) {
      expect(questionText(view(record))).toContain('no rule allows it');
      expect(requestFacts(view(record))).toContainEqual(['Decide before', '28 Nov 2026, 12:00 UTC']);
    }
  });

  test('names the customer of the account where an entry has one', () => {
    const entries = [anEntry({ customer: 'initech' })];
    const view = aView({ record: aScheduledDisconnect(), entries });
    expect(questionText(view)).toContain(`account ${consumer} (initech)`);
    expect(requestFacts(view)).toContainEqual(['Account', `${consumer} (initech)`]);
  });

  test('lists each reason once', () => {
    expect(openReasons(aScheduledDisconnect())).toEqual([
      `account ${consumer} is not on the allowlist of orders`,
    ]);
  });
});

test('the reasons to ask leave out findings that accept, and format times', () => {
  const findings = [
    aFinding({ outcome: 'ask', reason: 'the entry expired at 2026-11-21T12:00:00.000Z' }),
    aFinding({ outcome: 'accept', reason: 'the account is allowed' }),
  ];
  expect(openReasons(aRecord({ verdict: aVerdict('ask', { findings }) }))).toEqual([
    'the entry expired at 21 Nov 2026, 12:00 UTC',
  ]);
});

test('a passed deadline reads as past where the request can still be decided', () => {
  const view = aView({ record: aRecord({ verdict: aVerdict('ask'), approvalRequest }) });
  expect(requestFacts(view)).toContainEqual(['Deadline passed on', '21 Nov 2026, 12:00 UTC']);
});

describe('the command that replaces an entry', () => {
  test('repeats all options of the entry except the changed ones', () => {
    const entry = anEntry({
      endpointIds: [endpointId(1), endpointId(2)],
      consumerRegions: ['eu-west-1'],
      maxEndpoints: 2,
      expiresAt: noon.toISOString(),
      roles: [`arn:aws:iam::${consumer}:role/deployer`],
      owners: ['slack:T01LOCAL:U01ALICE', 'mailto:a@example.com'],
      note: "it's Acme",
    });
    expect(allowCommand(entry, 'orders', { expires: ['90d'] })).toBe(
      `linkgate allow ${consumer} --service orders --endpoint ${endpointId(1)} --endpoint ${endpointId(2)} --consumer-region eu-west-1 --max-endpoints 2 --expires 90d --role arn:aws:iam::${consumer}:role/deployer --owner slack:T01LOCAL:U01ALICE --owner mailto:a@example.com --note 'it'\\''s Acme'`,
    );
  });

  test('quotes the wildcard service for a shell', () => {
    expect(allowCommand(anEntry({ serviceId: '*' }), 'orders', {})).toContain(` --service '*'`);
  });
});

test('the text of an entry has its scope, expiry and note', () => {
  expect(entryText(anEntry({ serviceId: '*', effect: 'block', note: 'fraud' }))).toBe(
    'Its allowlist entry at every service: block (“fraud”).',
  );
  expect(entryText(anEntry({ expiresAt: noon.toISOString() }))).toBe(
    'Its allowlist entry at this service: allow, until 21 Nov 2026, 12:00 UTC.',
  );
});

test('an actor is named as in their channel', () => {
  expect(['mailto:a@example.com', 'slack:T01LOCAL:U01ALICE', alice].map(actorName)).toEqual([
    'a@example.com',
    'U01ALICE (Slack workspace T01LOCAL)',
    alice,
  ]);
});
