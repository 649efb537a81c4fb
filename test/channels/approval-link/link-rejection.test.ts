import { describe, expect, test } from '@jest/globals';
import type { LinkClaims } from '../../../lib/channels/approval-link/link.ts';
import { aFinding, anApproval, aVerdict, consumer, endpointId, noon } from '../../builders.ts';
import { address, createLinkTestEnv, deny, linkQuery, otherAddress, withReason } from './fixtures.ts';

describe('a link decides nothing, and shows the reason, when', () => {
  async function expectRejection(
    env: ReturnType<typeof createLinkTestEnv>,
    claims: Partial<LinkClaims> = {},
  ) {
    const [page, response] = [await env.follow(claims), await env.answer(withReason, claims)];
    expect(response.statusCode).toBe(page.statusCode);
    expect(env.writes()).toBe(0);
    return response;
  }

  test('its signature is invalid', async () => {
    const env = createLinkTestEnv();
    for (const query of ['', 'token=', 'token=1.e30.x', linkQuery({}, 'another-key'), `${linkQuery()}x`])
      expect(await env.send('POST', { rawQueryString: query, body: 'reason=x' })).toMatchObject({
        statusCode: 400,
        body: expect.stringContaining('This link is not valid'),
      });
    expect(env.writes()).toBe(0);
  });

  test('the signing key is empty', async () => {
    const env = createLinkTestEnv();
    env.key.value = '';
    expect(await expectRejection(env)).toMatchObject({ statusCode: 400 });
  });

  test('it has expired', async () => {
    const { statusCode, body } = await expectRejection(createLinkTestEnv(), {
      expiresAt: noon.toISOString(),
    });
    expect(statusCode).toBe(410);
    expect(body).toContain(`linkgate explain ${endpointId(1)}`);
  });

  test('the approval request has a newer version', async () => {
    const { statusCode, body } = await expectRejection(createLinkTestEnv(), { version: 0 });
    expect(statusCode).toBe(409);
    expect(body).toContain('This link is out of date');
  });

  test('its address is no longer in the group, and the page shows nothing of the request', async () => {
    const { statusCode, body } = await expectRejection(
      createLinkTestEnv({ group: { emails: [otherAddress] } }),
    );
    expect(statusCode).toBe(403);
    expect(body).not.toContain(consumer);
  });

  test('the group decides only on the command line', async () => {
    const { statusCode, body } = await expectRejection(
      createLinkTestEnv({ group: { decisionChannels: 'api' } }),
    );
    expect(statusCode).toBe(403);
    expect(body).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('its address owns the account, which may still deny', async () => {
    const env = createLinkTestEnv({
      entries: [{ endpointIds: [endpointId(9)], owners: [`mailto:${address}`] }],
    });
    const { statusCode, body } = await expectRejection(env);
    expect(statusCode).toBe(403);
    expect(body).toContain('Another approver has to approve this');
    expect(await env.answer(withReason, deny)).toMatchObject({ statusCode: 200 });
  });

  test('the same person has already decided', async () => {
    const personDecision = anApproval({ by: `mailto:${address}` });
    const record = { verdict: aVerdict('accept', { decidedBy: personDecision.by }), personDecision };
    const { statusCode, body } = await expectRejection(createLinkTestEnv({ record }), deny);
    expect(statusCode).toBe(410);
    expect(body).toContain('You approved it');
    expect(body).not.toContain('“Deny” works');
  });

  test('another person has decided, with the author, time and reason', async () => {
    const personDecision = anApproval({
      decision: 'deny',
      by: 'slack:T01LOCAL:U01ALICE',
      reason: 'not ours',
    });
    const record = { verdict: aVerdict('reject', { decidedBy: personDecision.by }), personDecision };
    const { statusCode, body } = await expectRejection(createLinkTestEnv({ record }));
    expect(statusCode).toBe(409);
    expect(body).toContain(
      '<strong>Denied</strong> by U01ALICE (Slack workspace T01LOCAL) on 21 Nov 2026, 12:00 UTC: not ours',
    );
  });

  test('the deadline has passed and the service rejects on expiry', async () => {
    const findings = [
      aFinding({ rule: 'approval-deadline-passed', outcome: 'reject', reason: 'nobody decided it' }),
    ];
    const record = { verdict: aVerdict('reject', { findings }) };
    const { statusCode, body } = await expectRejection(createLinkTestEnv({ record }));
    expect(statusCode).toBe(409);
    expect(body).toContain('<strong>Rejected by policy</strong>');
    expect(body).toContain('nobody decided it');
  });

  test('the endpoint is deleted', async () => {
    const record = { state: 'deleted', endedAt: noon.toISOString() } as const;
    expect((await expectRejection(createLinkTestEnv({ record }))).body).toContain(
      'The endpoint is deleted; nothing is left to do.',
    );
  });

  test('linkgate does not know the request', async () => {
    expect(await expectRejection(createLinkTestEnv(), { endpointId: endpointId(9) })).toMatchObject({
      statusCode: 410,
    });
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
