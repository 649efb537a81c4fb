import { describe, expect, test } from '@jest/globals';
import { entryKey, readEntry } from '../../../lib/allowlist/entry.ts';
import { consumer, endpointId, serviceId } from '../../builders.ts';
import { address, createLinkTestEnv, deny, linkQuery, otherAddress, withReason } from './fixtures.ts';

describe('a submitted form', () => {
  test('records the approval with its author and reason, and requests the accept in EC2', async () => {
    const env = createLinkTestEnv();
    const { statusCode, body } = await env.answer(withReason);
    expect(statusCode).toBe(200);
    expect(body).toContain('linkgate accepts it; EC2 does not show it connected yet.');
    expect(await env.record(endpointId(1))).toMatchObject({
      personDecision: { decision: 'approve', by: `mailto:${address}`, ...withReason },
      pendingEffect: { action: 'accept', attempts: 0 },
    });
    expect(env.applyRequests).toHaveLength(1);
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
  });

  test('of a deny link records the denial, and asks the approver to notify the owner', async () => {
    const env = createLinkTestEnv();
    const { body } = await env.answer(withReason, deny);
    expect(body).toContain('linkgate rejects it; EC2 does not show it rejected yet.');
    expect(body).toContain('Notify them');
    expect(await env.record(endpointId(1))).toMatchObject({ pendingEffect: { action: 'reject' } });
  });

  test('may be base64-encoded and in any language', async () => {
    const env = createLinkTestEnv();
    const body = Buffer.from(new URLSearchParams({ reason: 'geprüft ✓' }).toString()).toString('base64');
    await env.send('POST', { rawQueryString: linkQuery(), body, isBase64Encoded: true });
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { reason: 'geprüft ✓' } });
  });

  test.each([{}, { reason: ' \r\n\u2800' }, { reason: '😀'.repeat(1001) }, { ...withReason, allow: '8' }])(
    'without a valid reason decides nothing, as when a scanner submits it: %j',
    async (form: Record<string, string>) => {
      const env = createLinkTestEnv();
      expect(await env.answer(form)).toMatchObject({
        statusCode: 422,
        body: expect.stringContaining('aria-invalid="true"'),
      });
      // The attribute counts UTF-16 code units, and linkgate counts characters.
      expect((await env.follow()).body).not.toContain('maxlength');
      expect(env.writes()).toBe(0);
    },
  );

  test('without a required ticket decides nothing, and its values stay on the page', async () => {
    const env = createLinkTestEnv({ service: { requireTicket: true } });
    const { statusCode, body } = await env.answer(withReason);
    expect(statusCode).toBe(422);
    expect(body).toContain('Enter the ticket');
    expect(body).toContain('>a customer of ours</textarea>');
    await env.answer({ ...withReason, ticket: 'OPS-7' });
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { ticket: 'OPS-7' } });
  });

  test('allows the account for the selected duration, permanently, or not at all', async () => {
    const allow = async (duration: string) => {
      const env = createLinkTestEnv();
      const { body } = await env.answer({ ...withReason, allow: duration });
      return { body, entry: await readStoredEntry(env) };
    };
    const { body, entry } = await allow('30');
    expect(body).toContain('to the allowlist of orders until 21 Dec 2026, 12:00 UTC');
    const changedBy = `mailto:${address}`;
    expect(entry).toMatchObject({ effect: 'allow', expiresAt: '2026-12-21T12:00:00.000Z', changedBy });
    expect((await allow('permanent')).entry).not.toHaveProperty('expiresAt');
    expect((await allow('')).entry).toBeUndefined();
  });

  test('blocks the account only with a deny link', async () => {
    const denying = createLinkTestEnv();
    expect((await denying.answer({ ...withReason, block: 'yes' }, deny)).body).toContain(
      'linkgate blocked account',
    );
    expect(await readStoredEntry(denying)).toMatchObject({ effect: 'block' });
    const approving = createLinkTestEnv();
    await approving.answer({ ...withReason, block: 'yes', decision: 'deny', purpose: 'deny' });
    expect(await readStoredEntry(approving)).toBeUndefined();
    expect(await approving.record(endpointId(1))).toMatchObject({ personDecision: { decision: 'approve' } });
  });
});

async function readStoredEntry({ table }: ReturnType<typeof createLinkTestEnv>) {
  const [item] = await table.get([entryKey(serviceId(1), consumer)]);
  return item && readEntry(item);
}

describe('with a quorum of two', () => {
  const quorum = { group: { quorum: 2 } };

  test('an approve link works once, and the deny link of the same approver still works', async () => {
    const env = createLinkTestEnv(quorum);
    expect((await env.answer(withReason)).body).toContain('1 of 2 approvals');
    const again = await env.answer(withReason);
    expect(again.statusCode).toBe(410);
    expect(again.body).toContain('You approved it. Each link works once.');
    expect(again.body).toContain('your link “Deny” works');
    expect((await env.follow(deny)).statusCode).toBe(200);
    await env.answer(withReason, deny);
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { decision: 'deny' } });
    expect(await env.actions(endpointId(1))).toEqual(['approved', 'denied']);
  });
});

describe('two concurrent decisions', () => {
  test.each([deny, {}])('record one decision that both pages show: approve and %j', async (second) => {
    const env = createLinkTestEnv();
    const answers = await Promise.all([
      env.answer(withReason),
      env.answer({ reason: 'unknown' }, { address: otherAddress, ...second }),
    ]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    const record = await env.record(endpointId(1));
    const late = answers.find(({ statusCode }) => statusCode === 409);
    expect(late?.body).toContain(record?.personDecision?.by.replace('mailto:', ''));
    expect(late?.body).toContain(record?.personDecision?.reason);
    expect(await env.actions(endpointId(1))).toHaveLength(1);
  });

  test('of one person are recorded once', async () => {
    const env = createLinkTestEnv();
    const answers = await Promise.all([env.answer(withReason), env.answer(withReason)]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 410]);
    expect(await env.actions(endpointId(1))).toEqual(['approved']);
  });
});

describe('a rotated signing key', () => {
  test('is accepted while it is the previous key, and rejected after the next rotation', async () => {
    const env = createLinkTestEnv();
    env.key.value = 'new\na-key';
    expect(await env.follow()).toMatchObject({ statusCode: 200 });
    env.key.value = 'newest\nnew';
    env.advanceSeconds(300);
    expect(await env.follow()).toMatchObject({ statusCode: 400 });
  });

  test('is read again for the first link with the new key', async () => {
    const env = createLinkTestEnv();
    await env.follow();
    env.key.value = 'new\na-key';
    env.advanceSeconds(60);
    const response = await env.send('GET', { rawQueryString: linkQuery({}, 'new') });
    expect(response).toMatchObject({ statusCode: 200 });
  });

  test('is read at most once a minute for forged links', async () => {
    const env = createLinkTestEnv();
    env.advanceSeconds(60);
    for (let turn = 0; turn < 10; turn++) await env.send('GET', { rawQueryString: linkQuery({}, 'mine') });
    expect(env.key.reads).toBe(1);
  });
});
