import { describe, expect, test } from '@jest/globals';
import { SlackError, slackWebApi } from '../../../lib/channels/slack/web-api.ts';

interface SlackCall {
  readonly method: string;
  readonly token: string;
  readonly body: { readonly [field: string]: unknown };
}
type Reply = (call: SlackCall) => Response | Promise<Response>;

const ok = (fields: object = {}) => Response.json({ ok: true, channel: 'C1', ts: '1.1', ...fields });
const slackError = (error: string, init?: ResponseInit) => Response.json({ ok: false, error }, init);

/** The client of a simulated Slack, and the recorded calls. */
function aSlack(reply: Reply, secrets: { tokens?: readonly string[]; refreshed?: readonly string[] } = {}) {
  const calls: SlackCall[] = [];
  const { tokens = ['xoxb-1'], refreshed } = secrets;
  const api = slackWebApi({
    url: 'https://slack.com/api',
    tokens: async () => tokens,
    refreshedTokens: async () => refreshed,
    timeoutMs: 1_000,
    async fetch(url, init) {
      const one = {
        method: String(url).replace('https://slack.com/api/', ''),
        token: new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? '',
        body: JSON.parse(String(init?.body)),
      };
      calls.push(one);
      return reply(one);
    },
  });
  return { api, calls, tokensOf: () => calls.map(({ token }) => token) };
}

const message = { channel: 'C1', text: 'in words', blocks: [{ type: 'divider' }] };

describe('a message', () => {
  test('is posted, and identified by channel and ts', async () => {
    const { api, calls } = aSlack(() => ok());
    expect(await api.post(message)).toEqual({ channel: 'C1', ts: '1.1' });
    expect(calls).toMatchObject([{ method: 'chat.postMessage', body: { ...message, unfurl_links: false } }]);
  });

  test('can be posted as a reply in a thread', async () => {
    const { api, calls } = aSlack(() => ok());
    await api.post({ channel: 'C1', text: 'still waits', threadTs: '1.1' });
    expect(calls[0]?.body).toMatchObject({ thread_ts: '1.1' });
  });

  test.each(['invalid_blocks', 'msg_blocks_too_long', 'msg_too_long'])(
    'is sent as plain text if Slack rejects its blocks: %s',
    async (error) => {
      const { api, calls } = aSlack(({ body }) => (body.blocks ? slackError(error) : ok()));
      await api.post({ ...message, text: 'x'.repeat(4_000) });
      await api.update({ ...message, ts: '1.1' });
      const plain = calls.filter(({ body }) => !body.blocks);
      expect(plain.map(({ method }) => method)).toEqual(['chat.postMessage', 'chat.update']);
      expect(String(plain[0]?.body.text).length).toBeLessThanOrEqual(2_000);
    },
  );

  test('is not sent again if Slack rejects the plain text too', async () => {
    const { api, calls } = aSlack(() => slackError('invalid_blocks'));
    await expect(api.post(message)).rejects.toThrow(SlackError);
    expect(calls).toHaveLength(2);
  });

  test('that no longer exists counts as removed', async () => {
    const { api } = aSlack(() => slackError('message_not_found'));
    await api.remove({ channel: 'C1', ts: '1.1' });
    const { api: other } = aSlack(() => slackError('cant_delete_message'));
    await expect(other.remove({ channel: 'C1', ts: '1.1' })).rejects.toThrow(SlackError);
  });
});

describe('a token', () => {
  test('that Slack rejects is replaced by the previous one', async () => {
    const { api, tokensOf } = aSlack(({ token }) => (token === 'old' ? ok() : slackError('invalid_auth')), {
      tokens: ['new', 'old'],
    });
    await api.post(message);
    expect(tokensOf()).toEqual(['new', 'old']);
  });

  test('that was rotated is read again', async () => {
    const { api, tokensOf } = aSlack(({ token }) => (token === 'new' ? ok() : slackError('token_revoked')), {
      tokens: ['old'],
      refreshed: ['new', 'old'],
    });
    await api.post(message);
    expect(tokensOf()).toEqual(['old', 'new']);
  });

  test('is required for a call', async () => {
    const { api, calls } = aSlack(() => ok(), { tokens: [] });
    await expect(api.post(message)).rejects.toMatchObject({ error: 'not_authed', isPermanent: true });
    expect(calls).toEqual([]);
  });

  test('is identified by its workspace, its bot and its scopes', async () => {
    const { api } = aSlack(() =>
      Response.json(
        { ok: true, team_id: 'T1', user_id: 'U1', url: 'https://x.slack.com/' },
        { headers: { 'x-oauth-scopes': 'chat:write,commands' } },
      ),
    );
    expect(await api.authTest()).toEqual({
      teamId: 'T1',
      botUserId: 'U1',
      url: 'https://x.slack.com/',
      scopes: ['chat:write', 'commands'],
    });
  });
});

describe('a failed call', () => {
  test.each<[string, Reply, object]>([
    [
      'a 429 with Retry-After',
      () => new Response('', { status: 429, headers: { 'retry-after': '17' } }),
      { error: 'ratelimited', retryAfterSeconds: 17, isPermanent: false },
    ],
    [
      'the error ratelimited with Retry-After',
      () => slackError('ratelimited', { headers: { 'retry-after': '9' } }),
      { error: 'ratelimited', retryAfterSeconds: 9 },
    ],
    ['a 429 without Retry-After', () => new Response('', { status: 429 }), { retryAfterSeconds: 30 }],
    ['a 503', () => new Response('', { status: 503 }), { error: 'http_503', isPermanent: false }],
    [
      'a response that is not JSON',
      () => new Response('<html>'),
      { error: 'unreachable', isPermanent: false },
    ],
    ['the error channel_not_found', () => slackError('channel_not_found'), { isPermanent: true }],
    ['a network error', () => Promise.reject(new TypeError('fetch failed')), { error: 'unreachable' }],
    [
      'a timeout',
      () => Promise.reject(Object.assign(new Error('too slow'), { name: 'TimeoutError' })),
      { error: 'timeout', isPermanent: false },
    ],
  ])('because of %s throws a SlackError and is not retried', async (_, reply, error) => {
    const { api, calls } = aSlack(reply);
    await expect(api.post(message)).rejects.toMatchObject({ name: 'SlackError', ...error });
    expect(calls).toHaveLength(1);
  });
});

test('a modal is opened by trigger_id, and updated by view id', async () => {
  const { api, calls } = aSlack(() => ok());
  const view = { type: 'modal' };
  await api.openView('trigger', view);
  expect(calls.map(({ method, body }) => [method, body])).toEqual([
    ['views.open', { trigger_id: 'trigger', view }],
  ]);
});
