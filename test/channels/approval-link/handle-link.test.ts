import { describe, expect, test } from '@jest/globals';
import { entryKey, readEntry } from '../../../lib/allowlist/entry.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { aModeChange, consumer, endpointId, serviceId } from '../../builders.ts';
import { address, createLinkTestEnv, deny, linkQuery, otherAddress, withReason } from './fixtures.ts';

describe('who fills in the form', () => {
  test('approves: the word is written down with its author and reason, and EC2 is asked', async () => {
    const situation = createLinkTestEnv();
    const { statusCode, body } = await situation.answer(withReason);
    expect(statusCode).toBe(200);
    expect(body).toContain('EC2 is asked now to accept it.');
    expect(await situation.record(endpointId(1))).toMatchObject({
      approval: { decision: 'approve', by: `mailto:${address}`, ...withReason },
      pendingEffect: { action: 'accept', attempts: 0 },
    });
    expect(situation.rings).toHaveLength(1);
    expect(await situation.actions(endpointId(1))).toEqual(['approved']);
  });

  test('denies with a link to deny, and is reminded to tell the consumer', async () => {
    const situation = createLinkTestEnv();
    const { body } = await situation.answer(withReason, deny);
    expect(body).toContain('EC2 is asked now to reject it.');
    expect(body).toContain('tell them');
    expect(await situation.record(endpointId(1))).toMatchObject({ pendingEffect: { action: 'reject' } });
  });

  test('may send it as base64, in any language', async () => {
    const situation = createLinkTestEnv();
    const body = Buffer.from(new URLSearchParams({ reason: 'geprüft ✓' }).toString()).toString('base64');
    await situation.send('POST', { rawQueryString: linkQuery(), body, isBase64Encoded: true });
    expect(await situation.record(endpointId(1))).toMatchObject({ approval: { reason: 'geprüft ✓' } });
  });

  test.each([
    {},
    { reason: ' \r\n' },
    { reason: '\u00a0 \u200b' },
    { reason: '\u202e\u2066' },
    { reason: '\u3164' },
    { reason: '\u2800' },
    { reason: 'x'.repeat(1001) },
    { reason: '😀'.repeat(1001) },
    { ...withReason, allow: '8' },
  ])(
    'and leaves something out decides nothing, as a scanner that sends it does: %j',
    async (form: Record<string, string>) => {
      const situation = createLinkTestEnv();
      expect(await situation.answer(form)).toMatchObject({
        statusCode: 422,
        body: expect.stringContaining('aria-invalid="true"'),
      });
      expect(situation.writes()).toBe(0);
    },
  );

  test('may write as many characters as people count', async () => {
    const situation = createLinkTestEnv();
    const reason = '👨‍👩‍👧‍👦'.repeat(1000);
    expect(await situation.answer({ reason })).toMatchObject({ statusCode: 200 });
    expect(await situation.record(endpointId(1))).toMatchObject({ approval: { reason } });
  });

  test('is not kept by the browser from writing them', async () => {
    expect((await createLinkTestEnv().follow()).body).not.toContain('maxlength');
  });

  test('names a ticket where the service wants one, and finds again what stood there', async () => {
    const situation = createLinkTestEnv({ service: { requireTicket: true } });
    const { statusCode, body } = await situation.answer(withReason);
    expect(statusCode).toBe(422);
    expect(body).toContain('Name the ticket');
    expect(body).toContain('>a customer of ours</textarea>');
    await situation.answer({ ...withReason, ticket: 'OPS-7' });
    expect(await situation.record(endpointId(1))).toMatchObject({ approval: { ticket: 'OPS-7' } });
  });

  test('allows the account for as long as was chosen', async () => {
    const situation = createLinkTestEnv();
    const { body } = await situation.answer({ ...withReason, allow: '30' });
    expect(body).toContain('is allowed at this service until 21 Dec 2026, 12:00 UTC');
    expect(await entryOf(situation)).toMatchObject({
      effect: 'allow',
      expiresAt: '2026-12-21T12:00:00.000Z',
      changedBy: `mailto:${address}`,
    });
  });

  test('allows the account for good, or not at all', async () => {
    const forGood = createLinkTestEnv();
    await forGood.answer({ ...withReason, allow: 'for-good' });
    expect(await entryOf(forGood)).not.toHaveProperty('expiresAt');
    const alone = createLinkTestEnv();
    await alone.answer({ ...withReason, allow: '' });
    expect(await entryOf(alone)).toBeUndefined();
  });

  test('blocks the account with a link to deny, and with no other', async () => {
    const denying = createLinkTestEnv();
    expect((await denying.answer({ ...withReason, block: 'yes' }, deny)).body).toContain('is blocked');
    expect(await entryOf(denying)).toMatchObject({ effect: 'block' });
    const approving = createLinkTestEnv();
    await approving.answer({ ...withReason, block: 'yes', decision: 'deny', purpose: 'deny' });
    expect(await entryOf(approving)).toBeUndefined();
    expect(await approving.record(endpointId(1))).toMatchObject({ approval: { decision: 'approve' } });
  });

  test('is told that EC2 is left alone where linkgate only observes', async () => {
    const situation = createLinkTestEnv();
    situation.put(modeChangeItem(aModeChange({ mode: 'observe', policyRevision: 0 })));
    expect((await situation.answer(withReason)).body).toContain('mode is observe');
  });

  test('is told that the account is blocked by now, which no approval changes', async () => {
    const situation = createLinkTestEnv({ entries: [{ effect: 'block' }] });
    const { body } = await situation.answer(withReason);
    expect(body).toContain('Its rejection is pending');
    expect(body).not.toContain('EC2 is asked now to accept');
  });
});

