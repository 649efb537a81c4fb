import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  actions,
  alice,
  aModal,
  button,
  channel,
  createTestApp,
  createTestSlack,
  option,
  plain,
  type ReceivedRequest,
  section,
  select,
  textField,
} from './fixtures.ts';

let close = () => {};
afterEach(() => close());

const blockField = {
  type: 'input',
  block_id: 'account',
  label: plain('Account'),
  optional: true,
  element: { type: 'checkboxes', action_id: 'block', options: [option('yes')] },
};
const view = aModal('Deny', textField('why'), blockField);

/** Posts a message with buttons; the app has a scripted response. */
async function aMessage(
  answer: (received: ReceivedRequest, slack: ReturnType<typeof createTestSlack>) => unknown = () => '',
) {
  const slack = createTestSlack();
  const app = await createTestApp(slack.slack, (received) => answer(received, slack));
  close = app.close;
  const buttons = ['approve', 'deny'].map((name) => button(name, name, 'vpce-1'));
  const blocks = [section('vpce-1 waits'), actions(...buttons, select('expiry', 'never', '30'))];
  const { ts } = (await slack.call('chat.postMessage', { channel, text: 'vpce-1 waits', blocks })).json;
  const click = (more: object) => slack.ask('POST', '/slack/click', { ...alice, channel, ts, ...more });
  return { ...slack, ...app, ts, click };
}

/** The app opens the modal for a click, and responds to the submissions in turn. */
function aMessageWithModal(...responses: unknown[]) {
  return aMessage(async ({ payload: { type, trigger_id } }, { call }) => {
    if (type === 'view_submission') return responses.shift() ?? '';
    await call('views.open', { trigger_id, view });
    return '';
  });
}

describe('a click', () => {
  test('is sent as Slack’s form, signed at the sandbox’s time', async () => {
    const { click, received, slack, clock, ts } = await aMessage();
    clock.advance(3600_000);
    expect(await click({ action_id: 'approve' })).toMatchObject({ status: 200, json: { status: 200 } });
    expect(received).toHaveLength(1);
    const [{ headers, body, payload } = { headers: {}, body: '', payload: {} }] = received;
    const timestamp = String(clock.now() / 1000);
    const { signingSecret } = slack.credentials;
    const signature = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex');
    expect(headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    });
    expect(payload).toMatchObject({
      type: 'block_actions',
      user: { id: 'U01ALICE', team_id: 'T01LOCAL' },
      team: { id: 'T01LOCAL' },
      channel: { id: channel },
      message: { ts, text: 'vpce-1 waits' },
      state: { values: { request: { expiry: { selected_option: { value: 'never' } } } } },
      actions: [{ type: 'button', action_id: 'approve', block_id: 'request', value: 'vpce-1' }],
    });
  });

  test('of a guest on a select contains their team and the choice', async () => {
    const { click, received } = await aMessage();
    const mallory = { user: 'U01MALLORY', team: 'T02OTHER' };
    await click({ ...mallory, action_id: 'expiry', value: '30' });
    expect(received[0]?.payload).toMatchObject({
      user: { id: 'U01MALLORY', team_id: 'T02OTHER' },
      team: { id: 'T01LOCAL' },
      actions: [{ type: 'static_select', selected_option: { value: '30' } }],
    });
  });

  test('on a removed button is sent too, from a client that has not updated', async () => {
    const { call, click, received, ts } = await aMessage();
    for (const text of ['decided', 'connected'])
      await call('chat.update', { channel, ts, text, blocks: [section(text)] });
    expect(await click({ action_id: 'approve' })).toMatchObject({ status: 200 });
    expect(received[0]?.payload.actions).toMatchObject([{ action_id: 'approve', value: 'vpce-1' }]);
  });

  test('on a missing element or message lists the existing ones', async () => {
    const { click, received, ts } = await aMessage();
    expect(await click({ action_id: 'explode' })).toMatchObject({
      status: 404,
      json: { there: [{ action_id: 'approve' }, { action_id: 'deny' }, { action_id: 'expiry' }] },
    });
    expect(await click({ ts: '1.0', action_id: 'approve' })).toMatchObject({
      status: 404,
      json: { there: [{ ts }] },
    });
    expect(received).toEqual([]);
  });

  test('with an error response shows the error', async () => {
    const { click } = await aMessage(() => 401);
    expect((await click({ action_id: 'approve' })).json).toEqual({
      status: 401,
      error: 'http_service_error',
    });
  });
});

