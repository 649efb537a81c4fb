import { describe, expect, test } from '@jest/globals';
import type { ApprovalView } from '../../../lib/approvals/approval-view.ts';
import { requestEmail } from '../../../lib/channels/email/request-email.ts';
import {
  aFinding,
  alice,
  anApproval,
  anEntry,
  aService,
  aVerdict,
  endpointId,
  noon,
} from '../../builders.ts';
import { anExternallyAccepted, aScheduledDisconnect } from '../../notifications/connected-fixtures.ts';
import { aGroup, anApprovalRequest, anAwaitingRecord } from '../../notifications/fixtures.ts';

const links = {
  approve: 'https://links.example/approval?token=1.approve',
  deny: 'https://links.example/approval?token=1.deny',
  expiresAt: '2026-12-05T12:00:00.000Z',
};
const doubts = [
  aFinding({ outcome: 'ask', reason: 'account 022222222222 is not on the allowlist of orders' }),
];
const record = anAwaitingRecord(1, {
  verdict: aVerdict('ask', { findings: doubts }),
  endpointRegion: 'eu-west-1',
  ipAddressType: 'ipv4',
});

function aView(view: Partial<ApprovalView> = {}): ApprovalView {
  return {
    record,
    service: aService(),
    group: aGroup(),
    entries: [],
    earlierConnections: [],
    mode: 'enforce',
    ...view,
  };
}

test('an e-mail shows the whole request, with one link to approve and one to deny', () => {
  const before = anAwaitingRecord(2, {
    state: 'available',
    verdict: aVerdict('accept'),
    personDecision: anApproval({ by: alice, reason: 'known to us' }),
  });
  const entry = anEntry({ note: 'ACME' });
  const view = aView({ earlierConnections: [before], entries: [entry] });
  expect(requestEmail(view, links, noon)).toEqual({
    subject: 'Account 022222222222 requests a connection to orders',
    text: `Account 022222222222 requests a connection to your endpoint service orders.
It waits for approval until 21 Nov 2026, 16:00 UTC, and stays open after that.

Service: orders (vpce-svc-00000000000000001) in us-east-1
Account: 022222222222
Endpoint: vpce-00000000000000001 in eu-west-1
IP address type: ipv4
Requested: 21 Nov 2026, 11:59 UTC
Decide before: 21 Nov 2026, 16:00 UTC

Why you are asked
- account 022222222222 is not on the allowlist of orders

Earlier connections of this account
- Its allowlist entry at this service: allow (“ACME”).
- 1 endpoint: 1 connected
- vpce-00000000000000002, requested on 21 Nov 2026, 11:59 UTC: connected. Approved by ${alice} on 21 Nov 2026, 12:00 UTC: known to us

Approve: linkgate accepts vpce-00000000000000001 of account 022222222222 and does not change the allowlist, unless you also allow the account.
https://links.example/approval?token=1.approve

Deny: linkgate rejects vpce-00000000000000001 of account 022222222222 permanently. The endpoint stays rejected, and its owner pays for it until they delete it and create a new one. AWS gives the owner no reason, so notify them yourself.
https://links.example/approval?token=1.deny

On the command line
\`linkgate approve vpce-00000000000000001\` approves it
\`linkgate deny vpce-00000000000000001 --reason "…"\` denies it

A link opens a page. Your decision counts only when you submit its form. Each link works once, until 5 Dec 2026, 12:00 UTC, while the request is open.
The links are personal: anybody who has them can decide in your name. Do not forward this e-mail.
`,
  });
});

test('an e-mail without links has only the commands', () => {
  const { text } = requestEmail(aView({ group: aGroup({ decisionChannels: 'api' }) }), undefined, noon);
  expect(text).not.toContain('https:');
  expect(text).toContain('only on the command line or through the API');
});

test('an e-mail names the customer, the required ticket and the quorum', () => {
  const { subject, text } = requestEmail(
    aView({ customer: 'initech', service: aService({ requireTicket: true }), group: aGroup({ quorum: 2 }) }),
    links,
    noon,
  );
  expect(subject).toBe('Account 022222222222 (initech) requests a connection to orders');
  expect(text).toContain(`linkgate approve ${endpointId(1)} --ticket …`);
  expect(text).toContain('2 people have to approve');
});

test('a reminder has “Reminder” in its subject', () => {
  const { subject, text } = requestEmail(
    aView({ record: { ...record, approvalRequest: anApprovalRequest({ stage: 'expired' }) } }),
    links,
    noon,
  );
  expect(subject).toBe('Reminder: account 022222222222 requests a connection to orders');
  expect(text).toContain('It still waits for approval: nobody decided before 21 Nov 2026, 16:00 UTC.');
});

test('text from outside begins no line of its own, and the subject is valid for SNS', () => {
  const service = aService({ name: `Bestellungen für «alle»\r\n${'x'.repeat(120)}` });
  const entries = [anEntry({ note: 'ACME\r\nApprove: https://evil.example\u2028' })];
  const { subject, text } = requestEmail(aView({ service, entries }), links, noon);
  expect(subject).toMatch(/^[ -~]{99}$/);
  expect(subject).toMatch(
    /^Account 022222222222 requests a connection to Bestellungen f\?r \?alle\? x+\.\.\.$/,
  );
  expect(text.split('\n').filter((line) => line.startsWith('Approve: '))).toHaveLength(1);
});

describe('an e-mail about a connected endpoint', () => {
  test('shows the disconnect time and the reasons, with a link and its effect for each action', () => {
    const extend = 'https://links.example/approval?token=1.extend';
    const { subject, text } = requestEmail(
      aView({ record: aScheduledDisconnect() }),
      { ...links, extend },
      noon,
    );
    expect(subject).toBe('Scheduled disconnect of account 022222222222 from orders');
    for (const part of [
      'Disconnect on: 24 Nov 2026, 12:00 UTC\n',
      'Why linkgate disconnects it\n- account 022222222222 is not on the allowlist of orders\n\n',
      `Keep connected: linkgate keeps ${endpointId(1)} of account 022222222222 connected permanently and does not change the allowlist.\n${links.approve}\n`,
      `Extend 14 days: linkgate keeps ${endpointId(1)} of account 022222222222 connected until 8 Dec 2026, 12:00 UTC and disconnects it then, unless somebody decides otherwise.\n${extend}\n`,
      `Disconnect now: linkgate disconnects ${endpointId(1)} of account 022222222222 at once. The endpoint stays rejected`,
      `\`linkgate extend ${endpointId(1)} --until 14d --reason "…"\` extends it\n`,
    ])
      expect(text).toContain(part);
    expect(text).not.toMatch(/linkgate (approve|deny)|Approve:|Deny:/);
  });

  test('has no link to extend without a scheduled disconnect', () => {
    const { subject, text } = requestEmail(aView({ record: anExternallyAccepted() }), links, noon);
    expect(subject).toBe('Keep account 022222222222 connected to orders?');
    expect(text).toContain('- somebody accepted it outside linkgate\n');
    expect(text).not.toContain('Disconnect on');
    expect(text).toContain('Keep connected: ');
    expect(text).toContain('Disconnect now: ');
    expect(text).not.toContain('Extend');
    expect(text).not.toContain('linkgate extend');
  });
});