async function entryOf({ table }: ReturnType<typeof createLinkTestEnv>) {
  const [item] = await table.get([entryKey(serviceId(1), consumer)]);
  return item && readEntry(item);
}

describe('where it takes two approvals', () => {
  const quorum = { group: { quorum: 2 } };

  test('the first is told that it waits for another, and the second closes it', async () => {
    const situation = createLinkTestEnv(quorum);
    const { body } = await situation.answer(withReason);
    expect(body).toContain('It needs 2 approvals and has 1:');
    expect(body).not.toContain('EC2 is asked now');
    expect((await situation.answer(withReason, { address: otherAddress })).body).toContain(
      'EC2 is asked now to accept it.',
    );
  });

  test('a link to approve works once, and the link to deny takes it back', async () => {
    const situation = createLinkTestEnv(quorum);
    await situation.answer(withReason);
    const again = await situation.answer(withReason);
    expect(again.statusCode).toBe(410);
    expect(again.body).toContain('You approved it on 21 Nov 2026, 12:00 UTC');
    expect(again.body).toContain('your link to deny still works');
    expect((await situation.follow(deny)).statusCode).toBe(200);
    await situation.answer(withReason, deny);
    expect(await situation.record(endpointId(1))).toMatchObject({ approval: { decision: 'deny' } });
    expect(await situation.actions(endpointId(1))).toEqual(['approved', 'denied']);
  });
});

describe('two answers at once', () => {
  test.each([deny, {}])('are one decision, and both are told the truth: approve and %j', async (second) => {
    const situation = createLinkTestEnv();
    const answers = await Promise.all([
      situation.answer(withReason),
      situation.answer({ reason: 'unknown' }, { address: otherAddress, ...second }),
    ]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    const record = await situation.record(endpointId(1));
    const late = answers.find(({ statusCode }) => statusCode === 409);
    expect(late?.body).toContain(record?.approval?.by.replace('mailto:', ''));
    expect(late?.body).toContain(record?.approval?.reason);
    expect(await situation.actions(endpointId(1))).toHaveLength(1);
  });

  test('of one person are one word', async () => {
    const situation = createLinkTestEnv();
    const answers = await Promise.all([situation.answer(withReason), situation.answer(withReason)]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 410]);
    expect(await situation.actions(endpointId(1))).toEqual(['approved']);
  });
});

describe('the key that was replaced', () => {
  test('is accepted while it is the previous one, and no longer', async () => {
    const situation = createLinkTestEnv();
    situation.key.kept = 'new\na-key';
    expect(await situation.follow()).toMatchObject({ statusCode: 200 });
    situation.key.kept = 'newest\nnew';
    situation.advanceSeconds(300);
    expect(await situation.follow()).toMatchObject({ statusCode: 400 });
  });

  test('is fetched for the first link that was made with the new one', async () => {
    const situation = createLinkTestEnv();
    await situation.follow();
    situation.key.kept = 'new\na-key';
    situation.advanceSeconds(60);
    const made = await situation.send('GET', { rawQueryString: linkQuery({}, 'new') });
    expect(made).toMatchObject({ statusCode: 200 });
  });

  test('is not asked for by whoever sends links of their own, more than once a minute', async () => {
    const situation = createLinkTestEnv();
    situation.advanceSeconds(60);
    for (let turn = 0; turn < 10; turn++)
      await situation.send('GET', { rawQueryString: linkQuery({}, 'mine') });
    expect(situation.key.reads).toBe(1);
  });
});
