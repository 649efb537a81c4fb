import { beforeEach, expect, test } from '@jest/globals';
import { runCli, useFakeAws } from './test-env.ts';

const aws = await useFakeAws();
beforeEach(() => {
  aws.respond = ({ method }) => ({ body: method === 'GET' ? { manifest } : connection });
});

const manifest = { display_information: { name: 'linkgate' } };
const connection = { team: 'T01LOCAL', bot: 'U01BOT', scopes: ['chat:write'], warnings: ['look'] };
const signingSecret = '8f742231b10e8888abcd99yyyzzz85a5';
const botToken = 'xoxb-17653672481-19874698323';

test.each(['', ' --json'])('`slack manifest%s` prints the manifest in the format of Slack', async (json) => {
  const output = await runCli(`slack manifest${json}`, aws);
  expect(output.code).toBe(0);
  expect(JSON.parse(output.stdout)).toEqual(manifest);
  expect(aws.apiRequests).toMatchObject([{ method: 'GET', path: '/api/slack/manifest' }]);
});

test.each([
  ['both secrets', '', [signingSecret, botToken], { signingSecret, botToken }],
  ['both the other way round', '', [botToken, signingSecret], { signingSecret, botToken }],
  ['the token alone, with blanks', '', ['', `  ${botToken} `, ''], { botToken }],
  ['the signing secret alone', '', [signingSecret], { signingSecret }],
  ['nothing', ' --forget-previous', [], { forgetPrevious: true }],
  ['a new secret', ' --forget-previous', [botToken], { botToken, forgetPrevious: true }],
])(
  'with %s on standard input `slack connect%s` sends each as what it is, and prints none',
  async (_what, option, stdin, body) => {
    const output = await runCli(`slack connect${option}`, aws, { stdin });
    expect(output).toMatchObject({ code: 0, stderr: 'warning: look\n' });
    expect(aws.apiRequests).toMatchObject([{ method: 'PUT', path: '/api/slack', body }]);
    for (const secret of [signingSecret, botToken]) expect(output.stdout).not.toContain(secret);
  },
);

test.each([
  ['no standard input', undefined, ''],
  ['nothing', [], 'nothing was given'],
  ['two tokens', [botToken, botToken], 'two lines look like the bot token'],
  ['two signing secrets', [signingSecret, 'another'], 'two lines look like the signing secret'],
])('`slack connect` with %s is a usage error without an API call', async (_what, stdin, message) => {
  const output = await runCli('slack connect', aws, stdin && { stdin });
  expect(output).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  expect(output.stderr).not.toContain(botToken);
  expect(aws.apiRequests).toEqual([]);
});

test('`slack connect` prints the workspace and the bot user of the app, and with --json no secret', async () => {
  const { stdout } = await runCli('slack connect', aws, { stdin: [botToken] });
  expect(stdout).toMatch(/workspace +T01LOCAL\nbot user +U01BOT\n/);
  const { stdout: document } = await runCli('slack connect --json', aws, { stdin: [botToken] });
  expect(JSON.parse(document)).toEqual({ team: 'T01LOCAL', bot: 'U01BOT', scopes: ['chat:write'] });
});

test('`slack connect` in a terminal prompts for each secret on standard error, and an empty line keeps the stored one', async () => {
  const stdin = ['', botToken, 'never read'];
  const output = await runCli('slack connect', aws, { stdin, isTTY: true });
  expect(output.code).toBe(0);
  expect(output.stderr).toMatch(/^signing secret .*: \nbot token, .*: \nwarning: look\n$/);
  expect(aws.apiRequests).toMatchObject([{ body: { botToken } }]);
});
