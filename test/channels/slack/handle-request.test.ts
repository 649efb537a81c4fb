import { describe, expect, test } from '@jest/globals';
import { entryKey, readEntry } from '../../../lib/allowlist/entry.ts';
import { groupItem } from '../../../lib/approvers/approver-group.ts';
import type { ModalView } from '../../../lib/channels/slack/blocks.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { readView } from '../../../sandbox/slack/read-blocks.ts';
import {
  aModeChange,
  anApproval,
  anEntry,
  aService,
  aVerdict,
  consumer,
  endpointId,
  serviceId,
} from '../../builders.ts';
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
  slackBob,
} from './fixtures.ts';

const noEffect = { verdict: { outcome: 'ask' } };

/** What only the person who clicked was told. */
function toldIn({ answers }: SlackTestEnv): string {
  return answers.map(({ text }) => text).join('\n');
}

async function entryIn(env: SlackTestEnv) {
  const [item] = await env.table.get([entryKey(serviceId(1), consumer)]);
  return item && readEntry(item);
}

describe('an approver who clicks', () => {
  test('Approve has the request accepted, as who they are in Slack, and is told', async () => {
    const env = createSlackTestEnv();
    expect(await env.click('approve')).toEqual({ statusCode: 200 });
    expect(await env.record(endpointId(1))).toMatchObject({
      approval: { decision: 'approve', by: slackAlice },
      verdict: { outcome: 'accept', decidedBy: slackAlice },
      pendingEffect: { action: 'accept' },
    });
    expect(env.rings).toHaveLength(1);
    expect(env.answers).toEqual([{ url: responseUrl, text: expect.stringContaining('You approved it.') }]);
    expect(await entryIn(env)).toBeUndefined();
  });

  test('Approve and allow account puts the account on the allowlist, for as long as they chose', async () => {
    const env = createSlackTestEnv();
    await env.click('approve-and-allow', { expiry: '30' });
    expect(await entryIn(env)).toMatchObject({ effect: 'allow', expiresAt: '2026-12-21T12:00:00.000Z' });
    expect(toldIn(env)).toContain(`Account ${consumer} was put on the allowlist of orders until`);
  });

  test('Approve and allow account without choosing allows for good', async () => {
    const env = createSlackTestEnv();
    await env.click('approve-and-allow');
    expect(await entryIn(env)).not.toHaveProperty('expiresAt');
  });

  test('Approve and allow account, where the choice did not come along, decides nothing and is asked again', async () => {
    const env = createSlackTestEnv();
    await env.click('approve-and-allow', { expiry: null });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(env)).toContain('For how long');
  });

  test('Approve and allow account is told what that replaces', async () => {
    const env = createSlackTestEnv({ entries: [anEntry({ maxEndpoints: 1 })] });
    await env.click('approve-and-allow');
    expect(toldIn(env)).toContain('It replaces the current entry: allow, at most 1 endpoint.');
    expect(await entryIn(env)).not.toHaveProperty('maxEndpoints');
  });

  test('Approve while the mode is observe is told that EC2 is left as it is', async () => {
    const env = createSlackTestEnv();
    env.put(modeChangeItem(aModeChange({ mode: 'observe' })));
    await env.click('approve');
    expect(toldIn(env)).toContain("linkgate's mode is observe: EC2 is left as it is.");
    expect(toldIn(env)).not.toContain('the message changes once');
  });

  test('Deny while something keeps the request is told so in the modal', async () => {
    const env = createSlackTestEnv({ services: [aService({ pausedAt: '2026-11-21T11:00:00.000Z' })] });
    await env.click('deny');
    const { json } = await env.submit(env.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({
      response_action: 'update',
      view: { title: { text: 'Your word is recorded' } },
    });
    expect(JSON.stringify(json)).toContain('whatever people say');
    readView((json as { view: ModalView }).view);
  });

  test('Deny, where tickets are wanted since the modal opened, is asked for one in it', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    env.put(serviceItem(aService({ requireTicket: true })));
    const { json } = await env.submit(env.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    await env.submit((json as { view: ModalView }).view, { reason: 'unknown', ticket: 'CHG-7' });
    expect(await env.record(endpointId(1))).toMatchObject({ approval: { ticket: 'CHG-7' } });
  });

  test('Approve and allow account with an expiry that is none of the choices decides nothing', async () => {
    const env = createSlackTestEnv();
    await env.click('approve-and-allow', { expiry: '100000' });
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(env)).toContain('does not know this button');
  });

  test('an expiry alone decides nothing and is told nothing', async () => {
    const env = createSlackTestEnv();
    expect(await env.click('allow-expiry', { expiry: '30' })).toEqual({ statusCode: 200 });
    expect(env.answers).toEqual([]);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
  });

  test('Deny is asked for a reason, and the request is rejected with it', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    expect(env.answers).toEqual([]);
    readView(env.views[0]);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);

    const answer = await env.submit(env.views[0], { reason: ' unknown to us ' });
    expect(answer).toEqual({ statusCode: 200 });
    expect(await env.record(endpointId(1))).toMatchObject({
      approval: { decision: 'deny', by: slackAlice, reason: 'unknown to us' },
      pendingEffect: { action: 'reject' },
    });
    expect(await entryIn(env)).toBeUndefined();
  });

  test.each(['', '  ', '\u200b', '\u202e\u2066', '\u3164'])(
    'Deny without a reason, such as %j, is asked again, beside the field',
    async (reason) => {
      const env = createSlackTestEnv();
      await env.click('deny');
      expect(await env.submit(env.views[0], { reason })).toEqual({
        statusCode: 200,
        json: { response_action: 'errors', errors: { reason: 'A reason is needed' } },
      });
      expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    },
  );

  test('Deny takes as many characters as people count, and says how many where there are more', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    expect(await env.submit(env.views[0], { reason: '😀'.repeat(1001) })).toEqual({
      statusCode: 200,
      json: { response_action: 'errors', errors: { reason: 'Shorten it to 1,000 characters.' } },
    });
    const reason = '😀'.repeat(1000);
    expect(await env.submit(env.views[0], { reason })).toEqual({ statusCode: 200 });
    expect(await env.record(endpointId(1))).toMatchObject({ approval: { reason } });
  });

  test('Deny keeps U+FFFD for half a character', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'no \ud83d' });
    expect(await env.record(endpointId(1))).toMatchObject({ approval: { reason: 'no \ufffd' } });
  });

  test('Deny may block the account too', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'unknown', block: 'yes' });
    expect(await entryIn(env)).toMatchObject({ effect: 'block' });
  });

  test('Approve where a service wants tickets is asked for one', async () => {
    const env = createSlackTestEnv({ services: [aService({ requireTicket: true })] });
    await env.click('approve-and-allow', { expiry: '7' });
    readView(env.views[0]);
    expect(await env.submit(env.views[0], {})).toMatchObject({
      json: { response_action: 'errors', errors: { ticket: expect.any(String) } },
    });
    await env.submit(env.views[0], { ticket: 'CHG-7' });
    expect(await env.record(endpointId(1))).toMatchObject({ approval: { ticket: 'CHG-7' } });
    expect(await entryIn(env)).toMatchObject({ expiresAt: '2026-11-28T12:00:00.000Z' });
  });
});

