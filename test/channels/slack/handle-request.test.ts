import { describe, expect, test } from '@jest/globals';
import { entryKey, readEntry } from '../../../lib/allowlist/entry.ts';
import type { ModalView } from '../../../lib/channels/slack/blocks.ts';
import { handleSlackRequest } from '../../../lib/channels/slack/handle-request.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { readView } from '../../../sandbox/slack/read-blocks.ts';
import { anEntry, aRequestNotification, aService, consumer, endpointId, serviceId } from '../../builders.ts';
import {
  anAwaitingRecord,
  clickPayload,
  createSlackTestEnv,
  encodePayload,
  group,
  requestMessageId,
  responseUrl,
  type SlackTestEnv,
  secret,
  signRequest,
  slackAlice,
} from './fixtures.ts';

const outdatedMessage = { ...requestMessageId, ts: '1.1' };
const noEffect = { verdict: { outcome: 'ask' } };

/** Joins the ephemeral replies to the author of the click. */
function joinReplies({ answers }: SlackTestEnv): string {
  return answers.map(({ text }) => text).join('\n');
}

async function readStoredEntry(env: SlackTestEnv) {
  const [item] = await env.table.get([entryKey(serviceId(1), consumer)]);
  return item && readEntry(item);
}

describe('a click on', () => {
  test('Approve records the approval of the Slack user, requests the accept in EC2, and confirms it', async () => {
    const env = createSlackTestEnv();
    expect(await env.click('approve')).toEqual({ statusCode: 200 });
    expect(await env.record(endpointId(1))).toMatchObject({
      personDecision: { decision: 'approve', by: slackAlice },
      verdict: { outcome: 'accept', decidedBy: slackAlice },
      pendingEffect: { action: 'accept' },
    });
    expect(env.applyRequests).toHaveLength(1);
    expect(env.answers).toEqual([
      { url: responseUrl, text: expect.stringContaining('You approved the request.') },
    ]);
    expect(await readStoredEntry(env)).toBeUndefined();
  });

  test('Approve and allow account adds an allowlist entry for the selected duration', async () => {
    const env = createSlackTestEnv({ entries: [anEntry({ maxEndpoints: 1 })] });
    await env.click('approve-and-allow', { expiry: '30' });
    const entry = await readStoredEntry(env);
    expect(entry).toMatchObject({ effect: 'allow', expiresAt: '2026-12-21T12:00:00.000Z' });
    expect(entry).not.toHaveProperty('maxEndpoints');
    expect(joinReplies(env)).toContain('It replaces the current entry: allow, at most 1 endpoint.');
    expect(joinReplies(env)).toContain(`linkgate added account ${consumer} to the allowlist of orders until`);
  });

  test('Approve and allow account with the preselected duration allows permanently', async () => {
    const env = createSlackTestEnv();
    await env.click('approve-and-allow');
    expect(await readStoredEntry(env)).not.toHaveProperty('expiresAt');
  });

  test('Deny adds a ticket field if the service requires tickets since the modal opened', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    env.put(serviceItem(aService({ requireTicket: true })));
    const { json } = await env.submit(env.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    await env.submit((json as { view: ModalView }).view, { reason: 'unknown', ticket: 'CHG-7' });
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { ticket: 'CHG-7' } });
  });

  test.each([
    ['without the value of the select', null, 'how long to allow'],
    ['with an unknown duration', '100000', 'does not know this button'],
  ])('Approve and allow account %s decides nothing', async (_, expiry, reply) => {
    const env = createSlackTestEnv();
    await env.click('approve-and-allow', { expiry });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(joinReplies(env)).toContain(reply);
  });

  test.each<[string, Parameters<typeof createSlackTestEnv>[0], string]>([
    [
      'a pause',
      { services: [aService({ requireTicket: true, pausedAt: '2026-11-21T11:00:00.000Z' })] },
      'whatever approvers decide',
    ],
    [
      'a missing second approval',
      { services: [aService({ requireTicket: true })], groups: [{ ...group, quorum: 2 }] },
      '1 of 2 approvals',
    ],
  ])('Approve shows %s in the modal after its decision', async (_, contents, text) => {
    const env = createSlackTestEnv(contents);
    await env.click('approve');
    const { json } = await env.submit(env.views[0], { ticket: 'CHG-7' });
    expect(json).toMatchObject({ response_action: 'update', view: { title: { text: 'Decision recorded' } } });
    expect(JSON.stringify(json)).toContain(text);
    readView((json as { view: ModalView }).view);
  });

  test('the duration select decides nothing', async () => {
    const env = createSlackTestEnv();
    expect(await env.click('allow-expiry', { expiry: '30' })).toEqual({ statusCode: 200 });
    expect(env.answers).toEqual([]);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
  });

  test('Deny asks for a reason, and requests the reject in EC2', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    expect(env.answers).toEqual([]);
    readView(env.views[0]);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);

    const answer = await env.submit(env.views[0], { reason: ' unknown to us ' });
    expect(answer).toEqual({ statusCode: 200 });
    expect(await env.record(endpointId(1))).toMatchObject({
      personDecision: { decision: 'deny', by: slackAlice, reason: 'unknown to us' },
      pendingEffect: { action: 'reject' },
    });
    expect(await readStoredEntry(env)).toBeUndefined();
  });

  test.each([
    ['without a visible reason', '\u200b', 'A reason is required'],
    ['with a long reason', '😀'.repeat(1001), 'Shorten it to 1,000 characters.'],
  ])('Deny %s shows an error at the field', async (_, reason, error) => {
    const env = createSlackTestEnv();
    await env.click('deny');
    expect(await env.submit(env.views[0], { reason })).toEqual({
      statusCode: 200,
      json: { response_action: 'errors', errors: { reason: error } },
    });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
  });

  test('Deny replaces a lone surrogate with U+FFFD', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'no \ud83d' });
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { reason: 'no \ufffd' } });
  });

  test('Deny can also block the account', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'unknown', block: 'yes' });
    expect(await readStoredEntry(env)).toMatchObject({ effect: 'block' });
  });

  test('Approve asks for a ticket if the service requires one', async () => {
    const env = createSlackTestEnv({ services: [aService({ requireTicket: true })] });
    await env.click('approve-and-allow', { expiry: '7' });
    readView(env.views[0]);
    expect(await env.submit(env.views[0], {})).toMatchObject({
      json: { response_action: 'errors', errors: { ticket: expect.any(String) } },
    });
    await env.submit(env.views[0], { ticket: 'CHG-7' });
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { ticket: 'CHG-7' } });
    expect(await readStoredEntry(env)).toMatchObject({ expiresAt: '2026-11-28T12:00:00.000Z' });
  });
});

