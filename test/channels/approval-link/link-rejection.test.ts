import { describe, expect, test } from '@jest/globals';
import type { LinkClaims } from '../../../lib/channels/approval-link/link.ts';
import { aFinding, anApproval, aVerdict, consumer, endpointId, noon } from '../../builders.ts';
import { address, createLinkTestEnv, deny, linkQuery, otherAddress, withReason } from './fixtures.ts';

describe('a link decides nothing, and says why, when', () => {
  async function refused(situation: ReturnType<typeof createLinkTestEnv>, claims: Partial<LinkClaims> = {}) {
    const [shown, answered] = [await situation.follow(claims), await situation.answer(withReason, claims)];
    expect(answered.statusCode).toBe(shown.statusCode);
    expect(situation.writes()).toBe(0);
    return answered;
  }

  test('it is not linkgate’s', async () => {
    const situation = createLinkTestEnv();
    for (const query of ['', 'token=', 'token=1.e30.x', linkQuery({}, 'another-key'), `${linkQuery()}x`])
      expect(await situation.send('POST', { rawQueryString: query, body: 'reason=x' })).toMatchObject({
        statusCode: 400,
        body: expect.stringContaining('This link is not valid'),
      });
    expect(situation.writes()).toBe(0);
  });

  test('there is no key', async () => {
    const situation = createLinkTestEnv();
    situation.key.kept = '';
    expect(await refused(situation)).toMatchObject({ statusCode: 400 });
  });

  test('it has expired', async () => {
    const { statusCode, body } = await refused(createLinkTestEnv(), { expiresAt: noon.toISOString() });
    expect(statusCode).toBe(410);
    expect(body).toContain(`linkgate explain ${endpointId(1)}`);
  });

  test('the request was asked anew', async () => {
    const { statusCode, body } = await refused(createLinkTestEnv(), { version: 0 });
    expect(statusCode).toBe(409);
    expect(body).toContain('This link is out of date');
  });

  test('its address was taken out of the group, which is then told nothing of the request', async () => {
    const { statusCode, body } = await refused(createLinkTestEnv({ group: { emails: [otherAddress] } }));
    expect(statusCode).toBe(403);
    expect(body).not.toContain(consumer);
  });

  test('the group decides on the command line only', async () => {
    const { statusCode, body } = await refused(createLinkTestEnv({ group: { decisionChannels: 'api' } }));
    expect(statusCode).toBe(403);
    expect(body).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('its address owns the account that asks, and may still deny', async () => {
    const situation = createLinkTestEnv({
      entries: [{ endpointIds: [endpointId(9)], owners: [`mailto:${address}`] }],
    });
    const { statusCode, body } = await refused(situation);
    expect(statusCode).toBe(403);
    expect(body).toContain('Somebody else has to approve this');
    expect(await situation.answer(withReason, deny)).toMatchObject({ statusCode: 200 });
  });

  test('this person has decided it', async () => {
    const approval = anApproval({ by: `mailto:${address}` });
    const record = { verdict: aVerdict('accept', { decidedBy: approval.by }), approval };
    const { statusCode, body } = await refused(createLinkTestEnv({ record }), deny);
    expect(statusCode).toBe(410);
    expect(body).toContain('You approved it');
    expect(body).not.toContain('your link to deny');
  });

  test('somebody else has decided it: who, when and why', async () => {
    const approval = anApproval({ decision: 'deny', by: 'slack:T01LOCAL:U01ALICE', reason: 'not ours' });
    const record = { verdict: aVerdict('reject', { decidedBy: approval.by }), approval };
    const { statusCode, body } = await refused(createLinkTestEnv({ record }));
    expect(statusCode).toBe(409);
    expect(body).toContain(
      'U01ALICE (Slack workspace T01LOCAL) denied it on 21 Nov 2026, 12:00 UTC: “not ours”',
    );
  });

  test('time ran out and the service rejects then', async () => {
    const findings = [
      aFinding({ rule: 'approval-deadline-passed', outcome: 'reject', reason: 'nobody decided it' }),
    ];
    const record = { verdict: aVerdict('reject', { findings }) };
    const { statusCode, body } = await refused(createLinkTestEnv({ record }));
    expect(statusCode).toBe(409);
    expect(body).toContain('linkgate decided by policy to reject it');
    expect(body).toContain('nobody decided it');
  });

  test('the endpoint is gone', async () => {
    const record = { state: 'deleted', endedAt: noon.toISOString() } as const;
    expect((await refused(createLinkTestEnv({ record }))).body).toContain('The endpoint is deleted.');
  });

  test('linkgate no longer looks after the request', async () => {
    expect(await refused(createLinkTestEnv(), { endpointId: endpointId(9) })).toMatchObject({
      statusCode: 410,
    });
  });

  test('others keep changing the request at the same moment', async () => {
    const situation = createLinkTestEnv();
    situation.app.table = { ...situation.app.table, write: async () => false };
    expect(await situation.answer(withReason)).toMatchObject({
      statusCode: 409,
      body: expect.stringContaining('Try again'),
    });
  });
});
