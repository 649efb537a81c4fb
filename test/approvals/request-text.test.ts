import { describe, expect, test } from '@jest/globals';
import type { ApprovalView } from '../../lib/approvals/approval-view.ts';
import {
  knownAccountText,
  openReasons,
  questionText,
  requestFacts,
} from '../../lib/approvals/request-text.ts';
import type { ConnectionRecord } from '../../lib/connections/connection-record.ts';
import { type StyledText, writePlain } from '../../lib/values/styled-text.ts';
import {
  aFinding,
  alice,
  anApproval,
  anApprovalRequest,
  anEntry,
  aRecord,
  aVerdict,
  consumer,
  endpointId,
  noon,
} from '../builders.ts';
import { aView } from '../channels/slack/fixtures.ts';
import {
  anExternallyAccepted,
  anOverQuotaDisconnect,
  aScheduledDisconnect,
} from '../notifications/connected-fixtures.ts';

const writeLines = (lines: readonly StyledText[]) => lines.map((line) => writePlain(line));
const writeFacts = (view: ApprovalView) =>
  requestFacts(view).map(([label, value]) => `${label}: ${writePlain(value)}`);

describe('the question to approvers', () => {
  const view = (record: ConnectionRecord) => aView({ record });

  test('names the time of the disconnect', () => {
    expect(writePlain(questionText(view(aScheduledDisconnect())))).toBe(
      `linkgate will disconnect account ${consumer} from your endpoint service orders on 24 Nov 2026, 12:00 UTC.`,
    );
    expect(writeFacts(view(aScheduledDisconnect()))).toContain('Disconnect on: 24 Nov 2026, 12:00 UTC');
  });

  test('says that nothing allows a connection that stays connected until somebody decides', () => {
    for (const record of [anExternallyAccepted(), anOverQuotaDisconnect()]) {
      expect(writePlain(questionText(view(record)))).toContain('no rule allows it');
      expect(writeFacts(view(record))).toContain('Decide before: 28 Nov 2026, 12:00 UTC');
    }
  });

  test('names the customer of the account', () => {
    const named = aView({ record: aScheduledDisconnect(), customer: 'initech' });
    expect(writePlain(questionText(named))).toContain(`account ${consumer} (initech)`);
    expect(writeFacts(named)).toContain(`Account: ${consumer} (initech)`);
  });
});

test('the reasons of an approval request are listed once, leave out findings that accept, and format times', () => {
  const findings = [
    aFinding({ outcome: 'ask', reason: 'the entry expired at 2026-11-21T12:00:00.000Z' }),
    aFinding({ outcome: 'ask', reason: 'the entry expired at 2026-11-21T12:00:00.000Z' }),
    aFinding({ outcome: 'accept', reason: 'the account is allowed' }),
  ];
  expect(writeLines(openReasons(aRecord({ verdict: aVerdict('ask', { findings }) })))).toEqual([
    'the entry expired at 21 Nov 2026, 12:00 UTC',
  ]);
});

test('a passed deadline is written in the past tense if the request can still be decided', () => {
  const approvalRequest = anApprovalRequest({ stage: 'expired', deadline: noon.toISOString() });
  const record = aRecord({ verdict: aVerdict('ask'), approvalRequest });
  expect(writeFacts(aView({ record }))).toContain('Deadline passed on: 21 Nov 2026, 12:00 UTC');
});

test('what is known of an account is its entries, and its earlier connections by status', () => {
  const personDecision = anApproval({ by: alice, reason: 'known to us' });
  const accepted = { verdict: aVerdict('accept', { decidedBy: alice }), personDecision };
  const view = aView({
    entries: [anEntry({ note: 'Acme' })],
    earlierConnections: [
      aRecord({ endpointId: endpointId(2), state: 'available', ...accepted }),
      aRecord({ endpointId: endpointId(3), state: 'rejected', verdict: aVerdict('reject') }),
    ],
  });
  expect(writeLines(knownAccountText(view, 1))).toEqual([
    'Its allowlist entry at this service: allow (“Acme”).',
    '2 endpoints: 1 connected, 1 rejected',
    `${endpointId(2)}, requested on 21 Nov 2026, 11:59 UTC: connected. Approved by ${alice} on 21 Nov 2026, 12:00 UTC: known to us`,
  ]);
  expect(writeLines(knownAccountText(aView()))).toEqual(['None that linkgate knows.']);
});
