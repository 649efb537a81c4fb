import { describe, expect, test } from '@jest/globals';
import { entryKey, readEntry } from '../../../lib/allowlist/entry.ts';
import { groupItem } from '../../../lib/approvers/approver-group.ts';
import type { View } from '../../../lib/channels/slack/blocks.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { readView } from '../../../sandbox/slack/read-blocks.ts';
import {
  anApproval,
  anEntry,
  aService,
  aSwitch,
  aVerdict,
  consumer,
  endpointId,
  serviceId,
} from '../../builders.ts';
import {
  anAskedRecord,
  click,
  createSlackTestEnv,
  group,
  payload,
  responseUrl,
  type SlackTestEnv,
  secret,
  shown,
  signed,
  slackAlice,
  slackBob,
} from './fixtures.ts';

const noEffect = { verdict: { outcome: 'ask' } };

/** What only the person who clicked was told. */
function toldIn({ answers }: SlackTestEnv): string {
  return answers.map(({ text }) => text).join('\n');
}

async function entryIn(world: SlackTestEnv) {
  const [item] = await world.table.get([entryKey(serviceId(1), consumer)]);
  return item && readEntry(item);
}

describe('an approver who clicks', () => {
  test('Approve has the request accepted, as who they are in Slack, and is told', async () => {
    const world = createSlackTestEnv();
    expect(await world.click('approve')).toEqual({ statusCode: 200 });
    expect(await world.record(endpointId(1))).toMatchObject({
      approval: { decision: 'approve', by: slackAlice },
      verdict: { outcome: 'accept', decidedBy: slackAlice },
      effect: { action: 'accept' },
    });
    expect(world.rings).toHaveLength(1);
    expect(world.answers).toEqual([{ url: responseUrl, text: expect.stringContaining('You approved it.') }]);
    expect(await entryIn(world)).toBeUndefined();
  });

  test('Approve and allow account puts the account on the allowlist, for as long as they chose', async () => {
    const world = createSlackTestEnv();
    await world.click('approve-and-allow', { expiry: '30' });
    expect(await entryIn(world)).toMatchObject({ effect: 'allow', expiresAt: '2026-12-21T12:00:00.000Z' });
    expect(toldIn(world)).toContain(`Account ${consumer} was put on the allowlist of orders until`);
  });

  test('Approve and allow account without choosing allows for good', async () => {
    const world = createSlackTestEnv();
    await world.click('approve-and-allow');
    expect(await entryIn(world)).not.toHaveProperty('expiresAt');
  });

  test('Approve and allow account, where the choice did not come along, decides nothing and is asked again', async () => {
    const world = createSlackTestEnv();
    await world.click('approve-and-allow', { expiry: null });
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(world)).toContain('For how long');
  });

  test('Approve and allow account is told what that replaces', async () => {
    const world = createSlackTestEnv({ entries: [anEntry({ maxEndpoints: 1 })] });
    await world.click('approve-and-allow');
    expect(toldIn(world)).toContain('This replaces its entry there: allow, at most 1 endpoint.');
    expect(await entryIn(world)).not.toHaveProperty('maxEndpoints');
  });

  test('Approve while the mode is observe is told that EC2 is left as it is', async () => {
    const world = createSlackTestEnv();
    world.put(modeChangeItem(aSwitch({ mode: 'observe' })));
    await world.click('approve');
    expect(toldIn(world)).toContain("linkgate's mode is observe: EC2 is left as it is.");
    expect(toldIn(world)).not.toContain('the message changes once');
  });

  test('Deny while something keeps the request is told so in the modal', async () => {
    const world = createSlackTestEnv({ services: [aService({ pausedAt: '2026-11-21T11:00:00.000Z' })] });
    await world.click('deny');
    const { json } = await world.submit(world.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({
      response_action: 'update',
      view: { title: { text: 'Your word is recorded' } },
    });
    expect(JSON.stringify(json)).toContain('whatever people say');
    readView((json as { view: View }).view);
  });

  test('Deny, where tickets are wanted since the modal opened, is asked for one in it', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    world.put(serviceItem(aService({ requireTicket: true })));
    const { json } = await world.submit(world.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    await world.submit((json as { view: View }).view, { reason: 'unknown', ticket: 'CHG-7' });
    expect(await world.record(endpointId(1))).toMatchObject({ approval: { ticket: 'CHG-7' } });
  });

  test('Approve and allow account with an expiry that is none of the choices decides nothing', async () => {
    const world = createSlackTestEnv();
    await world.click('approve-and-allow', { expiry: '100000' });
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(world)).toContain('does not know this button');
  });

  test('an expiry alone decides nothing and is told nothing', async () => {
    const world = createSlackTestEnv();
    expect(await world.click('allow-expiry', { expiry: '30' })).toEqual({ statusCode: 200 });
    expect(world.answers).toEqual([]);
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
  });

  test('Deny is asked for a reason, and the request is rejected with it', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    expect(world.answers).toEqual([]);
    readView(world.views[0]);
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);

    const answer = await world.submit(world.views[0], { reason: ' unknown to us ' });
    expect(answer).toEqual({ statusCode: 200 });
    expect(await world.record(endpointId(1))).toMatchObject({
      approval: { decision: 'deny', by: slackAlice, reason: 'unknown to us' },
      effect: { action: 'reject' },
    });
    expect(await entryIn(world)).toBeUndefined();
  });

  test.each(['', '  ', '\u200b', '\u202e\u2066', '\u3164'])(
    'Deny without a reason, such as %j, is asked again, beside the field',
    async (reason) => {
      const world = createSlackTestEnv();
      await world.click('deny');
      expect(await world.submit(world.views[0], { reason })).toEqual({
        statusCode: 200,
        json: { response_action: 'errors', errors: { reason: 'A reason is needed' } },
      });
      expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    },
  );

  test('Deny takes as many characters as people count, and says how many where there are more', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    expect(await world.submit(world.views[0], { reason: '😀'.repeat(1001) })).toEqual({
      statusCode: 200,
      json: { response_action: 'errors', errors: { reason: 'Shorten it to 1,000 characters.' } },
    });
    const reason = '😀'.repeat(1000);
    expect(await world.submit(world.views[0], { reason })).toEqual({ statusCode: 200 });
    expect(await world.record(endpointId(1))).toMatchObject({ approval: { reason } });
  });

  test('Deny keeps U+FFFD for half a character', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    await world.submit(world.views[0], { reason: 'no \ud83d' });
    expect(await world.record(endpointId(1))).toMatchObject({ approval: { reason: 'no \ufffd' } });
  });

  test('Deny may block the account too', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    await world.submit(world.views[0], { reason: 'unknown', block: 'yes' });
    expect(await entryIn(world)).toMatchObject({ effect: 'block' });
  });

  test('Approve where a service wants tickets is asked for one', async () => {
    const world = createSlackTestEnv({ services: [aService({ requireTicket: true })] });
    await world.click('approve-and-allow', { expiry: '7' });
    readView(world.views[0]);
    expect(await world.submit(world.views[0], {})).toMatchObject({
      json: { response_action: 'errors', errors: { ticket: expect.any(String) } },
    });
    await world.submit(world.views[0], { ticket: 'CHG-7' });
    expect(await world.record(endpointId(1))).toMatchObject({ approval: { ticket: 'CHG-7' } });
    expect(await entryIn(world)).toMatchObject({ expiresAt: '2026-11-28T12:00:00.000Z' });
  });
});

