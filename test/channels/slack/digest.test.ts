import { describe, expect, test } from '@jest/globals';
import { digestItem } from '../../../lib/approvals/digest.ts';
import { buttonValue } from '../../../lib/channels/slack/actions.ts';
import type { ModalView } from '../../../lib/channels/slack/blocks.ts';
import { digestMessage } from '../../../lib/channels/slack/digest-message.ts';
import { reminderText } from '../../../lib/channels/slack/reminder.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { readBlocks, readView } from '../../../sandbox/slack/read-blocks.ts';
import {
  aModeChange,
  anEntry,
  aService,
  consumer,
  endpointId,
  noon,
  secondsAfterNoon,
} from '../../builders.ts';
import { anExternallyAccepted, aScheduledDisconnect } from '../../notifications/connected-fixtures.ts';
import {
  anAwaitingRecord,
  approvalRequest,
  aView,
  createSlackTestEnv,
  group,
  homeTeam,
  requestMessageId,
  type SlackTestEnv,
} from './fixtures.ts';

const another = '333333333333';
const noCustomers = new Map<string, string>();
const notification = { digestId: 'digest-1', emailedTo: [] };

/** Requests of two accounts in turn. */
function requests(count: number) {
  return Array.from({ length: count }, (_, index) =>
    anAwaitingRecord({
      endpointId: endpointId(index + 1),
      ownerAccountId: index % 2 ? another : consumer,
      notification,
    }),
  );
}

function aStorm(count: number, contents: Parameters<typeof createSlackTestEnv>[0] = {}) {
  const records = requests(count);
  const env = createSlackTestEnv({ records, ...contents });
  env.put(aDigest(count));
  return env;
}

function aDigest(count: number) {
  const endpointIds = requests(count).map((record) => record.endpointId);
  return digestItem({
    id: 'digest-1',
    group: 'default',
    endpointIds,
    ...requestMessageId,
    emailedCount: 0,
    version: 1,
  });
}

const opens = { value: 'digest-1' };

function newest({ views }: SlackTestEnv): ModalView {
  const view = views.at(-1);
  if (!view) throw new Error('no modal opened');
  readView(view);
  return view;
}

function listFields(view: ModalView): string[] {
  const { blocks } = readView(view);
  return blocks.flatMap((block) => (block.type === 'input' ? [block.element.action_id ?? ''] : []));
}

function listInputBlocks(view: ModalView): string[] {
  return readView(view).blocks.flatMap(({ type, block_id = '' }) => (type === 'input' ? [block_id] : []));
}

async function outcomes(env: SlackTestEnv, count: number): Promise<(string | undefined)[]> {
  const all = Array.from({ length: count }, (_, index) => env.record(endpointId(index + 1)));
  return (await Promise.all(all)).map((record) => record?.verdict?.outcome);
}

describe('a digest', () => {
  test('counts the open requests by account and service', () => {
    const digest = {
      id: 'digest-1',
      group,
      records: requests(25),
      services: [aService()],
      customers: noCustomers,
    };
    const { text, blocks } = digestMessage(digest, noon);
    readBlocks(blocks);
    for (const part of ['25 requests', `${consumer}: 13`, `${another}: 12`, 'orders: 25'])
      expect(text).toContain(part);
    expect(JSON.stringify(blocks)).toContain('"value":"digest-1"');
  });

  test('names the customer beside its account', () => {
    const customers = new Map([[another, 'initech']]);
    const digest = { id: 'digest-1', group, records: requests(3), services: [], customers };
    expect(digestMessage(digest, noon).text).toContain(`${another} (initech): 1`);
  });

  test('has no button once all requests are decided, or if the group decides only by API', () => {
    const records = requests(3).map((record) => ({ ...record, state: 'available' as const }));
    const message = digestMessage(
      { id: 'digest-1', group, records, services: [], customers: noCustomers },
      noon,
    );
    expect(message.blocks.some(({ type }) => type === 'actions')).toBe(false);
    expect(message.text).toContain('Connected: 3');
    const byApi = { ...group, decisionChannels: 'api' as const };
    const byApiMessage = digestMessage(
      { id: 'digest-1', group: byApi, records: requests(3), services: [], customers: noCustomers },
      noon,
    );
    expect(byApiMessage.blocks.some(({ type }) => type === 'actions')).toBe(false);
    expect(byApiMessage.text).toContain('linkgate connections --waiting');
  });
});