describe('a click on a copy whose post was in doubt', () => {
  const copy = { ...requestMessageId, ts: '1795262400.000200' };

  test('decides, and the next delivery replaces the copy if another message is known', async () => {
    const env = createSlackTestEnv();
    await env.click('approve', { message: copy });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    expect(await env.notification(endpointId(1))).toMatchObject({
      message: requestMessageId,
      outdated: [copy],
    });
  });

  test('opens the form, and makes the copy the message while none is known', async () => {
    const env = createSlackTestEnv();
    const inDoubt = { inDoubt: true, attempts: 3, nextAttemptAt: '2026-11-21T12:08:00.000Z' };
    env.put(aRequestNotification(anAwaitingRecord(), inDoubt));
    await env.click('deny', { message: copy });
    await env.submit(env.views[0], { reason: 'unknown' });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
    const { inDoubt: isInDoubt, ...received } = await env.notification(endpointId(1));
    expect(received).toMatchObject({ message: copy, attempts: 0, nextAttemptAt: env.time.toISOString() });
    expect(isInDoubt).toBeUndefined();
  });
});

describe('with a quorum of two', () => {
  const groups = [{ ...group, quorum: 2 }];

  test('the first approval waits for another person, also after a second click', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve');
    expect(joinReplies(env)).toContain('1 of 2 approvals');
    const before = await env.record(endpointId(1));
    expect(before).toMatchObject(noEffect);
    env.advanceSeconds(5);
    await env.click('approve');
    expect(env.answers.at(-1)?.text).toContain('You have already approved it.');
    expect(await env.record(endpointId(1))).toEqual(before);
    await env.click('approve', { user: 'U01BOB' });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('a second click of the same person changes the duration of the entry', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve-and-allow', { expiry: '365' });
    await env.click('approve-and-allow', { expiry: '7' });
    await env.click('approve-and-allow', { expiry: '30', user: 'U01BOB' });
    expect(await readStoredEntry(env)).toMatchObject({ expiresAt: '2026-11-28T12:00:00.000Z' });
  });
});

describe('linkgate decides nothing', () => {
  test.each([
    ['somebody who is no approver', { user: 'U01CAROL' }],
    ['a guest of the shared channel who has the same id in another workspace', { team: 'T02OTHER' }],
  ])('for a click by %s, and the reply names the approvers', async (_, user) => {
    const env = createSlackTestEnv();
    for (const button of ['approve', 'approve-and-allow', 'deny']) await env.click(button, user);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(env.views).toEqual([]);
    expect(env.answers).toHaveLength(3);
    expect(joinReplies(env)).toContain('The approvers are <@U01ALICE>, <@U01BOB>, 1 by e-mail');
  });

  test.each([
    ['a message that another one replaced', { message: outdatedMessage }],
    ['an earlier approval request', { value: `${endpointId(1)}.2` }],
  ])('for a button of %s', async (_, clickFields) => {
    const env = createSlackTestEnv();
    env.put(
      aRequestNotification(anAwaitingRecord(), { message: requestMessageId, outdated: [outdatedMessage] }),
    );
    await env.click('approve', clickFields);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(joinReplies(env)).toContain('This message is out of date');
  });

  test.each([['vpce-00000000000000009.1'], [''], ['__proto__'], ['.3']])(
    'for the button value `%s`',
    async (value) => {
      const env = createSlackTestEnv();
      await env.click('approve', { value });
      expect(joinReplies(env)).toContain('does not know this request');
    },
  );

  test('for an unknown button', async () => {
    const env = createSlackTestEnv();
    await env.click('accept-everything');
    expect(joinReplies(env)).toContain('does not know this button');
  });

  test('if the group decides only by API', async () => {
    const env = createSlackTestEnv({ groups: [{ ...group, decisionChannels: 'api' }] });
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(joinReplies(env)).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('for an approval by an owner of the account, who can still deny', async () => {
    const env = createSlackTestEnv({
      entries: [anEntry({ effect: 'allow', expiresAt: '2026-01-01T00:00:00.000Z', owners: [slackAlice] })],
    });
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(joinReplies(env)).toContain('You own this account');
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'not any more' });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
  });
});

