import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  alice,
  button,
  channel,
  createTestApp,
  createTestSlack,
  type ReceivedRequest,
  section,
} from './fixtures.ts';

let close = () => {};
afterEach(() => close());

const plain = (text: string) => ({ type: 'plain_text', text });
const expiry = {
  type: 'static_select',
  action_id: 'expiry',
  options: ['never', '30'].map((value) => ({ text: plain(value), value })),
};
const chosen = { ...expiry, initial_option: expiry.options[0] };
const reason = (more: object = {}) => ({
  type: 'input',
  block_id: 'why',
  label: plain('Reason'),
  element: { type: 'plain_text_input', action_id: 'reason', max_length: 10, ...more },
});
const view = {
  type: 'modal',
  title: plain('Deny'),
  submit: plain('Deny'),
  private_metadata: 'vpce-1',
  blocks: [
    reason(),
    {
      type: 'input',
      label: plain('Account'),
      optional: true,
      element: { type: 'checkboxes', action_id: 'block', options: [{ text: plain('Block'), value: 'yes' }] },
    },
  ],
};

/** Posts a message with buttons; the app has a scripted response. */
async function aMessage(
  answer: (received: ReceivedRequest, slack: ReturnType<typeof createTestSlack>) => unknown = () => '',
) {
  const slack = createTestSlack();
  const app = await createTestApp(slack.slack, (received) => answer(received, slack));
  close = app.close;
  const buttons = [button('Approve', 'approve', 'vpce-1'), chosen, button('Deny', 'deny', 'vpce-1')];
  const blocks = [section('vpce-1 waits'), { type: 'actions', block_id: 'request', elements: buttons }];
  const { ts } = (await slack.call('chat.postMessage', { channel, text: 'vpce-1 waits', blocks })).json;
  const click = (more: object) => slack.ask('POST', '/slack/click', { ...alice, channel, ts, ...more });
  return { ...slack, ...app, ts, click };
}

async function openModal(
  { payload: { trigger_id } }: ReceivedRequest,
  { call }: ReturnType<typeof createTestSlack>,
) {
  await call('views.open', { trigger_id, view });
  return '';
}

