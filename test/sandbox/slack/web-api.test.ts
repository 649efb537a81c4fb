import { describe, expect, test } from '@jest/globals';
import { channel, createTestSlack, section } from './fixtures.ts';

test('auth.test returns the identity and the scopes of the token', async () => {
  const { json, headers } = await createTestSlack().call('auth.test', {});
  expect(json).toMatchObject({ ok: true, team_id: 'T01LOCAL', user_id: 'U01LINKGATE' });
  expect(headers.get('x-oauth-scopes')).toBe('chat:write,commands');
});

test.each([
  ['no token', undefined, 'not_authed'],
  ['a token that is not the app’s', 'Bearer xoxb-other', 'invalid_auth'],
])('%s is refused', async (_, authorization, error) => {
  const { slack } = createTestSlack();
  const response = await slack.handle(
    new Request('http://sandbox/slack/api/auth.test', {
      method: 'POST',
      headers: { ...(authorization && { authorization }) },
    }),
  );
  expect(await response.json()).toEqual({ ok: false, error });
});

test('a method accepts a form or JSON', async () => {
  const { slack, ask } = createTestSlack();
  const body = new URLSearchParams({
    token: slack.credentials.botToken,
    channel,
    text: 'hello',
    blocks: JSON.stringify([section('hello')]),
  });
  await slack.handle(new Request('http://sandbox/slack/api/chat.postMessage', { method: 'POST', body }));
  expect((await ask('GET', `/slack/messages?channel=${channel}`)).json).toMatchObject({
    messages: [{ text: 'hello', blocks: [{ type: 'section' }] }],
  });
});

test('messages are listed oldest first, and replies in their thread only', async () => {
  const { ask, call } = createTestSlack();
  const { json: first } = await call('chat.postMessage', { channel, text: 'one' });
  const thread_ts = first.ts;
  await call('chat.postMessage', { channel, text: 'two' });
  await call('chat.postMessage', { channel, text: 'aside', thread_ts });
  const texts = async (path: string) =>
    (await ask('GET', path)).json.messages.map(({ text }: { text: string }) => text);
  expect(await texts(`/slack/messages?channel=${channel}`)).toEqual(['one', 'two']);
  expect(await texts(`/slack/messages?channel=${channel}&thread_ts=${thread_ts}`)).toEqual(['aside']);
});

test('an update replaces the blocks, and one with a text alone removes them', async () => {
  const { ask, call } = createTestSlack();
  const { json } = await call('chat.postMessage', { channel, text: 'old', blocks: [section('old')] });
  const blocks = [section('new')];
  const { json: updated } = await call('chat.update', { channel, ts: json.ts, text: 'new', blocks });
  expect(updated.message.blocks).toMatchObject(blocks);
  await call('chat.update', { channel, ts: json.ts, text: 'new' });
  const [message] = (await ask('GET', `/slack/messages?channel=${channel}`)).json.messages;
  expect(message).toMatchObject({ ts: json.ts, text: 'new' });
  expect(message).not.toHaveProperty('blocks');
});

test('a deleted message cannot be deleted again', async () => {
  const { ask, call } = createTestSlack();
  const { ts } = (await call('chat.postMessage', { channel, text: 'hello' })).json;
  expect((await call('chat.delete', { channel, ts })).json).toEqual({ ok: true, channel, ts });
  expect((await ask('GET', `/slack/messages?channel=${channel}`)).json).toEqual({ messages: [] });
  expect((await call('chat.delete', { channel, ts })).json.error).toBe('message_not_found');
});