describe('where it takes two', () => {
  const groups = [{ ...group, quorum: 2 }];

  test('the first approval waits for the second, and says so', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve');
    expect(toldIn(env)).toContain('1 of 2 approvals');
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    await env.click('approve', { user: 'U01BOB' });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('a second click of the same person counts once, and is written down once', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve');
    const before = await env.record(endpointId(1));
    env.advanceSeconds(5);
    await env.click('approve');
    expect(await env.record(endpointId(1))).toEqual(before);
    expect(env.answers.at(-1)?.text).toContain('You have approved it already.');
  });

  test('a second click approves once it takes only one', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve');
    env.put(groupItem(group));
    env.advanceSeconds(5);
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('an account that is approved again for another time is allowed for that', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve-and-allow', { expiry: '365' });
    await env.click('approve-and-allow', { expiry: '7' });
    await env.click('approve-and-allow', { expiry: '30', user: 'U01BOB' });
    expect(await entryIn(env)).toMatchObject({ expiresAt: '2026-11-28T12:00:00.000Z' });
  });

  test('the modal of the first approval tells that the request waits for the second', async () => {
    const env = createSlackTestEnv({ groups, services: [aService({ requireTicket: true })] });
    await env.click('approve');
    const { json } = await env.submit(env.views[0], { ticket: 'CHG-7' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(JSON.stringify(json)).toContain('1 of 2 approvals');
  });

  test('the account is allowed only if both said so', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve-and-allow');
    await env.click('approve', { user: 'U01BOB' });
    expect(await entryIn(env)).toBeUndefined();
    expect(toldIn(env)).not.toContain('put on the allowlist');
  });

  test('whoever approved may still deny before the second approves', async () => {
    const env = createSlackTestEnv({ groups });
    await env.click('approve');
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'looked again' });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
  });
});