describe("a digest's modal", () => {
  test('shows ten requests on each page', async () => {
    const env = aStorm(25);
    await env.click('decide', opens);
    expect(listFields(newest(env)).filter((field) => field.startsWith('request:'))).toHaveLength(10);
    const { private_metadata } = newest(env);
    await env.send(pagePayload(2, private_metadata));
    expect(listFields(newest(env))).toContain(`request:${endpointId(21)}.3`);
    expect(listFields(newest(env)).filter((field) => field.startsWith('request:'))).toHaveLength(5);
  });

  test('decides the selected requests, and leaves the others open', async () => {
    const env = aStorm(4);
    await env.click('decide', opens);
    const { json } = await env.submit(newest(env), {
      [`request:${endpointId(1)}.3`]: 'approve',
      [`request:${endpointId(2)}.3`]: 'deny',
      reason: 'not a customer',
    });
    expect(await outcomes(env, 4)).toEqual(['accept', 'reject', 'ask', 'ask']);
    expect(JSON.stringify(json)).toContain('2 of 2 decided');
    expect(json).toMatchObject({ response_action: 'update' });
    readView((json as { view: ModalView }).view);
  });

  test('decides all requests of an account, except those with their own selection', async () => {
    const env = aStorm(6);
    await env.click('decide', opens);
    await env.submit(newest(env), {
      account: `deny:${consumer}`,
      [`request:${endpointId(1)}.3`]: 'approve',
      reason: 'not a customer',
    });
    expect(await outcomes(env, 6)).toEqual(['accept', 'ask', 'reject', 'ask', 'reject', 'ask']);
  });

  test('does not decide requests that joined the digest after the modal opened', async () => {
    const env = aStorm(24);
    env.put(aDigest(22));
    await env.click('decide', opens);
    env.put(aDigest(24));
    await env.send(pagePayload(2, newest(env).private_metadata));
    expect(listFields(newest(env)).filter((field) => field.startsWith('request:'))).toHaveLength(2);
    const { json } = await env.submit(newest(env), { account: `approve:${consumer}` });
    expect((await outcomes(env, 24)).filter((outcome) => outcome === 'accept')).toHaveLength(11);
    expect(JSON.stringify(json)).toContain(`Approve all 1 of ${consumer}`);
  });

  test('keeps, extends and disconnects connections as selected', async () => {
    const first = aScheduledDisconnect({ endpointId: endpointId(1), notification });
    const second = aScheduledDisconnect({ endpointId: endpointId(2), notification });
    const third = aScheduledDisconnect({ endpointId: endpointId(3), notification });
    const externallyAccepted = anExternallyAccepted({ endpointId: endpointId(4), notification });
    const request = anAwaitingRecord({ endpointId: endpointId(5), notification });
    const env = aStorm(5, { records: [first, second, third, externallyAccepted, request] });
    await env.click('decide', opens);
    const view = newest(env);
    const listOptions = (record: ConnectionRecord) => {
      const inputBlock = readView(view).blocks.find(
        (block) =>
          block.type === 'input' && block.element.action_id === `request:${buttonValue(record) ?? ''}`,
      ) as { element: { options: { text: { text: string } }[] } };
      return inputBlock.element.options.map(({ text }) => text.text);
    };
    expect(listOptions(first)).toEqual(['Keep connected', 'Extend 14 days', 'Disconnect now']);
    expect(listOptions(externallyAccepted)).toEqual(['Keep connected', 'Disconnect now']);
    expect(listOptions(request)).toEqual(['Approve', 'Deny']);
    expect(JSON.stringify(view)).toContain('Extend 14 days* keeps it for 14 days after the time below');
    const { json } = await env.submit(view, {
      [`request:${buttonValue(first)}`]: 'keep',
      [`request:${buttonValue(second)}`]: 'extend',
      [`request:${buttonValue(third)}`]: 'disconnect',
      [`request:${buttonValue(externallyAccepted)}`]: 'keep',
      reason: 'as agreed',
    });
    expect(await outcomes(env, 5)).toEqual(['accept', 'reject', 'reject', 'accept', 'ask']);
    expect(JSON.stringify(json)).toContain('*3 of 3 decided.*\\n*1 of 1 extended by 14 days.*');
    expect(await env.record(endpointId(2))).toMatchObject({
      extended: { reason: 'as agreed', until: '2026-12-08T12:00:00.000Z' },
    });
    expect(await env.record(endpointId(3))).toMatchObject({ pendingEffect: { action: 'reject' } });
  });

  test('extends all connections of an account but not its requests, and only once for a form that is submitted twice', async () => {
    const records = [
      ...[1, 2].map((number) => aScheduledDisconnect({ endpointId: endpointId(number), notification })),
      anAwaitingRecord({ endpointId: endpointId(3), notification }),
    ];
    const env = aStorm(3, { records });
    await env.click('decide', opens);
    const view = newest(env);
    expect(JSON.stringify(view)).toContain(`Extend 14 days: all 2 of ${consumer}`);
    expect(JSON.stringify(view)).toContain(`Approve all 1 of ${consumer}`);
    for (const _ of [1, 2]) await env.submit(view, { account: `extend:${consumer}` });
    const all = await Promise.all([1, 2, 3].map((number) => env.record(endpointId(number))));
    expect(all.map((record) => record?.revocation?.disconnectAt)).toEqual([
      '2026-12-08T12:00:00.000Z',
      '2026-12-08T12:00:00.000Z',
      undefined,
    ]);
    expect(all[2]?.verdict?.outcome).toBe('ask');
  });

  test('requires a reason to disconnect', async () => {
    const env = aStorm(1, { records: [aScheduledDisconnect({ notification })] });
    await env.click('decide', opens);
    const { json } = await env.submit(newest(env), { account: `disconnect:${consumer}` });
    expect(json).toMatchObject({ response_action: 'errors' });
    expect(await outcomes(env, 1)).toEqual(['reject']);
    expect((await env.record(endpointId(1)))?.pendingEffect).toBeUndefined();
  });

  test('clears the selections after a submission', async () => {
    const env = aStorm(4);
    await env.click('decide', opens);
    const before = newest(env);
    const { json } = await env.submit(before, { account: `approve:${consumer}` });
    const { view } = json as { view: ModalView };
    expect(listInputBlocks(view)).toContain('account.1');
    expect(listInputBlocks(view).filter((name) => listInputBlocks(before).includes(name))).toEqual([]);
  });

  test('enqueues each location once for a whole submission', async () => {
    const env = aStorm(8);
    await env.click('decide', opens);
    await env.submit(newest(env), { account: `approve:${consumer}` });
    expect(env.applyRequests).toHaveLength(1);
  });

  test('shows in mode observe that linkgate does not change EC2', async () => {
    const env = aStorm(2);
    env.put(modeChangeItem(aModeChange({ mode: 'observe' })));
    await env.click('decide', opens);
    const { json } = await env.submit(newest(env), { account: `approve:${consumer}` });
    expect(JSON.stringify(json)).toContain('it does not change EC2');
  });

  test('shows the missing approvals with a quorum of two', async () => {
    const env = aStorm(4, { groups: [{ ...group, quorum: 2 }] });
    await env.click('decide', opens);
    const { json } = await env.submit(newest(env), { account: `approve:${consumer}` });
    expect(JSON.stringify(json)).toContain('0 of 2 decided');
    expect(JSON.stringify(json)).toContain(
      'linkgate recorded your decision for 2. Their status: 1 of 2 approvals',
    );
  });

  test('shows requests whose account is blocked, which an approval does not override', async () => {
    const blocked = anEntry({ accountId: another, effect: 'block' });
    const env = aStorm(4, { entries: [blocked] });
    await env.click('decide', opens);
    const { json } = await env.submit(newest(env), { account: `approve:${another}` });
    expect(JSON.stringify(json)).toContain(
      'linkgate recorded your decision for 2. Their status: Being rejected',
    );
  });

  test('adds a ticket field if the service requires tickets since the modal opened', async () => {
    const env = aStorm(2);
    await env.click('decide', opens);
    env.put(serviceItem(aService({ requireTicket: true })));
    const { json } = await env.submit(newest(env), { account: `approve:${consumer}` });
    const { view } = json as { view: ModalView };
    expect(listFields(view)).toContain('ticket');
    expect(listInputBlocks(view)).toContain('account.0');
    expect(await outcomes(env, 2)).toEqual(['ask', 'ask']);
    await env.submit(view, { account: `approve:${consumer}`, ticket: 'CHG-7' });
    expect(await outcomes(env, 2)).toEqual(['accept', 'ask']);
  });

  test.each([
    ['nothing', {}, 'account'],
    ['a denial without a reason', { account: `deny:${consumer}` }, 'reason'],
  ])('submitted with %s shows an error', async (_, typed, field) => {
    const env = aStorm(4);
    await env.click('decide', opens);
    expect(await env.submit(newest(env), typed)).toMatchObject({
      json: { response_action: 'errors', errors: { [`${field}.0`]: expect.any(String) } },
    });
    expect(await outcomes(env, 4)).toEqual(['ask', 'ask', 'ask', 'ask']);
  });

  test('requires a ticket if a service does', async () => {
    const env = aStorm(2, { services: [aService({ requireTicket: true })] });
    await env.click('decide', opens);
    expect(await env.submit(newest(env), { account: `approve:${consumer}` })).toMatchObject({
      json: { errors: { 'ticket.0': expect.any(String) } },
    });
    await env.submit(newest(env), { account: `approve:${consumer}`, ticket: 'CHG-7' });
    expect(await outcomes(env, 2)).toEqual(['accept', 'ask']);
  });

  test('decides until the time limit, and shows how many requests it did not reach', async () => {
    const env = aStorm(40);
    await env.click('decide', opens);
    const { table } = env.slackDeps;
    env.slackDeps.table = {
      ...table,
      async write(writes) {
        env.advanceSeconds(0.5);
        return table.write(writes);
      },
    };
    const { json } = await env.submit(newest(env), { account: `approve:${consumer}` });
    const accepted = (await outcomes(env, 40)).filter((outcome) => outcome === 'accept');
    expect(accepted).toHaveLength(3);
    expect(JSON.stringify(json)).toContain(`did not reach ${20 - accepted.length} in time`);
  });

  test('shows the requests that other people decided in the meantime', async () => {
    const env = aStorm(2);
    await env.click('decide', opens);
    await env.command(`approve ${endpointId(1)}`, { user: 'U01BOB' });
    const { json } = await env.submit(newest(env), {
      [`request:${endpointId(1)}.3`]: 'deny',
      [`request:${endpointId(2)}.3`]: 'deny',
      reason: 'not a customer',
    });
    expect(await outcomes(env, 2)).toEqual(['accept', 'reject']);
    expect(JSON.stringify(json)).toContain('in the meantime');
  });

  test('continues after an error of one decision', async () => {
    const env = aStorm(2);
    await env.click('decide', opens);
    const { table } = env.slackDeps;
    env.slackDeps.table = {
      ...table,
      write: async (writes) =>
        JSON.stringify(writes).includes(endpointId(1))
          ? Promise.reject(new Error('away'))
          : table.write(writes),
    };
    const { json } = await env.submit(newest(env), {
      [`request:${endpointId(1)}.3`]: 'approve',
      [`request:${endpointId(2)}.3`]: 'approve',
    });
    expect(await outcomes(env, 2)).toEqual(['ask', 'accept']);
    expect(JSON.stringify(json)).toContain('1 of 2 decided');
  });

  test('shows that a decision may be recorded if its write fails afterwards', async () => {
    const env = aStorm(1);
    await env.click('decide', opens);
    const { table } = env.slackDeps;
    env.slackDeps.table = {
      ...table,
      write: async (writes) => {
        await table.write(writes);
        throw new Error('away');
      },
    };
    const { json } = await env.submit(newest(env), { [`request:${endpointId(1)}.3`]: 'approve' });
    expect(await outcomes(env, 1)).toEqual(['accept']);
    expect(JSON.stringify(json)).toContain('Your decision may be recorded');
  });
});

