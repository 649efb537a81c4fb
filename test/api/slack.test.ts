import { describe, expect, test } from '@jest/globals';
import { SlackError } from '../../lib/channels/slack/web-api.ts';
import { createTestEnv, type TestEnv } from '../doubles/test-env.ts';
import { callApi, errorAnswer } from './call-api.ts';

const signingSecret = '8f742231b10e8888abcd99yyyzzz85a5';
const botToken = 'xoxb-17653672481-19874698323';
const both = { signingSecret, botToken };

const connect = (env: TestEnv, body: unknown = both, headers?: Readonly<Record<string, string>>) =>
  callApi(env, 'PUT /slack', body, headers);

test('the Slack manifest contains the request URL of the deployment', async () => {
  const { body } = await callApi(createTestEnv(), 'GET /slack/manifest');
  expect(body).toMatchObject({
    manifest: { settings: { interactivity: { request_url: 'https://receivers.example.com/slack' } } },
  });
});

describe('the secrets of the Slack app', () => {
  test('are stored, and the response shows the identity of the app', async () => {
    const env = createTestEnv();
    expect(await connect(env)).toEqual({
      status: 200,
      body: { team: 'T01LOCAL', bot: 'U01BOT', scopes: ['chat:write', 'commands'], warnings: [] },
    });
    expect([...env.secrets]).toEqual([
      ['slack/signing-secret', [signingSecret]],
      ['slack/bot-token', [botToken]],
    ]);
  });

  test('are rotated one by one, and the previous secret stays valid', async () => {
    const env = createTestEnv();
    await connect(env);
    await connect(env, { botToken: 'xoxb-another' });
    expect([...env.secrets.values()]).toEqual([[signingSecret], ['xoxb-another', botToken]]);
  });

  test('that are already current do not replace the previous ones', async () => {
    const env = createTestEnv();
    await connect(env);
    await connect(env, { botToken: 'xoxb-another' });
    expect((await connect(env, { botToken: 'xoxb-another' })).body.warnings).toEqual([
      'the bot token is current already',
    ]);
    expect(env.secrets.get('slack/bot-token')).toEqual(['xoxb-another', botToken]);
  });

  test('lose their previous values by `forgetPrevious`, also in a request with new secrets', async () => {
    const env = createTestEnv();
    await connect(env);
    await connect(env, { signingSecret: 'another-signing-secret', botToken: 'xoxb-another' });
    expect(await connect(env, { forgetPrevious: true })).toEqual({ status: 200, body: { warnings: [] } });
    expect([...env.secrets.values()]).toEqual([['another-signing-secret'], ['xoxb-another']]);
    await connect(env, { botToken, forgetPrevious: true });
    expect(env.secrets.get('slack/bot-token')).toEqual([botToken]);
  });

  test('are stored if one of the two is missing, and a warning names the missing one', async () => {
    expect(await connect(createTestEnv(), { signingSecret })).toEqual({
      status: 200,
      body: { warnings: ['the bot token is missing: linkgate slack connect'] },
    });
  });

  test.each([
    [['chat:write'], 'the app lacks scopes: commands'],
    [['chat:write', 'commands', 'files:read'], 'the app has scopes that linkgate does not use: files:read'],
  ])('of an app with the scopes %j are stored with a warning', async (scopes, warning) => {
    const env = createTestEnv();
    env.slackApp.scopes = scopes;
    expect((await connect(env)).body.warnings).toEqual([warning]);
  });

  test.each([
    ['invalid_auth', 400, 'InvalidRequest'],
    ['timeout', 503, 'SlackUnavailable'],
  ])('are not stored when Slack answers %s', async (error, status, code) => {
    const env = createTestEnv();
    env.deps.slackWith = () => ({ authTest: () => Promise.reject(new SlackError('auth.test', error)) });
    expect(await connect(env)).toMatchObject({
      status,
      body: { error: { code, message: expect.stringContaining('nothing was stored') } },
    });
    expect(env.secrets.size).toBe(0);
  });

  test.each([
    [{}, 'send the signing secret, the bot token or both, or `forgetPrevious`'],
    [{ botToken: 'xoxp-of-a-user' }, 'begins with xoxb-'],
    [{ botToken: 'xoxb-two words' }, 'begins with xoxb-'],
    [{ signingSecret: botToken }, 'the signing secret is one word'],
    [{ signingSecret: 'short' }, 'the signing secret is one word'],
    [{ signingSecret: '0123456789abcdef\nanother-line' }, 'the signing secret is one word'],
  ])('in an invalid format are rejected, and the error does not repeat them: %j', async (input, sentence) => {
    const { status, body } = await connect(createTestEnv(), input);
    expect({ status, body }).toMatchObject(errorAnswer(400, 'InvalidRequest', sentence));
    for (const value of Object.values(input)) expect(JSON.stringify(body)).not.toContain(value);
  });

  test('are in no response and in no item of the table, even with an Idempotency-Key', async () => {
    const env = createTestEnv();
    const written: unknown[] = [];
    const { table } = env;
    env.deps.table = {
      ...table,
      write(writes) {
        written.push(...writes);
        return table.write(writes);
      },
    };
    const first = await connect(env, both, { 'idempotency-key': 'key-1' });
    const second = await connect(env, both, { 'idempotency-key': 'key-1' });
    expect(second).toEqual(first);
    expect(written).not.toEqual([]);
    for (const secret of Object.values(both)) expect(JSON.stringify([first, written])).not.toContain(secret);
  });
});