describe('a modal', () => {
  test('opens once, within three seconds of a click', async () => {
    const { click, call, clock, received } = await aMessage();
    await click({ action_id: 'deny' });
    await click({ action_id: 'deny' });
    const [first, second] = received.map(({ payload: { trigger_id } }) => ({ trigger_id, view }));
    expect((await call('views.open', first ?? {})).json.ok).toBe(true);
    expect((await call('views.open', first ?? {})).json.error).toBe('exchanged_trigger_id');
    clock.advance(3001);
    expect((await call('views.open', second ?? {})).json.error).toBe('expired_trigger_id');
  });

  test('is submitted and closes', async () => {
    const { click, received } = await aMessageWithModal();
    const view_values = { reason: 'unknown', block: ['yes'] };
    expect((await click({ action_id: 'deny', view_values })).json).toEqual({ status: 200, closed: true });
    expect(received[1]?.payload).toMatchObject({
      type: 'view_submission',
      user: { id: 'U01ALICE', team_id: 'T01LOCAL' },
      view: {
        private_metadata: 'vpce-1',
        state: {
          values: {
            why: { reason: { type: 'plain_text_input', value: 'unknown' } },
            account: { block: { selected_options: [{ value: 'yes' }] } },
          },
        },
      },
    });
  });

  test.each([
    ['without a required input', {}, { errors: { why: 'Please complete this required field.' } }],
    [
      'with a text that is too long',
      { reason: 'far too long' },
      { errors: { why: 'Please enter no more than 10 characters.' } },
    ],
    ['with an unknown input', { ticket: 'CHG-7' }, { error: '`ticket` is none of reason, block' }],
    ['with an unknown option', { block: 'no' }, { error: '`no` is none of yes' }],
  ])('%s is not sent', async (_, view_values, result) => {
    const { click, received } = await aMessageWithModal();
    expect((await click({ action_id: 'deny', view_values })).json).toMatchObject(result);
    expect(received).toHaveLength(1);
  });

  test('shows the app’s errors beside its inputs', async () => {
    const errors = { why: 'Say more' };
    const { click } = await aMessageWithModal({ response_action: 'errors', errors });
    const { json } = await click({ action_id: 'deny', view_values: { reason: 'no' } });
    expect(json).toEqual({ status: 200, errors });
  });

  test('that the app replaces keeps the values of inputs of the same name', async () => {
    const update = (...blocks: object[]) => ({
      response_action: 'update',
      view: aModal('Once more', ...blocks),
    });
    const { click, ask, received } = await aMessageWithModal(
      update(textField('why'), blockField),
      update(textField('why.1')),
    );
    const { modal } = (await click({ action_id: 'deny', view_values: { reason: 'unknown' } })).json;
    expect(modal.title.text).toBe('Once more');
    const submit = () => ask('POST', '/slack/submit', { ...alice, view_id: modal.id });
    await submit();
    expect(received[2]?.payload.view.state.values.why.reason.value).toBe('unknown');
    expect((await submit()).json.errors).toEqual({ 'why.1': 'Please complete this required field.' });
  });
});

describe('a response URL', () => {
  const response = { response_type: 'ephemeral', text: 'You may not' };

  test('posts an ephemeral message five times within thirty minutes', async () => {
    const { click, ask, clock, list, received } = await aMessage(async ({ payload }, slack) => {
      await slack.ask('POST', new URL(payload.response_url).pathname, response);
      return '';
    });
    expect((await click({ action_id: 'approve' })).json.ephemeral).toMatchObject([{ text: 'You may not' }]);
    expect(await list()).toHaveLength(1);
    const answer = () => ask('POST', new URL(received[0]?.payload.response_url).pathname, response);
    for (let turn = 2; turn <= 5; turn += 1) expect((await answer()).status).toBe(200);
    expect(await answer()).toMatchObject({ status: 404, json: { error: 'used_url' } });
    clock.advance(30 * 60_000 + 1);
    expect(await answer()).toMatchObject({ status: 404, json: { error: 'expired_url' } });
  });
});

describe('a command', () => {
  const typed = { ...alice, channel, text: 'waiting' };

  test('is sent as Slack’s form, and gets an ephemeral response', async () => {
    const { ask, received } = await aMessage(() => ({ response_type: 'ephemeral', text: 'None' }));
    expect((await ask('POST', '/slack/command', typed)).json.ephemeral).toMatchObject([{ text: 'None' }]);
    expect(Object.fromEntries(new URLSearchParams(received[0]?.body))).toMatchObject({
      command: '/linkgate',
      text: 'waiting',
      user_id: 'U01ALICE',
      team_id: 'T01LOCAL',
      channel_id: channel,
      response_url: expect.stringContaining('/slack/response/'),
    });
  });

  test.each([
    ['no JSON', 'None', 'is not valid JSON'],
    ['no text', { response_type: 'ephemeral' }, 'invalid_payload'],
  ])('with a response of %s shows the error', async (_, answer, error) => {
    const { ask } = await aMessage(() => answer);
    expect((await ask('POST', '/slack/command', typed)).json.error).toContain(error);
  });
});
