import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { createSandboxServer, type Handlers } from '../../sandbox/server.ts';
import type { ReceivedMail } from '../../sandbox/sns-deliveries.ts';
import { inBrowser, useBrowser } from './browser.ts';
import { listen } from './slack/fixtures.ts';

const { visit, closeLater } = useBrowser('the sandbox’s pages');

const aMail = (overrides: Partial<ReceivedMail> = {}): ReceivedMail => ({
  to: 'approver@example.com',
  topicArn: 'arn:aws:sns:us-east-1:111111111111:linkgate-local-approvals',
  subject: 'Account 444444444444 asks',
  text: 'It waits.',
  time: '2026-11-30T07:56:26.490Z',
  ...overrides,
});

/** A sandbox server with an inbox, SNS links, and a log of control requests. */
async function aSandbox(mails: readonly ReceivedMail[] = []) {
  const controlRequests: string[] = [];
  const followed: string[] = [];
  const emulator = {
    origin: 'http://127.0.0.1:4570',
    clock: { now: () => Date.parse('2026-11-30T08:00:00Z') },
    mails: { list: () => mails },
    sns: { followLink: (link: URLSearchParams) => followed.push(String(link)) && 'Subscription confirmed' },
    slack: { handle: async () => new Response('the page of Slack') },
    store: { flush() {} },
  };
  const handlers = {
    emulator,
    awsRequests: { handle: async () => ({ status: 403, headers: {}, body: 'AWS' }) },
    control: async ({ method, url }: { method: string; url: URL }) => {
      controlRequests.push(`${method} ${url.pathname}`);
      return { status: 200, json: { said: url.pathname } };
    },
  } as unknown as Handlers;
  const server = createSandboxServer(() => handlers);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater({ close: () => server.close().closeAllConnections() });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, controlRequests, followed };
}

