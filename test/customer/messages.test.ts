import { describe, expect, test } from '@jest/globals';
import { type EndpointNews, mailAbout, mailAboutMany } from '../../lib/customer/message.ts';
import { type ConsumerEvent, consumerEvents, type News } from '../../lib/customer/news.ts';
import { consumerMessages } from '../../rules/consumer-messages/index.ts';
import { readPage, sectionOf } from '../docs/page.ts';

const facts = {
  endpointId: 'vpce-0a1b2c3d4e5f60718',
  ownerAccountId: '444455556666',
  region: 'us-east-1',
  service: 'payments',
  serviceId: 'vpce-svc-0123456789abcdef0',
  serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0',
};
const cutAt = '2026-11-24T12:00:00.000Z';
const until = '2026-12-31T23:59:59.000Z';

/** One of each kind, as docs/consumers.md shows it. */
const examples: { readonly [Event in ConsumerEvent]: News<Event> } = {
  received: { event: 'received' },
  waiting: { event: 'waiting' },
  accepted: { event: 'accepted' },
  rejected: { event: 'rejected', reason: 'Your contract covers the test service only.' },
  'will-be-cut': { event: 'will-be-cut', cutAt },
  'put-off': { event: 'put-off' },
  stays: { event: 'stays' },
  expiring: { event: 'expiring', until, days: 14 },
  cut: { event: 'cut' },
};
const newsOf = (event: ConsumerEvent): EndpointNews => ({ ...facts, ...examples[event] });
const mailOf = (news: News) => mailAbout({ ...facts, ...news }, consumerMessages);

test.each(consumerEvents)('docs/consumers.md shows the message `%s` as it is sent', (event) => {
  const { subject, text } = mailAbout(newsOf(event), consumerMessages);
  const shown = sectionOf(readPage('docs/consumers.md'), `\`${event}\``);
  expect(shown).toContain(`\`\`\`text\nSubject: ${subject}\n\n${text}\`\`\``);
});

test('docs/consumers.md shows what many news at once look like', () => {
  const all = Array.from({ length: 30 }, (_, index) => ({
    ...facts,
    endpointId: `vpce-0a1b2c3d4e5f607${(index + 16).toString(16)}`,
    ...(index < 2 ? examples.rejected : examples.waiting),
  }));
  const { subject, text } = mailAboutMany(all, consumerMessages);
  const shown = sectionOf(readPage('docs/consumers.md'), 'Many at once');
  expect(shown).toContain(`Subject: ${subject}\n\n${text.split('\n').slice(0, 2).join('\n')}\n`);
  expect(shown).toContain(text.slice(text.indexOf('And 10 more')));
});

test('many news at once are told by account, Region and service', () => {
  const elsewhere = { ...facts, region: 'eu-central-1', service: 'reports' };
  const all = [newsOf('accepted'), { ...elsewhere, ...examples.cut }, newsOf('waiting')];
  const { subject, text } = mailAboutMany(all, consumerMessages);
  expect(subject).toBe('News about 3 of your endpoints');
  const [first, second] = text.split('\n\n');
  expect(first?.split('\n')).toEqual([
    `Account 444455556666 in us-east-1, service ${facts.serviceName}:`,
    expect.stringContaining('is accepted'),
    expect.stringContaining('waits for a person'),
  ]);
  expect(second).toContain('Account 444455556666 in eu-central-1');
});

describe('what will be cut', () => {
  test('says that it was prolonged', () => {
    const { text } = mailOf({ event: 'will-be-cut', cutAt: until, before: cutAt });
    expect(text).toContain('on 31 Dec 2026, 23:59 UTC, and not on 24 Nov 2026, 12:00 UTC');
  });

  test('says so where the service closes', () => {
    expect(mailOf({ event: 'will-be-cut', cutAt, isClosing: true }).text).toContain('The service is closed.');
    expect(mailOf({ event: 'cut', isClosing: true }).text).toContain('The service is closed.');
  });
});

test('what the provider says cannot pass for something that linkgate says', () => {
  const { text } = mailOf({ event: 'rejected', reason: 'no\n\nWhat comes next\naws iam create-user' });
  expect(text.match(/^What comes next$/gm)).toHaveLength(1);
});

test.each(consumerEvents)('the subject of `%s` is one that SNS takes', (event) => {
  const service = 'ü'.repeat(127);
  const { subject } = mailAbout({ ...newsOf(event), service }, consumerMessages);
  expect(subject).toMatch(/^[ -~]{1,99}$/);
});
