import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { parseSignature, verifySignature } from '../../../lib/channels/slack/signature.ts';

/** Slack's own published example. */
const published = {
  secret: '8f742231b10e8888abcd99yyyzzz85a5',
  timestamp: '1531420618',
  body: Buffer.from(
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  ),
  signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
};
const { secret, timestamp, body, signature } = published;
const headers = { 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp };

function secondsAfter(seconds: number): Date {
  return new Date((Number(timestamp) + seconds) * 1000);
}

function isProved(secrets: readonly string[], sent = body): boolean {
  const proof = parseSignature(headers, sent, secondsAfter(0));
  return proof !== undefined && verifySignature(secrets, proof);
}

test("the signature of Slack's published example is valid", () => {
  expect(isProved([secret])).toBe(true);
});

test('a signature with the current or the previous secret is valid, and with a third it is not', () => {
  expect(isProved(['another', secret])).toBe(true);
  expect(isProved(['another', 'a third'])).toBe(false);
});

test.each([[[]], [['']], [['  ']]])('no signature is valid with the secrets %j', (secrets) => {
  const anybodys = createHmac('sha256', secrets[0] ?? '')
    .update(`v0:${timestamp}:`)
    .update(body);
  const proof = { timestamp, body, signature: `v0=${anybodys.digest('hex')}` };
  expect(verifySignature(secrets, proof)).toBe(false);
});

test.each([
  ['an additional byte', Buffer.concat([body, Buffer.from('x')])],
  ['another encoding of its spaces', Buffer.from(`${body}`.replace('text=', 'text=+').replace('+', '%20'))],
])('a signature is invalid for a body with %s', (_, changed) => {
  expect(isProved([secret], changed)).toBe(false);
});

describe('a timestamp', () => {
  test.each([
    [-300, true],
    [-301, false],
    [300, true],
    [301, false],
  ])('%i seconds from now is accepted: %s', (seconds, isOne) => {
    expect(parseSignature(headers, body, secondsAfter(seconds)) !== undefined).toBe(isOne);
  });
});

test.each([
  ['no signature', { 'x-slack-request-timestamp': timestamp }],
  ['no timestamp', { 'x-slack-signature': signature }],
  ['a timestamp that is no number', { ...headers, 'x-slack-request-timestamp': 'yesterday' }],
  ['another version', { ...headers, 'x-slack-signature': signature.replace('v0', 'v1') }],
  ['a signature that is too short', { ...headers, 'x-slack-signature': signature.slice(0, -1) }],
  ['a signature that is too long', { ...headers, 'x-slack-signature': `${signature}0` }],
  ['a signature that is not hexadecimal', { ...headers, 'x-slack-signature': `v0=${'z'.repeat(64)}` }],
  ['two signatures', { ...headers, 'x-slack-signature': `${signature},${signature}` }],
])('a request with %s is rejected', (_, sent) => {
  expect(parseSignature(sent, body, secondsAfter(0))).toBeUndefined();
});

test('the names of the signature headers are case-insensitive', () => {
  const shouted = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  );
  expect(parseSignature(shouted, body, secondsAfter(0))).toMatchObject({ signature });
});