describe('nothing is decided', () => {
  test.each([
    ['somebody who is no approver', { user: 'U01CAROL' }],
    ['a guest of the shared channel who has the same id in another workspace', { team: 'T02OTHER' }],
  ])('by %s, who is told who may', async (_, who) => {
    const env = createSlackTestEnv();
    for (const button of ['approve', 'approve-and-allow', 'deny']) await env.click(button, who);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(env.views).toEqual([]);
    expect(env.answers).toHaveLength(3);
    expect(toldIn(env)).toContain('Those who may: <@U01ALICE>, <@U01BOB>, 1 by e-mail');
  });

  test.each([
    ['another channel', { message: { ...requestMessageId, channel: 'C01OPS' } }],
    ['another message', { message: { ...requestMessageId, ts: '1795262400.000200' } }],
    ['an earlier asking', { value: `${endpointId(1)}.2` }],
  ])('by a button of %s', async (_, where) => {
    const env = createSlackTestEnv();
    await env.click('approve', where);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(env)).toContain('does not decide by this message');
  });

  test.each([['vpce-00000000000000009.1'], [''], ['__proto__'], ['.3']])(
    'by the value `%s`',
    async (value) => {
      const env = createSlackTestEnv();
      await env.click('approve', { value });
      expect(toldIn(env)).toContain('knows no such request');
    },
  );

  test('by a button that linkgate never made', async () => {
    const env = createSlackTestEnv();
    await env.click('accept-everything');
    expect(toldIn(env)).toContain('does not know this button');
  });

  test('in Slack where the group decides by the API', async () => {
    const env = createSlackTestEnv({ groups: [{ ...group, decisionChannels: 'api' }] });
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(env)).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('by an owner of the account who approves; they may deny', async () => {
    const env = createSlackTestEnv({
      entries: [anEntry({ effect: 'allow', expiresAt: '2026-01-01T00:00:00.000Z', owners: [slackAlice] })],
    });
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(env)).toContain('You own the account');
    await env.click('deny');
    await env.submit(env.views[0], { reason: 'not any more' });
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
  });
});

