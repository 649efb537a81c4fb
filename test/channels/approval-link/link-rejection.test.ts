import { describe, expect, test } from '@jest/globals';
import type { LinkClaims } from '../../../lib/channels/approval-link/link.ts';
import { anApproval, aVerdict, consumer, endpointId, noon } from '../../builders.ts';
import { address, createLinkTestEnv, deny, linkQuery, otherAddress, withReason } from './fixtures.ts';

type Contents = Parameters<typeof createLinkTestEnv>[0];
const own = anApproval({ by: `mailto:${address}` });
const other = anApproval({ decision: 'deny', by: 'slack:T01LOCAL:U01ALICE', reason: 'not ours' });
describe('a link decides nothing, and shows the reason, when', () => {
  test.each<[string, Contents, Partial<LinkClaims>, number, string]>([
    ['it has expired', {}, { expiresAt: noon.toISOString() }, 410, `linkgate explain ${endpointId(1)}`],
    ['the approval request has a newer version', {}, { version: 0 }, 409, 'This link is out of date'],
    [
      'the group decides only on the command line',
      { group: { decisionChannels: 'api' } },
      {},
      403,
      `linkgate approve ${endpointId(1)}`,
    ],
    [
      'the same person has already decided',
      { record: { verdict: aVerdict('accept', { decidedBy: own.by }), personDecision: own } },
      deny,
      410,
      'You approved it. Each link works once.',
    ],
    [
      'another person has decided, with the author, time and reason',
      { record: { verdict: aVerdict('reject', { decidedBy: other.by }), personDecision: other } },
      {},
      409,
      '<strong>Denied</strong> by U01ALICE (Slack workspace T01LOCAL) on 21 Nov 2026, 12:00 UTC: not ours',
    ],
    ['linkgate does not know the request', {}, { endpointId: endpointId(9) }, 410, endpointId(9)],
    [
      'its address owns the account',
      { entries: [{ endpointIds: [endpointId(9)], owners: [`mailto:${address}`] }] },
      {},
      403,
      'Another approver has to approve this',
    ],
  ])('%s', async (_, contents, claims, statusCode, text) => {
    const env = createLinkTestEnv(contents);
    const rejection = { statusCode, body: expect.stringContaining(text) };
    expect(await env.follow(claims)).toMatchObject(rejection);
    expect(await env.answer(withReason, claims)).toMatchObject(rejection);
    expect(env.writes()).toBe(0);
  });

  test('its address is no longer in the group, and the page shows nothing of the request', async () => {
    const env = createLinkTestEnv({ group: { emails: [otherAddress] } });
    const { statusCode, body } = await env.answer(withReason);
    expect(statusCode).toBe(403);
    expect(body).not.toContain(consumer);
    expect((await env.follow()).body).not.toContain(consumer);
    expect(env.writes()).toBe(0);
  });

  test('its signature is invalid, or the signing key is empty', async () => {
    const env = createLinkTestEnv();
    const invalid = { statusCode: 400, body: expect.stringContaining('This link is not valid') };
    for (const query of ['', 'token=', 'token=1.e30.x', linkQuery({}, 'another-key'), `${linkQuery()}x`])
      expect(await env.send('POST', { rawQueryString: query, body: 'reason=x' })).toMatchObject(invalid);
    const withoutKey = createLinkTestEnv();
    withoutKey.key.value = '';
    expect(await withoutKey.answer(withReason)).toMatchObject(invalid);
    expect([env.writes(), withoutKey.writes()]).toEqual([0, 0]);
  });

  test('concurrent changes of the request do not end', async () => {
    const env = createLinkTestEnv();
    env.app.table = { ...env.app.table, write: async () => false };
    expect(await env.answer(withReason)).toMatchObject({
      statusCode: 409,
      body: expect.stringContaining('Try again'),
    });
  });
});

test('an owner of the account may deny with a link', async () => {
  const env = createLinkTestEnv({
    entries: [{ endpointIds: [endpointId(9)], owners: [`mailto:${address}`] }],
  });
  expect(await env.answer(withReason, deny)).toMatchObject({ statusCode: 200 });
});
