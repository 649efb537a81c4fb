import { expect, test } from '@jest/globals';
import { digestEmail } from '../../../lib/channels/email/digest-email.ts';
import { anApprovalRequest, aService, endpointId } from '../../builders.ts';
import { anOverQuotaDisconnect, aScheduledDisconnect } from '../../notifications/connected-fixtures.ts';
import { aGroup, anAwaitingRecord } from '../../notifications/fixtures.ts';

const services = [aService()];
const noCustomers = new Map<string, string>();

test('a digest e-mail counts the requests, and lists the first twenty with their links', () => {
  const records = Array.from({ length: 23 }, (_, index) =>
    anAwaitingRecord(index + 1, { ownerAccountId: index < 21 ? '022222222222' : '333333333333' }),
  );
  const expiresAt = '2026-12-05T12:00:00.000Z';
  const links = new Map(
    records.slice(0, 20).map(({ endpointId: id }) => {
      const link = (purpose: string) => `https://links.example/approval?token=${purpose}-${id}`;
      return [id, { approve: link('approve'), deny: link('deny'), expiresAt }];
    }),
  );
  const { subject, text } = digestEmail(
    {
      group: aGroup(),
      records,
      services,
      customers: new Map([['022222222222', 'initech']]),
      isReminder: false,
    },
    links,
  );
  expect(subject).toBe('23 requests wait for the approver group default');
  expect(text).toContain('- account 022222222222 (initech): 21\n- account 333333333333: 2\n');
  expect(text).toContain('- orders: 23\n');
  expect(text).toContain(
    `20. ${endpointId(20)} of account 022222222222 (initech) to orders, decide before 21 Nov 2026, 16:00 UTC
Approve: https://links.example/approval?token=approve-${endpointId(20)}
Deny: https://links.example/approval?token=deny-${endpointId(20)}
`,
  );
  expect(text).toContain('And 3 more.');
  expect(text).not.toContain('21. ');
});

test('a digest e-mail has no links if the group decides only by API', () => {
  const group = aGroup({ decisionChannels: 'api' });
  const { text } = digestEmail(
    { group, records: [anAwaitingRecord()], services: [], customers: noCustomers, isReminder: false },
    new Map(),
  );
  expect(text).not.toContain('https:');
  expect(text).toContain('only on the command line or through the API');
});

test('a digest e-mail about connections counts the reasons', () => {
  const records = [
    anOverQuotaDisconnect(),
    anOverQuotaDisconnect({ endpointId: endpointId(2) }),
    aScheduledDisconnect({ endpointId: endpointId(3) }),
  ];
  const { text } = digestEmail(
    { group: aGroup(), records, services, customers: noCustomers, isReminder: false },
    new Map(),
  );
  expect(text).toContain(
    'Reasons\n- its grace period is over, but the disconnect quota of orders for 24 hours is used up: a person decides: 2\n- account 022222222222 is not on the allowlist of orders: 1\n',
  );
});

test('a digest reminder of one overdue request shows that it is overdue', () => {
  const approvalRequest = anApprovalRequest({ deadline: '2026-11-21T16:00:00.000Z', stage: 'expired' });
  const record = anAwaitingRecord(1, { approvalRequest });
  const { subject, text } = digestEmail(
    { group: aGroup(), records: [record], services, customers: noCustomers, isReminder: true },
    new Map(),
  );
  expect(subject).toBe('Reminder: 1 request waits for the approver group default');
  expect(text).toContain('overdue since 21 Nov 2026, 16:00 UTC');
  expect(text).not.toContain('combines them');
});
