import { describe, expect, test } from '@jest/globals';
import { aModal, channel, createTestSlack, section } from './fixtures.ts';

const x = (count: number) => 'x'.repeat(count);
const post = { channel, text: 'hello' };

test('auth.test returns the identity and the scopes of the token', async () => {
  const { json, headers } = await createTestSlack().call('auth.test', {});
  expect(json).toMatchObject({ ok: true, team_id: 'T01LOCAL', user_id: 'U01LINKGATE' });
  expect(headers.get('x-oauth-scopes')).toBe('chat:write,commands');
});

test('messages are listed oldest first, and replies in their thread only', async () => {
  const { call, list } = createTestSlack();
  const thread_ts = (await call('chat.postMessage', { channel, text: 'one' })).json.ts;
  await call('chat.postMessage', { channel, text: 'two' });
  await call('chat.postMessage', { channel, text: 'aside', thread_ts });
  expect(await list()).toMatchObject([{ text: 'one' }, { text: 'two' }]);
  expect(await list(`&thread_ts=${thread_ts}`)).toMatchObject([{ text: 'aside', thread_ts }]);
});

test('an update replaces text and blocks, and a deleted message cannot be deleted again', async () => {
  const { call, list } = createTestSlack();
  const { ts } = (await call('chat.postMessage', post)).json;
  const blocks = [section('new')];
  await call('chat.update', { channel, ts, text: 'new', blocks });
  expect(await list()).toEqual([{ ts, text: 'new', blocks }]);
  // An update with a text alone removes the blocks.
  await call('chat.update', { channel, ts, text: 'newer' });
  expect((await call('chat.update', { channel, ts, text: x(4001) })).json.error).toBe('msg_too_long');
  expect(await list()).toEqual([{ ts, text: 'newer' }]);
  expect((await call('chat.delete', { channel, ts })).json).toEqual({ ok: true, channel, ts });
  expect(await list()).toEqual([]);
  expect((await call('chat.delete', { channel, ts })).json.error).toBe('message_not_found');
});

const missing = { channel, ts: '1.0', text: 'a' };
const open = (title = 'Deny') => ({ trigger_id: '1.2', view: aModal(title) });
const tooLong = Array.from({ length: 5 }, () => section(x(2900)));
test.each<[why: string, method: string, input: object, error: string, token?: string]>([
  ['an unknown channel', 'chat.postMessage', { ...post, channel: 'C0NOWHERE' }, 'channel_not_found'],
  ['nothing to say', 'chat.postMessage', { channel, text: '' }, 'no_text'],
  ['more than 40,000 characters', 'chat.postMessage', { channel, text: x(40_001) }, 'msg_too_long'],
  ['blocks that are too long', 'chat.postMessage', { ...post, blocks: tooLong }, 'msg_blocks_too_long'],
  ['a missing thread', 'chat.postMessage', { ...post, thread_ts: '1.0' }, 'thread_not_found'],
  ['a missing message', 'chat.update', missing, 'message_not_found'],
  ['no ts', 'chat.update', post, 'invalid_arguments'],
  ['an invented trigger', 'views.open', open(), 'invalid_trigger_id'],
  ['a modal of 250 kB', 'views.open', open(x(250_000)), 'view_too_large'],
  ['a modal over a limit', 'views.open', open(x(25)), 'invalid_arguments'],
  ['no such method', 'chat.shout', {}, 'unknown_method'],
  ['a method that every object has', 'constructor', {}, 'unknown_method'],
  ['no token', 'auth.test', {}, 'not_authed', ''],
  ['a token that is not the app’s', 'auth.test', {}, 'invalid_auth', 'xoxb-other'],
])('%s is refused', async (_, method, input, error, ...[token]) => {
  expect((await createTestSlack().call(method, input, token)).json).toMatchObject({ ok: false, error });
});

test('refused blocks are reported with their position', async () => {
  const { json } = await createTestSlack().call('chat.postMessage', { ...post, blocks: [section('')] });
  expect(json.error).toBe('invalid_blocks');
  const problem = '[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]';
  expect(json.response_metadata.messages).toEqual([problem]);
});

describe('the rate limits', () => {
  test('allow one message per second and channel, with a small burst', async () => {
    const { call, clock } = createTestSlack();
    for (let sent = 0; sent < 5; sent += 1) expect((await call('chat.postMessage', post)).status).toBe(200);
    const { status, headers, json } = await call('chat.postMessage', post);
    expect({ status, json }).toMatchObject({ status: 429, json: { ok: false, error: 'ratelimited' } });
    expect(headers.get('retry-after')).toBe('1');
    expect((await call('chat.postMessage', { ...post, channel: 'C01OPS' })).status).toBe(200);
    clock.advance(1000);
    expect((await call('chat.postMessage', post)).status).toBe(200);
  });

  test('can be switched off', async () => {
    const { call } = createTestSlack({ isThrottled: false });
    for (let sent = 0; sent < 10; sent += 1) expect((await call('chat.postMessage', post)).status).toBe(200);
  });
});

test.each([
  ['service_unavailable', 503, false],
  ['ratelimited', 429, false],
  ['is_archived', 200, false],
  ['fatal_error', 200, true],
])(
  'a fault makes Slack return %s with status %i, after the effect: %s',
  async (error, status, afterEffect) => {
    const { call, faults, list } = createTestSlack();
    faults.replace([{ service: 'slack', action: 'chat.postMessage', rate: 1, error, afterEffect }]);
    expect(await call('chat.postMessage', post)).toMatchObject({ status, json: { ok: false, error } });
    expect(await list()).toHaveLength(afterEffect ? 1 : 0);
  },
);