const browsers = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** Requests a path; default: as a browser does. */
async function get(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url, { method, headers: { accept: browsers, ...headers } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test.each(['*/*', browsers])('the root path is a page for a client that accepts %s', async (accept) => {
  const { url } = await aSandbox([aMail()]);
  const { status, headers, text } = await get(`${url}/`, { accept });
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(headers.get('content-disposition')).toBeNull();
  expect(text).toContain('1 email to');
});

test('a signed request or a POST is an AWS call on any path', async () => {
  const { url } = await aSandbox();
  const signed = { authorization: 'AWS4-HMAC-SHA256' };
  expect((await get(`${url}/`, signed)).text).toBe('AWS');
  expect((await get(`${url}/a-bucket`, signed)).text).toBe('AWS');
  expect((await get(`${url}/`, {}, 'POST')).text).toBe('AWS');
});

test('the inbox is a page for browsers and JSON for other clients', async () => {
  const { url } = await aSandbox([aMail()]);
  for (const accept of ['*/*', 'application/json']) {
    const { headers, text } = await get(`${url}/mail`, { accept });
    expect(JSON.parse(text)).toEqual({ messages: [aMail()] });
    expect(headers.get('vary')).toBe('accept');
  }
  const { headers, text } = await get(`${url}/mail`);
  expect(headers.get('content-type')).toContain('text/html');
  expect(text).toContain('Mailbox (1)');
});

test('an unknown path is a page for browsers and AWS’s error for other clients', async () => {
  const { url } = await aSandbox();
  const { status, text } = await get(`${url}/no/<such>`);
  expect(status).toBe(404);
  expect(text).toContain('<a href="/" >Sandbox</a>');
  expect(text).not.toContain('<such>');
  expect((await get(`${url}/no/such`, { accept: '*/*' })).text).toBe('AWS');
});

test('a link in an email is followed by GET, and not by HEAD', async () => {
  const { url, followed } = await aSandbox();
  await get(`${url}/?Action=Unsubscribe`, {}, 'HEAD');
  expect(followed).toEqual([]);
  await get(`${url}/?Action=Unsubscribe`);
  expect(followed).toEqual(['Action=Unsubscribe']);
});

inBrowser('the start page links everything that a newcomer needs, by keyboard', async () => {
  const { url } = await aSandbox();
  const { page, errors } = await visit(url);
  await page.getByRole('heading', { level: 1, name: 'linkgate in the sandbox' }).waitFor();
  await page.getByText('the time of the sandbox is 30 November 2026, 08:00 UTC').waitFor();
  const focusedTexts: string[] = [];
  for (let key = 0; key < 8; key += 1) {
    await page.keyboard.press('Tab');
    focusedTexts.push(await page.evaluate('document.activeElement.textContent.trim().split("\\n")[0]'));
  }
  expect(focusedTexts).toEqual([
    ...['Sandbox', 'Slack', 'Mailbox', 'Slack', 'Mailbox', 'AWS calls', 'Clock'],
    'export AWS_ENDPOINT_URL=http://127.0.0.1:4570 AWS_DEFAULT_REGION=us-east-1',
  ]);
  expect(errors).toEqual([]);
  for (const [name, path] of [
    ['Slack', '/slack'],
    ['Mailbox', '/mail'],
    ['AWS calls', '/_sandbox/calls'],
    ['Clock', '/_sandbox/clock'],
  ] as const) {
    await page.goto(url);
    await page.getByRole('main').getByRole('link', { name }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(`${url}${path}`);
  }
});

inBrowser('the inbox shows the newest email first and open, with working links', async () => {
  const { url, followed } = await aSandbox();
  const { url: inbox } = await aSandbox([
    aMail({ subject: 'The older one', text: 'Long ago' }),
    aMail({ text: `To confirm, visit:\n${url}/?Action=ConfirmSubscription&Token=1.\n` }),
  ]);
  const { page, errors } = await visit(`${inbox}/mail`);
  expect(await page.locator('summary strong').allInnerTexts()).toEqual([
    'Account 444444444444 asks',
    'The older one',
  ]);
  expect(await page.getByText('Long ago').isVisible()).toBe(false);
  await page.locator('summary', { hasText: 'The older one' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Long ago').waitFor();
  // The test server has another port. A page of another origin may not follow the link; a person may.
  const link = page.getByRole('link', { name: 'ConfirmSubscription' });
  const href = await link.getAttribute('href');
  expect(href).toBe(`${url}/?Action=ConfirmSubscription&Token=1`);
  await page.goto(String(href));
  expect(followed).toEqual(['Action=ConfirmSubscription&Token=1']);
  expect(errors).toEqual([]);
});

inBrowser('the text of an email is escaped', async () => {
  const { url } = await aSandbox([
    aMail({
      to: '<b>"@example.com',
      subject: '<img src=x onerror="document.title=1">',
      text: '<script>document.title=1</script> https://example.com/"onclick="document.title=1 javascript:alert(1)',
    }),
  ]);
  const { page, errors } = await visit(`${url}/mail`);
  await page.getByText('<img src=x onerror="document.title=1">').waitFor();
  expect(await page.locator('main :is(img, script, b, [onclick])').count()).toBe(0);
  expect(
    await page.locator('main a').evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
  ).toEqual(['https://example.com/']);
  expect(await page.title()).toContain('Mailbox');
  expect(errors).toEqual([]);
});

inBrowser('pages fit the width of a phone', async () => {
  const { url } = await aSandbox([aMail({ text: `https://example.com/${'x'.repeat(500)}` })]);
  for (const path of ['/', '/mail', '/no-such-page']) {
    const { page } = await visit(`${url}${path}`, 390);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  }
});

inBrowser(
  'a web page of another origin cannot move the clock in a real browser, and one of its own can',
  async () => {
    const { url, controlRequests } = await aSandbox();
    const otherOrigin = await listen((_, response) =>
      response.setHeader('content-type', 'text/html').end('<p>'),
    );
    closeLater(otherOrigin);
    const move = `fetch('${url}/_sandbox/clock', { method: 'POST', mode: 'no-cors', body: '{"advanceSeconds": 3600}' })
    .then(({ type, status }) => type + status, () => 'failed')`;
    const { page } = await visit(otherOrigin.url);
    await page.evaluate(move);
    const { page: byName } = await visit(otherOrigin.url.replace('127.0.0.1', 'localhost'));
    await byName.evaluate(move);
    expect(controlRequests).toEqual([]);
    const { page: own } = await visit(`${url}/slack`);
    expect(await own.evaluate(move)).toBe('basic200');
    expect(controlRequests).toEqual(['POST /_sandbox/clock']);
  },
);