const x = (count: number) => 'x'.repeat(count);
const missingMessage = { channel, ts: '1.000000' };
test.each<[why: string, method: string, input: object, error: string]>([
  ['an unknown channel', 'chat.postMessage', { channel: 'C0NOWHERE', text: 'a' }, 'channel_not_found'],
  ['nothing to say', 'chat.postMessage', { channel }, 'no_text'],
  ['more than 40,000 characters', 'chat.postMessage', { channel, text: x(40_001) }, 'msg_too_long'],
  ['blocks over a limit', 'chat.postMessage', { channel, blocks: [section('')] }, 'invalid_blocks'],
  [
    'blocks that are too long together',
    'chat.postMessage',
    { channel, blocks: [1, 2, 3, 4, 5].map(() => section(x(2900))) },
    'msg_blocks_too_long',
  ],
  [
    'a thread that is not there',
    'chat.postMessage',
    { channel, text: 'a', thread_ts: '1.0' },
    'thread_not_found',
  ],
  ['a message that is not there', 'chat.update', { ...missingMessage, text: 'a' }, 'message_not_found'],
  ['no ts', 'chat.update', { channel, text: 'a' }, 'invalid_arguments'],
  ['an invented trigger', 'views.open', { trigger_id: '1.2', view: aView() }, 'invalid_trigger_id'],
  ['a modal of 250 kB', 'views.open', { trigger_id: '1.2', view: aView(x(250_000)) }, 'view_too_large'],
  ['a modal over a limit', 'views.open', { trigger_id: '1.2', view: aView(x(25)) }, 'invalid_arguments'],
  ['no such method', 'chat.shout', {}, 'unknown_method'],
  ['a method that every object has', 'constructor', {}, 'unknown_method'],
])('%s is refused', async (_, method, input, error) => {
  expect((await createTestSlack().call(method, input)).json).toMatchObject({ ok: false, error });
});

function aView(title = 'Deny') {
  return { type: 'modal', title: { type: 'plain_text', text: title }, blocks: [] };
}

test('an update of more than 4,000 characters is refused, and the message stays', async () => {
  const { ask, call } = createTestSlack();
  const { ts } = (await call('chat.postMessage', { channel, text: 'old' })).json;
  expect((await call('chat.update', { channel, ts, text: x(4001) })).json.error).toBe('msg_too_long');
  expect((await ask('GET', `/slack/messages?channel=${channel}`)).json.messages).toMatchObject([
    { text: 'old' },
  ]);
});

test('refused blocks are reported with their position', async () => {
  const { json } = await createTestSlack().call('chat.postMessage', { channel, blocks: [section('')] });
  const problem = 'must be more than 0 characters [json-pointer:/blocks/0/text/text]';
  expect(json.errors).toEqual([problem]);
  expect(json.response_metadata.messages).toEqual([`[ERROR] ${problem}`]);
});

describe('the rate limits', () => {
  const post = { channel, text: 'hello' };

  test('allow one message per second and channel, with a small burst', async () => {
    const { call, clock } = createTestSlack();
    for (let sent = 0; sent < 5; sent += 1) expect((await call('chat.postMessage', post)).status).toBe(200);
    const { status, headers, json } = await call('chat.postMessage', post);
    expect({ status, json }).toEqual({ status: 429, json: { ok: false, error: 'ratelimited' } });
    expect(headers.get('retry-after')).toBe('1');
    clock.advance(1000);
    expect((await call('chat.postMessage', post)).status).toBe(200);
  });

  test('apply per channel', async () => {
    const { call } = createTestSlack();
    for (let sent = 0; sent < 6; sent += 1) await call('chat.postMessage', post);
    expect((await call('chat.postMessage', { ...post, channel: 'C01OPS' })).status).toBe(200);
  });

  test('can be switched off', async () => {
    const { call } = createTestSlack({ isThrottled: false });
    for (let sent = 0; sent < 10; sent += 1) expect((await call('chat.postMessage', post)).status).toBe(200);
  });
});

describe('faults', () => {
  const post = { channel, text: 'hello' };

  test.each([
    ['service_unavailable', 503],
    ['ratelimited', 429],
    ['is_archived', 200],
  ])('make Slack return %s without posting', async (error, status) => {
    const { ask, call, faults } = createTestSlack();
    faults.replace([{ service: 'slack', action: 'chat.postMessage', rate: 1, error }]);
    expect(await call('chat.postMessage', post)).toMatchObject({ status, json: { ok: false, error } });
    expect((await ask('GET', `/slack/messages?channel=${channel}`)).json.messages).toEqual([]);
  });

  test('after the effect fail a call that has posted', async () => {
    const { ask, call, faults } = createTestSlack();
    faults.replace([
      { service: 'slack', action: '*', rate: 1, error: 'fatal_error', afterEffect: true, count: 1 },
    ]);
    expect((await call('chat.postMessage', post)).json).toEqual({ ok: false, error: 'fatal_error' });
    expect((await ask('GET', `/slack/messages?channel=${channel}`)).json.messages).toHaveLength(1);
  });
});
