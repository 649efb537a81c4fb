import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { handleLinkRequest } from '../../../lib/channels/approval-link/handle-link-request.ts';
import { endpointId } from '../../builders.ts';
import { address, createLinkTestEnv, deny, linkQuery, withReason } from './fixtures.ts';

const samples = new URL('../../../events/on-approval-link/', import.meta.url);

test.each([
  ['link-followed', 200, 'shown'],
  ['link-scanned', 200, 'shown'],
  ['link-truncated', 400, 'invalid-signature'],
  ['form-posted-empty', 422, 'incomplete'],
  ['approve', 200, 'decided'],
  ['approve-and-allow', 200, 'decided'],
  ['deny', 200, 'decided'],
])(
  'the API Gateway event %s gets the status code %d and the outcome %s',
  async (name, statusCode, outcome) => {
    const event = JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8'));
    const { response, logFields } = await handleLinkRequest(event, createLinkTestEnv().app);
    expect([response.statusCode, logFields.outcome]).toEqual([statusCode, outcome]);
  },
);

test('every page forbids framing, caching and the Referer header, and loads nothing', async () => {
  const env = createLinkTestEnv();
  const pages = [
    await env.follow(),
    await env.follow({}, 'HEAD'),
    await env.answer({}),
    await env.send('GET', {}),
    await env.answer(withReason),
  ];
  for (const { headers } of pages)
    expect(headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      ),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'strict-transport-security': 'max-age=31536000',
    });
});

test('an unexpected error is reported, and its page does not contain the token', async () => {
  const env = createLinkTestEnv();
  env.app.table = { ...env.app.table, get: () => Promise.reject(new Error('no table')) };
  const { statusCode, body, logFields } = await env.follow();
  expect(statusCode).toBe(500);
  expect(env.errors).toHaveLength(1);
  expect(body + JSON.stringify(logFields)).not.toContain('1.ey');
});

test('the log contains the approver and the outcome, and never the token', async () => {
  const { logFields } = await createLinkTestEnv().answer(withReason);
  expect(logFields).toMatchObject({ method: 'POST', outcome: 'decided', address, endpointId: endpointId(1) });
  expect(JSON.stringify(logFields)).not.toContain('1.ey');
});

test('a request with any query, body and headers gets a page, and no server error', async () => {
  const env = createLinkTestEnv();
  const text = fc.string({ unit: 'binary' });
  const form = fc.dictionary(text, text).map((fields) => new URLSearchParams(fields).toString());
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'HEAD', 'POST'),
      fc.oneof(text, fc.constant(linkQuery()), fc.constant(linkQuery(deny))),
      fc.oneof(text, form, fc.base64String()),
      fc.boolean(),
      fc.dictionary(text, text),
      async (method, rawQueryString, body, isBase64Encoded, headers) => {
        const { statusCode } = await env.send(method, {
          rawQueryString,
          body,
          isBase64Encoded,
          headers,
        });
        expect(statusCode).toBeLessThan(500);
      },
    ),
    { numRuns: 200 },
  );
});

test('a form of megabytes is answered with a page of kilobytes and status 422', async () => {
  const { statusCode, body } = await createLinkTestEnv().answer({ reason: '<'.repeat(5_000_000) });
  expect(statusCode).toBe(422);
  expect(body.length).toBeLessThan(200_000);
});