describe('whoever comes too late', () => {
  test('is told who decided what, and nothing changes', async () => {
    const env = createSlackTestEnv();
    await env.click('approve', { user: 'U01BOB' });
    const before = await env.record(endpointId(1));
    await env.click('deny');
    expect(env.answers.at(-1)?.text).toMatch(/^Too late.*\n\*Approved\* by <@U01BOB>/);
    expect(env.views).toEqual([]);
    expect(await env.record(endpointId(1))).toEqual(before);
  });

  test('in a modal that was open meanwhile is told in it', async () => {
    const env = createSlackTestEnv();
    await env.click('deny');
    await env.click('approve', { user: 'U01BOB' });
    const { json } = await env.submit(env.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(JSON.stringify(json)).toContain('Too late');
  });

  test('after the endpoint is gone is told', async () => {
    const gone = anAwaitingRecord({ state: 'deleted', endedAt: '2026-11-21T11:00:00.000Z' });
    const env = createSlackTestEnv({ records: [gone] });
    await env.click('approve');
    expect(toldIn(env)).toContain('The endpoint is gone');
  });

  test('after everybody was asked anew cannot submit the older form', async () => {
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
    expect(JSON.stringify(json)).toContain('does not decide by this message');
  });
});

describe('where something breaks', () => {
  test('the form that did not open is told of, with the commands', async () => {
    const env = createSlackTestEnv();
    env.slackDeps.slack = {
      ...env.slackDeps.slack,
      openView: async () => Promise.reject(new Error('expired_trigger_id')),
    };
    expect(await env.click('deny')).toEqual({ statusCode: 200 });
    expect(toldIn(env)).toContain(`/linkgate deny ${endpointId(1)}`);
    expect(env.errors).toHaveLength(1);
  });

  test('a table that cannot be read is told of, and the button works later', async () => {
    const env = createSlackTestEnv();
    const { table } = env.slackDeps;
    env.slackDeps.table = { ...table, get: async () => Promise.reject(new Error('the table is away')) };
    expect(await env.click('approve')).toEqual({ statusCode: 200 });
    expect(toldIn(env)).toContain('Try again');
    expect((await env.command('waiting')).statusCode).toBe(200);
    expect(env.errors).toHaveLength(2);
    env.slackDeps.table = table;
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('a decision stands although nobody can be told of it', async () => {
    const env = createSlackTestEnv();
    env.slackDeps.applyQueue = { enqueue: async () => Promise.reject(new Error('the queue is away')) };
    await env.click('approve');
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    expect(toldIn(env)).toContain('You approved it.');
  });
});

describe('a request that is not proved', () => {
  test('is 401, and asks for the secret at most once a minute', async () => {
    const env = createSlackTestEnv();
    let reads = 0;
    const { cachedSecret } = await import('../../../lib/runtime/secret.ts');
    env.slackDeps.signingSecret = cachedSecret(async () => {
      reads++;
      return secret;
    }, env.slackDeps);
    const { handleSlackRequest } = await import('../../../lib/channels/slack/handle-request.ts');
    const forged = () => signRequest(encodePayload(clickPayload('approve')), { at: env.time, by: 'a guess' });
    for (let turn = 0; turn < 20; turn++)
      expect(await handleSlackRequest(forged(), env.slackDeps)).toEqual({ statusCode: 401 });
    expect(reads).toBe(1);
    env.advanceSeconds(60);
    for (let turn = 0; turn < 20; turn++) await handleSlackRequest(forged(), env.slackDeps);
    expect(reads).toBe(2);
    expect(await env.record(endpointId(1))).toMatchObject(noEffect);
  });

  test('is 401 where the secret cannot be read', async () => {
    const env = createSlackTestEnv();
    const away = async () => Promise.reject(new Error('the store is away'));
    env.slackDeps.signingSecret = { values: away, refresh: away };
    expect(await env.click('approve')).toEqual({ statusCode: 401 });
    expect(env.errors).toHaveLength(1);
  });

  test('a secret that was rotated just now is found', async () => {
    const env = createSlackTestEnv();
    env.slackDeps.signingSecret = {
      values: async () => ['the one before'],
      refresh: async () => [secret, 'the one before'],
    };
    expect(await env.click('approve')).toEqual({ statusCode: 200 });
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
])('what is signed and has %s is 400', async (_, body) => {
  const env = createSlackTestEnv();
  expect(await env.send(body)).toEqual({ statusCode: 400 });
});

test('what linkgate does not answer is taken note of', async () => {
  const env = createSlackTestEnv();
  expect(await env.send(encodePayload({ type: 'view_closed', view: {} }))).toEqual({ statusCode: 200 });
});

test('the workspace of the message stands for the user where Slack says no other', async () => {
  const env = createSlackTestEnv();
  await env.send(encodePayload({ ...clickPayload('approve'), user: { id: 'U01ALICE' } }));
  expect(await env.record(endpointId(1))).toMatchObject({ approval: { by: slackAlice } });
});

test('a request that is being rejected by policy is told as that to whoever approved it', async () => {
  const records = [
    anAwaitingRecord({
      approval: anApproval({ by: slackBob }),
      verdict: aVerdict('reject', {
        findings: [{ rule: 'account-is-blocked', outcome: 'reject', reason: 'account is blocked' }],
      }),
    }),
  ];
  const env = createSlackTestEnv({ records });
  await env.click('approve');
  expect(toldIn(env)).toMatch(/Rejected by policy.*account is blocked/);
  expect(toldIn(env)).toContain('*Approved* by <@U01BOB>');
});

function never(): never {
  throw new Error('the record is asked about');
}