describe('a click on a closed request', () => {
  test('shows the decision, and changes nothing', async () => {
    const env = createSlackTestEnv();
    await env.click('approve', { user: 'U01BOB' });
    const before = await env.record(endpointId(1));
    await env.click('deny');
    expect(env.answers.at(-1)?.text).toMatch(/^This request is no longer open.*\n\*Approved\* by <@U01BOB>/);
    expect(env.views).toEqual([]);
    expect(await env.record(endpointId(1))).toEqual(before);
  });

  test('is answered in the modal if that was already open', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    await env.click('approve', { user: 'U01BOB' });
    const { json } = await env.submit(env.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(JSON.stringify(json)).toContain('no longer open');
  });

  test('of an earlier approval request cannot submit its modal', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    const again = createSlackTestEnv({
      records: [
        anAwaitingRecord({
          approvalRequest: { ...(anAwaitingRecord().approvalRequest ?? never()), version: 9 },
        }),
      ],
    });
    const { json } = await again.submit(env.views[0], { reason: 'unknown' });
    expect(JSON.stringify(json)).toContain('This message is out of date');
  });
});

describe('after an error', () => {
  test('of views.open, the reply shows the commands', async () => {
    const env = createSlackTestEnv();
    env.slackDeps.slack = {
      ...env.slackDeps.slack,
      openView: async () => Promise.reject(new Error('expired_trigger_id')),
    };
    expect(await env.click('deny')).toEqual({ statusCode: 200 });
    expect(joinReplies(env)).toContain(`/linkgate deny ${endpointId(1)}`);
    expect(env.errors).toHaveLength(1);
  });

  test('of the table, the reply asks to try again, and the button works later', async () => {
    const env = createSlackTestEnv();
    const { table } = env.slackDeps;
    env.slackDeps.table = { ...table, get: async () => Promise.reject(new Error('the table is away')) };
    expect(await env.click('approve')).toEqual({ statusCode: 200 });
    expect(joinReplies(env)).toContain('Try again');
    expect((await env.command('waiting')).statusCode).toBe(200);
    expect(env.errors).toHaveLength(2);
    env.slackDeps.table = table;
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });
});

describe('a request with an invalid signature', () => {
  test('gets 401 after the secret is read again, and decides nothing', async () => {
    const env = createSlackTestEnv();
    env.slackDeps.signingSecret = {
      values: async () => ['the one before'],
      refresh: async () => [secret],
    };
    const click = encodePayload(clickPayload('approve'));
    const forged = signRequest(click, { at: env.time, by: 'a guess' });
    expect(await handleSlackRequest(forged, env.slackDeps)).toEqual({ statusCode: 401 });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(await env.click('approve')).toEqual({ statusCode: 200 });
  });

  test('gets 401 if the secret cannot be read', async () => {
    const env = createSlackTestEnv();
    const away = async () => Promise.reject(new Error('the store is away'));
    env.slackDeps.signingSecret = { values: away, refresh: away };
    expect(await env.click('approve')).toEqual({ statusCode: 401 });
    expect(env.errors).toHaveLength(1);
  });
});

test.each([
  ['no payload', 'ssl_check=1'],
  ['a payload that is not JSON', 'payload=%7B'],
  ['a payload that is null', 'payload=null'],
  ['no actions', encodePayload({ ...clickPayload('approve'), actions: undefined })],
  ['an empty list of actions', encodePayload({ ...clickPayload('approve'), actions: [] })],
  ['no user', encodePayload({ ...clickPayload('approve'), user: null })],
  [
    'a user without any workspace',
    encodePayload({ ...clickPayload('approve'), user: { id: 'U01ALICE' }, team: null }),
  ],
  ['nothing at all', ''],
])('a signed request with %s gets 400', async (_, body) => {
  const env = createSlackTestEnv();
  expect(await env.send(body)).toEqual({ statusCode: 400 });
});

test('an interaction that linkgate ignores gets 200', async () => {
  const env = createSlackTestEnv();
  expect(await env.send(encodePayload({ type: 'view_closed', view: {} }))).toEqual({ statusCode: 200 });
});

test('the workspace of the payload identifies a user without a workspace of their own', async () => {
  const env = createSlackTestEnv();
  await env.send(encodePayload({ ...clickPayload('approve'), user: { id: 'U01ALICE' } }));
  expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { by: slackAlice } });
});

function never(): never {
  throw new Error('the record is asked about');
}
