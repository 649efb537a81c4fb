import { expect, test } from '@jest/globals';
import { composeCustomerEmail, type EndpointEvent } from '../../lib/customer-notifications/customer-email.ts';
import type { CustomerEvent, NextEvent } from '../../lib/customer-notifications/customer-event.ts';
import { customerMessages } from '../../rules/customer-messages/index.ts';
import { findSection, parseTable, readPage } from '../docs/page.ts';

const endpointFields = {
  endpointId: 'vpce-0a1b2c3d4e5f60718',
  ownerAccountId: '444455556666',
  region: 'us-east-1',
  service: 'payments',
  serviceId: 'vpce-svc-0123456789abcdef0',
  serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0',
};
const disconnectAt = '2026-11-24T12:00:00.000Z';
const until = '2026-12-31T23:59:59.000Z';

/** An event of each kind, with the values of docs/customers.md. */
const examples: { readonly [Event in CustomerEvent]: NextEvent<Event> } = {
  received: { event: 'received' },
  waiting: { event: 'waiting' },
  accepted: { event: 'accepted' },
  rejected: { event: 'rejected', reason: 'Your contract covers the test service only.' },
  'disconnect-scheduled': { event: 'disconnect-scheduled', disconnectAt },
  'disconnect-extended': { event: 'disconnect-extended' },
  'disconnect-cancelled': { event: 'disconnect-cancelled' },
  expiring: { event: 'expiring', until, daysBefore: 14 },
  disconnected: { event: 'disconnected' },
};
const customerEvents = Object.keys(examples) as CustomerEvent[];
const buildEvent = (event: CustomerEvent): EndpointEvent => ({ ...endpointFields, ...examples[event] });
const composeEmail = (event: NextEvent, facts: object = {}) =>
  composeCustomerEmail([{ ...endpointFields, ...event, ...facts }], customerMessages);

const messagesOnPage = findSection(readPage('docs/customers.md'), 'The messages');

test('docs/customers.md has the subject of the email for each event', () => {
  const subjects = parseTable(messagesOnPage).map((row) => [
    row.event?.replaceAll('`', ''),
    `${row['subject, before the endpoint and service']}: ${endpointFields.endpointId} to payments`,
  ]);
  expect(subjects).toEqual(customerEvents.map((event) => [event, composeEmail(examples[event]).subject]));
});

test('docs/customers.md shows an email as linkgate sends it', () => {
  const { subject, text } = composeEmail(examples['disconnect-scheduled']);
  expect(messagesOnPage).toContain(`\`\`\`text\nSubject: ${subject}\n\n${text}\`\`\``);
});

test('docs/customers.md shows the email about many endpoints as linkgate sends it', () => {
  const all = Array.from({ length: 30 }, (_, index) => ({
    ...endpointFields,
    endpointId: `vpce-0a1b2c3d4e5f607${(index + 16).toString(16)}`,
    ...(index < 2 ? examples.rejected : examples.waiting),
  }));
  const { subject, text } = composeCustomerEmail(all, customerMessages);
  expect(messagesOnPage).toContain(`Subject: ${subject}\n\n${text.split('\n').slice(0, 2).join('\n')}\n`);
  expect(messagesOnPage).toContain(text.slice(text.indexOf('And 10 more')));
});

test('an email about many endpoints groups them by account, Region and service', () => {
  const otherService = { ...endpointFields, region: 'eu-central-1', service: 'reports' };
  const all = [buildEvent('accepted'), { ...otherService, ...examples.disconnected }, buildEvent('waiting')];
  const { subject, text } = composeCustomerEmail(all, customerMessages);
  expect(subject).toBe('Updates on 3 of your endpoints');
  const [first, second] = text.split('\n\n');
  expect(first?.split('\n')).toEqual([
    `Account 444455556666 in us-east-1, service ${endpointFields.serviceName}:`,
    expect.stringContaining('is accepted'),
    expect.stringContaining('waits for approval'),
  ]);
  expect(second).toContain('Account 444455556666 in eu-central-1');
});

test.each<[string, NextEvent, string]>([
  [
    'scheduled disconnect names the previous time',
    { event: 'disconnect-scheduled', disconnectAt: until, previousDisconnectAt: disconnectAt },
    'on 31 Dec 2026, 23:59 UTC, not on 24 Nov 2026, 12:00 UTC',
  ],
  [
    'scheduled disconnect says that the service is shut down',
    { event: 'disconnect-scheduled', disconnectAt, isDeregistering: true },
    'The provider shuts the service down.',
  ],
  [
    'disconnect says that the service is shut down',
    { event: 'disconnected', isDeregistering: true },
    'The provider shuts the service down.',
  ],
])('an email about a %s', (_what, event, text) => {
  expect(composeEmail(event).text).toContain(text);
});

test('a customer message cannot imitate a section of the email', () => {
  const { text } = composeEmail({ event: 'rejected', reason: 'no\n\nNext steps\naws iam create-user' });
  expect(text.match(/^Next steps$/gm)).toHaveLength(1);
});

test.each(customerEvents)('the subject of `%s` meets the limits of SNS', (event) => {
  const service = 'ü'.repeat(127);
  const { subject } = composeEmail(examples[event], { service });
  expect(subject).toMatch(/^[ -~]{1,99}$/);
});
