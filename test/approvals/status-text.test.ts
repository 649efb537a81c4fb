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
    ['open', 'It waits for approval.', { verdict: aVerdict('ask') }],
    [
      'open after its deadline',
      'It waits for approval. Nobody decided before the deadline; approvers can still decide.',
      { verdict: aVerdict('ask'), approvalRequest },
    ],
    [
      'approved by one of two',
      `It needs 2 approvals and has 1: ${alice}, on 21 Nov 2026, 12:00 UTC (ticket OPS-1). It waits for approval.`,
      { verdict: aVerdict('ask'), approvals: { quorum: 2, decisions: [anApproval({ ticket: 'OPS-1' })] } },
    ],
    [
      'on hold by a pause',
      'It is on hold, whatever approvers decide: orders is paused.',
      {
        verdict: aVerdict('hold', { findings: [aFinding({ outcome: 'hold', reason: 'orders is paused' })] }),
      },
    ],
    [
      'approved, and not yet connected in EC2',
      `${alice} approved it on 21 Nov 2026, 12:00 UTC: “known”. Its acceptance is pending; EC2 does not show it connected yet.`,
      approved,
    ],
    [
      'connected',
      `${alice} approved it on 21 Nov 2026, 12:00 UTC: “known”. EC2 shows it connected.`,
      { ...approved, state: 'available' },
    ],
    [
      'denied',
      `${alice} denied it on 21 Nov 2026, 12:00 UTC: “unknown”. Its rejection is pending; EC2 does not show it rejected yet.`,
      denied,
    ],
    [
      'rejected by policy',
      'linkgate decided by policy to reject it on 21 Nov 2026, 12:00 UTC: “because”. EC2 shows it rejected.',
      { verdict: aVerdict('reject'), state: 'rejected' },
    ],
    ['deleted', 'The endpoint is deleted.', { state: 'deleted' }],
  ] as const)('that is %s is “%s”', (_name, text, record) => {
    expect(statusText(aRecord(record as Parameters<typeof aRecord>[0])).join(' ')).toBe(text);
  });
});

describe('the status text of a connection', () => {
  const extended = { by: alice, at: noon.toISOString(), until: disconnectAt, reason: 'they migrate' };
  test.each([
    [
      'scheduled to be disconnected',
      'It is connected. linkgate disconnects it after its grace period, unless somebody keeps it connected or extends it.',
      aScheduledDisconnect(),
    ],
    [
      'extended',
      `It is connected. linkgate disconnects it after its grace period, unless somebody keeps it connected or extends it. ${alice} extended it until 24 Nov 2026, 12:00 UTC, on 21 Nov 2026, 12:00 UTC: “they migrate”.`,
      aScheduledDisconnect({ extended }),
    ],
    [
      'accepted outside linkgate',
      'It is connected and stays connected until somebody decides.',
      anExternallyAccepted(),
    ],
    [
      'on hold by a pause',
      'It is connected and stays connected while decisions are on hold: orders is paused.',
      aScheduledDisconnect({
        verdict: aVerdict('hold', { findings: [aFinding({ outcome: 'hold', reason: 'orders is paused' })] }),
      }),
    ],
    [
      'approved to stay',
      `${alice} kept it connected on 21 Nov 2026, 12:00 UTC: “renewed”. It stays connected.`,
      aScheduledDisconnect(approvedByPerson),
    ],
    [
      'allowed again',
      'linkgate decided by policy to accept it on 21 Nov 2026, 12:00 UTC: “because”. It stays connected.',
      aCancelledDisconnect(),
    ],
    [
      'being disconnected',
      `linkgate decided by policy to disconnect it on 24 Nov 2026, 12:00 UTC: “account ${consumer} is not on the allowlist of orders”. Its disconnect is pending; EC2 does not show it rejected yet.`,
      aScheduledDisconnect(disconnectedByPolicy),
    ],
    [
      'disconnected by a person',
      `${alice} disconnected it on 21 Nov 2026, 12:00 UTC: “contract ended”. It was disconnected: EC2 shows it rejected.`,
      aDisconnected(disconnectedByPerson),
    ],
  ] as const)('that is %s is “%s”', (_name, text, record) => {
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

  test('names the customer of the account', () => {
    const view = aView({ record: aScheduledDisconnect(), customer: 'initech' });
    expect(questionText(view)).toContain(`account ${consumer} (initech)`);
    expect(requestFacts(view)).toContainEqual(['Account', `${consumer} (initech)`]);
  });

  test('lists each reason once', () => {
    expect(openReasons(aScheduledDisconnect())).toEqual([
      `account ${consumer} is not on the allowlist of orders`,
    ]);
  });
});

test('the reasons of an approval request leave out findings that accept, and format times', () => {
  const findings = [
    aFinding({ outcome: 'ask', reason: 'the entry expired at 2026-11-21T12:00:00.000Z' }),
    aFinding({ outcome: 'accept', reason: 'the account is allowed' }),
  ];
  expect(openReasons(aRecord({ verdict: aVerdict('ask', { findings }) }))).toEqual([
    'the entry expired at 21 Nov 2026, 12:00 UTC',
  ]);
});

test('a passed deadline is written in the past tense if the request can still be decided', () => {
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

test('the name of an actor is an email address, a Slack user with the workspace, or an ARN', () => {
  expect(['mailto:a@example.com', 'slack:T01LOCAL:U01ALICE', alice].map(actorName)).toEqual([
    'a@example.com',
    'U01ALICE (Slack workspace T01LOCAL)',
    alice,
  ]);
});