describe('a click', () => {
  test('on a removed button is sent too, from a client that has not updated', async () => {
    const { call, click, received, ts } = await aMessage();
    for (const text of ['decided', 'connected'])
      await call('chat.update', { channel, ts, text, blocks: [section(text)] });
    expect(await click({ action_id: 'approve' })).toMatchObject({ status: 200 });
    expect(received[0]?.payload.actions).toMatchObject([{ action_id: 'approve', value: 'vpce-1' }]);
    expect((await click({ action_id: 'never-there' })).status).toBe(404);
  });

  test('is sent as Slack’s form', async () => {
    const { click, received, ts } = await aMessage();
    expect(await click({ action_id: 'approve' })).toEqual({ status: 200, json: { status: 200 } });
    expect(received).toHaveLength(1);
    expect(received[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(received[0]?.payload).toMatchObject({
      type: 'block_actions',
      user: { id: 'U01ALICE', username: 'alice', name: 'alice', team_id: 'T01LOCAL' },
      team: { id: 'T01LOCAL', domain: 'local' },
      is_enterprise_install: false,
      container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
      channel: { id: channel, name: 'approvals' },
      message: { ts, text: 'vpce-1 waits' },
      state: { values: { request: { expiry: { selected_option: { value: 'never' } } } } },
      actions: [{ type: 'button', action_id: 'approve', block_id: 'request', value: 'vpce-1' }],
    });
  });

  test('is signed with the signing secret at the sandbox’s time', async () => {
    const { click, received, slack, clock } = await aMessage();
    clock.advance(3600_000);
    await click({ action_id: 'approve' });
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    const timestamp = String(clock.now() / 1000);
    const { signingSecret } = slack.credentials;
    const signature = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex');
    expect(headers).toMatchObject({
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    });
  });

  test('contains the choice of a select, and the team of a guest', async () => {
    const { click, received } = await aMessage();
    await click({ user: 'U01MALLORY', team: 'T02OTHER', action_id: 'expiry', value: '30' });
    expect(received[0]?.payload).toMatchObject({
      user: { id: 'U01MALLORY', team_id: 'T02OTHER' },
      team: { id: 'T01LOCAL' },
      actions: [{ type: 'static_select', selected_option: { value: '30' } }],
    });
  });

  test('on a missing element lists the existing ones', async () => {
    const { click, received, ts } = await aMessage();
    expect(await click({ action_id: 'explode' })).toMatchObject({
      status: 404,
      json: { there: [{ action_id: 'approve' }, { action_id: 'expiry' }, { action_id: 'deny' }] },
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
  test('opens once, and within three seconds', async () => {
    let second: unknown;
    const { click, call, clock, received } = await aMessage(async (received, slack) => {
      if (second !== undefined) return '';
      await openModal(received, slack);
      second = (await slack.call('views.open', { trigger_id: received.payload.trigger_id, view })).json;
      return '';
    });
    await click({ action_id: 'deny' });
    expect(second).toEqual({ ok: false, error: 'exchanged_trigger_id' });
    await click({ action_id: 'deny' });
    clock.advance(3001);
    const trigger_id = received[1]?.payload.trigger_id;
    expect((await call('views.open', { trigger_id, view })).json.error).toBe('expired_trigger_id');
  });

  test('is submitted and closes', async () => {
    const { click, received } = await aMessage((one, slack) =>
      one.payload.type === 'block_actions' ? openModal(one, slack) : '',
    );
    const view_values = { reason: 'unknown', block: ['yes'] };
    expect((await click({ action_id: 'deny', view_values })).json).toEqual({ status: 200, closed: true });
    const submitted = received[1]?.payload;
    expect(submitted).toMatchObject({
      type: 'view_submission',
      user: { id: 'U01ALICE', team_id: 'T01LOCAL' },
      view: {
        private_metadata: 'vpce-1',
        state: { values: { why: { reason: { type: 'plain_text_input', value: 'unknown' } } } },
      },
    });
    expect(Object.values(submitted.view.state.values)[1]).toMatchObject({
      block: { selected_options: [{ value: 'yes' }] },
    });
  });

  test.each([
    ['without a required input', {}, 'Please complete this required field.'],
    ['with a text that is too long', { reason: 'far too long' }, 'Please enter no more than 10 characters.'],
  ])('%s is not sent', async (_, view_values, error) => {
    const { click, received } = await aMessage(openModal);
    expect((await click({ action_id: 'deny', view_values })).json.errors).toEqual({ reason: error });
    expect(received).toHaveLength(1);
  });

  const updated = { type: 'modal', title: plain('Done'), blocks: [section('It is denied')] };
  test.each([
    [
      'shows the app’s errors',
      { response_action: 'errors', errors: { why: 'No' } },
      { errors: { reason: 'No' } },
    ],
    ['is replaced', { response_action: 'update', view: updated }, { modal: { title: { text: 'Done' } } }],
  ])('%s by the app’s response', async (_, answer, expected) => {
    const { click } = await aMessage((one, slack) =>
      one.payload.type === 'block_actions' ? openModal(one, slack) : answer,
    );
    expect((await click({ action_id: 'deny', view_values: { reason: 'no' } })).json).toMatchObject(expected);
  });

  test.each([
    ['keeps what stands in inputs of the same name', 'why', 'unknown'],
    ['forgets what stood in inputs of another name', 'why.1', null],
  ])('that is replaced %s', async (_, block_id, expectedValue) => {
    const updated = { ...view, blocks: [{ ...reason(), block_id }, ...view.blocks.slice(1)] };
    let submissions = 0;
    const { click, ask, received } = await aMessage((one, slack) => {
      if (one.payload.type === 'block_actions') return openModal(one, slack);
      return ++submissions > 1 ? '' : { response_action: 'update', view: updated };
    });
    const { modal } = (await click({ action_id: 'deny', view_values: { reason: 'unknown' } })).json;
    const view_values = expectedValue === null ? { reason: 'again' } : {};
    await ask('POST', '/slack/submit', { ...alice, view_id: modal.id, view_values });
    expect(modal.blocks[0].element.initial_value ?? null).toBe(expectedValue);
    expect(received.at(-1)?.payload.view.state.values[block_id].reason.value).toBe(expectedValue ?? 'again');
  });
});

describe('a response URL', () => {
  /** Posts to the response URL of a click on Approve. */
  async function anAnsweringApp() {
    const { click, received, ask, clock } = await aMessage();
    await click({ action_id: 'approve' });
    const path = new URL(received[0]?.payload.response_url).pathname;
    return { clock, answer: () => ask('POST', path, { text: 'a' }) };
  }

  test('can post an ephemeral message', async () => {
    const { click, ask } = await aMessage(async ({ payload }, slack) => {
      await slack.ask('POST', new URL(payload.response_url).pathname, { text: 'You may not' });
      return '';
    });
    expect((await click({ action_id: 'approve' })).json.ephemeral).toMatchObject([{ text: 'You may not' }]);
    expect((await ask('GET', `/slack/messages?channel=${channel}`)).json.messages).toHaveLength(1);
  });

  test('works five times, and for thirty minutes', async () => {
    const { answer } = await anAnsweringApp();
    const statuses: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) statuses.push((await answer()).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 404]);
    const late = await anAnsweringApp();
    late.clock.advance(30 * 60_000 + 1);
    expect(await late.answer()).toMatchObject({ status: 404, json: { error: 'expired_url' } });
  });
});

describe('a command', () => {
  const typed = { ...alice, channel, text: 'waiting' };

  test('is sent as Slack’s form', async () => {
    const { ask, received } = await aMessage();
    expect((await ask('POST', '/slack/command', typed)).json).toEqual({ status: 200 });
    expect(Object.fromEntries(new URLSearchParams(received[0]?.body))).toMatchObject({
      command: '/linkgate',
      text: 'waiting',
      user_id: 'U01ALICE',
      team_id: 'T01LOCAL',
      channel_id: channel,
      response_url: expect.stringContaining('/slack/response/'),
      trigger_id: expect.any(String),
    });
  });

  test.each<[what: string, answer: unknown]>([
    ['JSON', { response_type: 'ephemeral', text: 'None' }],
    ['text', 'None'],
  ])('gets an ephemeral response of %s', async (_, answer) => {
    const { ask } = await aMessage(() => answer);
    expect((await ask('POST', '/slack/command', typed)).json.ephemeral).toMatchObject([{ text: 'None' }]);
  });

  test('with a response over a limit shows the error', async () => {
    const { ask } = await aMessage(() => ({ text: 'a', blocks: [section('')] }));
    expect((await ask('POST', '/slack/command', typed)).json.error).toContain('invalid_blocks');
  });
});