describe('a digest does not open', () => {
  test.each([
    ['for a user who is no approver', { ...opens, user: 'U01CAROL' }, 'The approvers are'],
    ['for a user of another workspace', { ...opens, team: 'T02OTHER' }, 'The approvers are'],
    [
      'for a click on another message',
      { ...opens, message: { ...requestMessageId, ts: '1.1' } },
      'This message is out of date',
    ],
    ['for an unknown digest', { value: 'digest-9' }, 'does not know this digest'],
  ])('%s, and the reply says why', async (_, how, expected) => {
    const env = aStorm(3);
    await env.click('decide', how);
    expect(env.views).toEqual([]);
    expect(env.answers[0]?.text).toContain(expected);
  });

  test('for a forged form, which decides nothing', async () => {
    const env = aStorm(3);
    const view = { type: 'modal', callback_id: 'digest', private_metadata: '{"digest":"digest-1"}' };
    const { json } = await env.submit(view, { account: `approve:${consumer}` });
    expect(JSON.stringify(json)).toContain('does not know this form');
    expect(await outcomes(env, 3)).toEqual(['ask', 'ask', 'ask']);
  });
});

describe('a reminder', () => {
  const escalation = { ...group, name: 'leads', slackUsers: [{ team: homeTeam, user: 'U01CAROL' }] };

  test('mentions the approvers, and shows the deadline', () => {
    const text = reminderText(aView(), undefined, noon);
    expect(text).toMatch(/^<@U01ALICE> <@U01BOB> vpce-/);
    expect(text).toContain('until <!date^1795867200^');
  });

  test('mentions the escalation group after the deadline, each user once', () => {
    const text = reminderText(aView(), escalation, secondsAfterNoon(8 * 86_400));
    expect(text).toMatch(/^<@U01ALICE> <@U01BOB> <@U01CAROL> /);
    expect(text).toContain('Nobody decided before');
    expect(reminderText(aView(), group, noon).match(/<@U01ALICE>/g)).toHaveLength(1);
  });

  test('shows that the escalation group cannot decide, unless its users are approvers', () => {
    const text = reminderText(aView(), escalation, noon);
    expect(text).toContain('The group leads is notified as the escalation group');
    expect(text).toContain('only the group default can decide');
    expect(reminderText(aView(), group, noon)).not.toContain('called upon');
  });

  test('of a digest counts the open requests', () => {
    const [first, ...openRequests] = requests(3);
    const decidedRequest = { ...(first ?? anAwaitingRecord()), state: 'available' as const };
    const digest = {
      id: 'digest-1',
      group,
      records: [decidedRequest, ...openRequests],
      services: [],
      customers: noCustomers,
    };
    expect(reminderText(digest, undefined, noon)).toContain('2 requests still wait');
    expect(reminderText({ ...digest, records: openRequests.slice(1) }, undefined, noon)).toContain(
      '1 request still waits for approval, until',
    );
    expect(approvalRequest.stage).toBe('approval-requested');
  });
});

/** The payload that Slack sends for a click on a page button of the modal. */
function pagePayload(page: number, metadata: unknown): string {
  return new URLSearchParams({
    payload: JSON.stringify({
      type: 'block_actions',
      user: { id: 'U01ALICE', team_id: homeTeam },
      trigger_id: 'trigger-2',
      container: { type: 'view', view_id: 'V01' },
      view: { id: 'V01', callback_id: 'digest', private_metadata: metadata, state: { values: {} } },
      actions: [{ action_id: `digest-page:${page}`, type: 'button', value: String(page) }],
    }),
  }).toString();
}
