import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { readRequestBody, toRequest } from '../../../sandbox/server.ts';
import { inBrowser, useBrowser } from '../browser.ts';
import {
  actions,
  aModal,
  button,
  channel,
  createTestApp,
  createTestSlack,
  listen,
  plain,
  section,
  select,
  textField,
} from './fixtures.ts';

const { visit, closeLater } = useBrowser('the page of Slack');

const confirm = {
  title: plain('Allow account 444444444444?'),
  text: section('It goes on the *allowlist*').text,
  confirm: plain('Allow'),
  deny: plain('Cancel'),
};
const blocks = [
  { type: 'header', text: plain('444444444444 <asks> & waits') },
  actions(
    button('Approve', 'approve', 'vpce-1', { style: 'primary' }),
    button('Approve and allow account', 'allow', 'vpce-1', { confirm }),
    select('expiry', 'never', '30 days'),
    button('Deny', 'deny', 'vpce-1', { style: 'danger' }),
  ),
];

/**
 * Opens the page as Alice with a waiting request. The app opens a modal for Deny and responds to other clicks with an
 * ephemeral message.
 */
async function atThePage({ width = 1200 } = {}) {
  const slack = createTestSlack();
  const app = await createTestApp(slack.slack, async ({ payload }) => {
    const { trigger_id, response_url, actions } = payload;
    if (actions?.[0].action_id === 'deny')
      await slack.call('views.open', { trigger_id, view: aModal('Deny', textField()) });
    else if (actions)
      await slack.ask('POST', new URL(response_url).pathname, ephemeral(`You did: ${actions[0].action_id}`));
    return payload.type ? '' : ephemeral('Known commands');
  });
  const server = await listen(async (request, response) => {
    const answer = await slack.slack.handle(toRequest(request, await readRequestBody(request), server.url));
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  const { ts } = (await slack.call('chat.postMessage', { channel, text: 'waits', blocks })).json;
  closeLater(app, server);
  return { ...slack, ...app, ...(await visit(`${server.url}/slack`, width)), ts, url: server.url };
}

const ephemeral = (text: string) => ({ response_type: 'ephemeral', text });
const readFocusedText = (page: Page) => page.evaluate('document.activeElement.textContent.trim()');

inBrowser('a message is rendered with its blocks, and its text is escaped', async () => {
  const { page, errors } = await atThePage();
  await page.getByRole('heading', { name: '444444444444 <asks> & waits' }).waitFor();
  expect(await page.getByRole('button').allInnerTexts()).toEqual([
    'Approve',
    'Approve and allow account',
    'Deny',
    'Send',
  ]);
  expect(errors).toEqual([]);
});

inBrowser('the response to a click is visible to its user only', async () => {
  const { page, received, url } = await atThePage();
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByText('You did: approve').waitFor();
  expect(received[0]?.payload.user).toMatchObject({ id: 'U01ALICE', team_id: 'T01LOCAL' });
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.getByText('You did: approve').waitFor({ state: 'detached' });
  await page.goto(`${url}/slack?user=U01BOB`);
  expect(await page.getByText('You did: approve').count()).toBe(0);
});

inBrowser('a confirmation opens before a click that has one, and Escape cancels it', async () => {
  const { page, received } = await atThePage();
  const allow = page.getByRole('button', { name: 'Approve and allow account' });
  await allow.click();
  await page.getByRole('dialog', { name: 'Allow account 444444444444?' }).waitFor();
  await page.keyboard.press('Escape');
  expect(await readFocusedText(page)).toBe('Approve and allow account');
  expect(received).toEqual([]);
  await page.getByRole('combobox').selectOption('30 days');
  await page.getByText('You did: expiry').waitFor();
  await allow.click();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByText('You did: allow').waitFor();
  const { values } = received[1]?.payload.state ?? {};
  expect(Object.values(values)).toMatchObject([{ expiry: { selected_option: { value: '30 days' } } }]);
});

inBrowser('a modal is submitted by keyboard', async () => {
  const { page, received } = await atThePage();
  await page.getByRole('button', { name: 'Deny' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Deny' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Please complete this required field.').waitFor();
  await page.getByLabel('Reason').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('no client');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(received[1]?.payload.view.state.values).toEqual({
    reason: { reason: { type: 'plain_text_input', value: 'no client' } },
  });
  expect(await readFocusedText(page)).toBe('Deny');
});

inBrowser('changes are shown without a reload, and keep the focus', async () => {
  const { page, call, ts } = await atThePage();
  await page.getByRole('button', { name: 'Deny' }).focus();
  const more = [section('Somebody was reminded'), ...blocks];
  await call('chat.update', { channel, ts, text: 'waits', blocks: more });
  await page.getByText('Somebody was reminded').waitFor();
  expect(await readFocusedText(page)).toBe('Deny');
  await call('chat.update', { channel, ts, text: 'Approved' });
  await page.getByText('Approved').waitFor();
  expect(await page.evaluate('document.activeElement.dataset.ts')).toBe(ts);
});

inBrowser('a slash command is sent, and other text is not', async () => {
  const { page, received } = await atThePage();
  const box = page.getByLabel('Slash command');
  await box.fill('hello');
  await box.press('Enter');
  await page.getByText('This field takes slash commands only').waitFor();
  await box.fill('/linkgate show vpce-1');
  await box.press('Enter');
  await page.getByText('Known commands').waitFor();
  expect(new URLSearchParams(received[0]?.body).get('text')).toBe('show vpce-1');
});

inBrowser('the page fits the width of a phone', async () => {
  const { page } = await atThePage({ width: 390 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  await page.getByRole('button', { name: 'Deny' }).click();
  const dialog = await page.getByRole('dialog', { name: 'Deny' }).boundingBox();
  expect((dialog?.x ?? 0) + (dialog?.width ?? 0)).toBeLessThanOrEqual(390);
});