describe('where it takes two', () => {
  const groups = [{ ...group, quorum: 2 }];

  test('the first approval waits for the second, and says so', async () => {
    const world = createSlackTestEnv({ groups });
    await world.click('approve');
    expect(toldIn(world)).toContain('1 of 2 approvals');
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    await world.click('approve', { user: 'U01BOB' });
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('a second click of the same person counts once, and is written down once', async () => {
    const world = createSlackTestEnv({ groups });
    await world.click('approve');
    const before = await world.record(endpointId(1));
    world.wait(5);
    await world.click('approve');
    expect(await world.record(endpointId(1))).toEqual(before);
    expect(world.answers.at(-1)?.text).toContain('You have approved it already.');
  });

  test('a second click approves once it takes only one', async () => {
    const world = createSlackTestEnv({ groups });
    await world.click('approve');
    world.put(groupItem(group));
    world.wait(5);
    await world.click('approve');
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('an account that is approved again for another time is allowed for that', async () => {
    const world = createSlackTestEnv({ groups });
    await world.click('approve-and-allow', { expiry: '365' });
    await world.click('approve-and-allow', { expiry: '7' });
    await world.click('approve-and-allow', { expiry: '30', user: 'U01BOB' });
    expect(await entryIn(world)).toMatchObject({ expiresAt: '2026-11-28T12:00:00.000Z' });
  });

  test('the modal of the first approval tells that the request waits for the second', async () => {
    const world = createSlackTestEnv({ groups, services: [aService({ requireTicket: true })] });
    await world.click('approve');
    const { json } = await world.submit(world.views[0], { ticket: 'CHG-7' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(JSON.stringify(json)).toContain('1 of 2 approvals');
  });

  test('the account is allowed only if both said so', async () => {
    const world = createSlackTestEnv({ groups });
    await world.click('approve-and-allow');
    await world.click('approve', { user: 'U01BOB' });
    expect(await entryIn(world)).toBeUndefined();
    expect(toldIn(world)).not.toContain('put on the allowlist');
  });

  test('whoever approved may still deny before the second approves', async () => {
    const world = createSlackTestEnv({ groups });
    await world.click('approve');
    await world.click('deny');
    await world.submit(world.views[0], { reason: 'looked again' });
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
  });
});

describe('nothing is decided', () => {
  test.each([
    ['somebody who is no approver', { user: 'U01CAROL' }],
    ['a guest of the shared channel who has the same id in another workspace', { team: 'T02OTHER' }],
  ])('by %s, who is told who may', async (_, who) => {
    const world = createSlackTestEnv();
    for (const button of ['approve', 'approve-and-allow', 'deny']) await world.click(button, who);
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    expect(world.views).toEqual([]);
    expect(world.answers).toHaveLength(3);
    expect(toldIn(world)).toContain('Those who may: <@U01ALICE>, <@U01BOB>, 1 by e-mail');
  });

  test.each([
    ['another channel', { message: { ...shown, channel: 'C01OPS' } }],
    ['another message', { message: { ...shown, ts: '1795262400.000200' } }],
    ['an earlier asking', { value: `${endpointId(1)}.2` }],
  ])('by a button of %s', async (_, where) => {
    const world = createSlackTestEnv();
    await world.click('approve', where);
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(world)).toContain('does not decide by this message');
  });

  test.each([['vpce-00000000000000009.1'], [''], ['__proto__'], ['.3']])(
    'by the value `%s`',
    async (value) => {
      const world = createSlackTestEnv();
      await world.click('approve', { value });
      expect(toldIn(world)).toContain('knows no such request');
    },
  );

  test('by a button that linkgate never made', async () => {
    const world = createSlackTestEnv();
    await world.click('accept-everything');
    expect(toldIn(world)).toContain('does not know this button');
  });

  test('in Slack where the group decides by the API', async () => {
    const world = createSlackTestEnv({ groups: [{ ...group, decisionChannels: 'api' }] });
    await world.click('approve');
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(world)).toContain(`linkgate approve ${endpointId(1)}`);
  });

  test('by an owner of the account who approves; they may deny', async () => {
    const world = createSlackTestEnv({
      entries: [anEntry({ effect: 'allow', expiresAt: '2026-01-01T00:00:00.000Z', owners: [slackAlice] })],
    });
    await world.click('approve');
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
    expect(toldIn(world)).toContain('You own the account');
    await world.click('deny');
    await world.submit(world.views[0], { reason: 'not any more' });
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
  });
});

describe('whoever comes too late', () => {
  test('is told who decided what, and nothing changes', async () => {
    const world = createSlackTestEnv();
    await world.click('approve', { user: 'U01BOB' });
    const before = await world.record(endpointId(1));
    await world.click('deny');
    expect(world.answers.at(-1)?.text).toMatch(/^Too late.*\n\*Approved\* by <@U01BOB>/);
    expect(world.views).toEqual([]);
    expect(await world.record(endpointId(1))).toEqual(before);
  });

  test('in a modal that was open meanwhile is told in it', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    await world.click('approve', { user: 'U01BOB' });
    const { json } = await world.submit(world.views[0], { reason: 'unknown' });
    expect(json).toMatchObject({ response_action: 'update' });
    expect(JSON.stringify(json)).toContain('Too late');
  });

  test('after the endpoint is gone is told', async () => {
    const gone = anAskedRecord({ state: 'deleted', endedAt: '2026-11-21T11:00:00.000Z' });
    const world = createSlackTestEnv({ records: [gone] });
    await world.click('approve');
    expect(toldIn(world)).toContain('The endpoint is gone');
  });

  test('after everybody was asked anew cannot submit the older form', async () => {
    const world = createSlackTestEnv();
    await world.click('deny');
    const again = createSlackTestEnv({
      records: [
        anAskedRecord({ approvalRequest: { ...(anAskedRecord().approvalRequest ?? never()), version: 9 } }),
      ],
    });
    const { json } = await again.submit(world.views[0], { reason: 'unknown' });
    expect(JSON.stringify(json)).toContain('does not decide by this message');
  });
});

describe('where something breaks', () => {
  test('the form that did not open is told of, with the commands', async () => {
    const world = createSlackTestEnv();
    world.receiving.slack = {
      ...world.receiving.slack,
      openView: async () => Promise.reject(new Error('expired_trigger_id')),
    };
    expect(await world.click('deny')).toEqual({ statusCode: 200 });
    expect(toldIn(world)).toContain(`/linkgate deny ${endpointId(1)}`);
    expect(world.errors).toHaveLength(1);
  });

  test('a table that cannot be read is told of, and the button works later', async () => {
    const world = createSlackTestEnv();
    const { table } = world.receiving;
    world.receiving.table = { ...table, get: async () => Promise.reject(new Error('the table is away')) };
    expect(await world.click('approve')).toEqual({ statusCode: 200 });
    expect(toldIn(world)).toContain('Try again');
    expect((await world.command('waiting')).statusCode).toBe(200);
    expect(world.errors).toHaveLength(2);
    world.receiving.table = table;
    await world.click('approve');
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('a decision stands although nobody can be told of it', async () => {
    const world = createSlackTestEnv();
    world.receiving.bell = { enqueue: async () => Promise.reject(new Error('the queue is away')) };
    await world.click('approve');
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
    expect(toldIn(world)).toContain('You approved it.');
  });
});

describe('a request that is not proved', () => {
  test('is 401, and asks for the secret at most once a minute', async () => {
    const world = createSlackTestEnv();
    let reads = 0;
    const { cachedSecret } = await import('../../../lib/runtime/secret.ts');
    world.receiving.signingSecret = cachedSecret(async () => {
      reads++;
      return secret;
    }, world.receiving);
    const { handleSlackRequest } = await import('../../../lib/channels/slack/handle-request.ts');
    const forged = () => signed(payload(click('approve')), { at: world.time, by: 'a guess' });
    for (let turn = 0; turn < 20; turn++)
      expect(await handleSlackRequest(forged(), world.receiving)).toEqual({ statusCode: 401 });
    expect(reads).toBe(1);
    world.wait(60);
    for (let turn = 0; turn < 20; turn++) await handleSlackRequest(forged(), world.receiving);
    expect(reads).toBe(2);
    expect(await world.record(endpointId(1))).toMatchObject(noEffect);
  });

  test('is 401 where the secret cannot be read', async () => {
    const world = createSlackTestEnv();
    const away = async () => Promise.reject(new Error('the store is away'));
    world.receiving.signingSecret = { values: away, refreshed: away };
    expect(await world.click('approve')).toEqual({ statusCode: 401 });
    expect(world.errors).toHaveLength(1);
  });

  test('a secret that was rotated just now is found', async () => {
    const world = createSlackTestEnv();
    world.receiving.signingSecret = {
      values: async () => ['the one before'],
      refreshed: async () => [secret, 'the one before'],
    };
    expect(await world.click('approve')).toEqual({ statusCode: 200 });
  });
});

test.each([
  ['no payload', 'ssl_check=1'],
  ['a payload that is not JSON', 'payload=%7B'],
  ['a payload that is null', 'payload=null'],
  ['no actions', payload({ ...click('approve'), actions: undefined })],
  ['an empty list of actions', payload({ ...click('approve'), actions: [] })],
  ['no user', payload({ ...click('approve'), user: null })],
  ['a user without any workspace', payload({ ...click('approve'), user: { id: 'U01ALICE' }, team: null })],
  ['nothing at all', ''],
])('what is signed and has %s is 400', async (_, body) => {
  const world = createSlackTestEnv();
  expect(await world.send(body)).toEqual({ statusCode: 400 });
});

test('what linkgate does not answer is taken note of', async () => {
  const world = createSlackTestEnv();
  expect(await world.send(payload({ type: 'view_closed', view: {} }))).toEqual({ statusCode: 200 });
});

test('the workspace of the message stands for the user where Slack says no other', async () => {
  const world = createSlackTestEnv();
  await world.send(payload({ ...click('approve'), user: { id: 'U01ALICE' } }));
  expect(await world.record(endpointId(1))).toMatchObject({ approval: { by: slackAlice } });
});

test('a request that is being rejected by policy is told as that to whoever approved it', async () => {
  const records = [
    anAskedRecord({
      approval: anApproval({ by: slackBob }),
      verdict: aVerdict('reject', {
        findings: [{ rule: 'account-is-blocked', outcome: 'reject', reason: 'account is blocked' }],
      }),
    }),
  ];
  const world = createSlackTestEnv({ records });
  await world.click('approve');
  expect(toldIn(world)).toMatch(/Rejected by policy.*account is blocked/);
  expect(toldIn(world)).toContain('*Approved* by <@U01BOB>');
});

function never(): never {
  throw new Error('the record is asked about');
}
