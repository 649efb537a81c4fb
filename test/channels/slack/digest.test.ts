import { describe, expect, test } from '@jest/globals';
import { digestItem } from '../../../lib/approvals/digest.ts';
import { buttonValue } from '../../../lib/channels/slack/actions.ts';
import type { View } from '../../../lib/channels/slack/blocks.ts';
import { digestMessage } from '../../../lib/channels/slack/digest-message.ts';
import { reminderText } from '../../../lib/channels/slack/reminder.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { readBlocks, readView } from '../../../sandbox/slack/read-blocks.ts';
import { anEntry, aService, aSwitch, consumer, endpointId, noon, secondsAfterNoon } from '../../builders.ts';
import { aForeign, anEnding } from '../../notifications/connected-fixtures.ts';
import {
  anAskedRecord,
  approvalRequest,
  aView,
  createSlackTestEnv,
  group,
  home,
  type SlackTestEnv,
  shown,
} from './fixtures.ts';

const another = '333333333333';
const notice = { digest: 'digest-1', emailedTo: [] };

/** Requests of two accounts, taking turns. */
function requests(count: number) {
  return Array.from({ length: count }, (_, index) =>
    anAskedRecord({
      endpointId: endpointId(index + 1),
      ownerAccountId: index % 2 ? another : consumer,
      notice,
    }),
  );
}

function aStorm(count: number, contents: Parameters<typeof createSlackTestEnv>[0] = {}) {
  const records = requests(count);
  const world = createSlackTestEnv({ records, ...contents });
  world.put(aDigestOf(count));
  return world;
}

function aDigestOf(count: number) {
  const endpointIds = requests(count).map((record) => record.endpointId);
  return digestItem({ id: 'digest-1', group: 'default', endpointIds, ...shown, emailedCount: 0, version: 1 });
}

const opens = { value: 'digest-1' };

function newest({ views }: SlackTestEnv): View {
  const view = views.at(-1);
  if (!view) throw new Error('no modal opened');
  readView(view);
  return view;
}

function fieldsIn(view: View): string[] {
  const { blocks } = readView(view);
  return blocks.flatMap((block) => (block.type === 'input' ? [block.element.action_id ?? ''] : []));
}

function inputBlocksIn(view: View): string[] {
  return readView(view).blocks.flatMap(({ type, block_id = '' }) => (type === 'input' ? [block_id] : []));
}

async function outcomes(world: SlackTestEnv, count: number): Promise<(string | undefined)[]> {
  const all = Array.from({ length: count }, (_, index) => world.record(endpointId(index + 1)));
  return (await Promise.all(all)).map((record) => record?.verdict?.outcome);
}

describe('a digest', () => {
  test('counts what waits, and names the accounts that ask most', () => {
    const digest = { id: 'digest-1', group, records: requests(25), services: [aService()] };
    const { text, blocks } = digestMessage(digest, noon);
    readBlocks(blocks);
    for (const part of ['25 requests', `${consumer}: 13`, `${another}: 12`, 'orders: 25'])
      expect(text).toContain(part);
    expect(JSON.stringify(blocks)).toContain('"value":"digest-1"');
  });

  test('has no button once all is decided, or where the group decides by the API', () => {
    const records = requests(3).map((record) => ({ ...record, state: 'available' as const }));
    const decided = digestMessage({ id: 'digest-1', group, records, services: [] }, noon);
    expect(decided.blocks.some(({ type }) => type === 'actions')).toBe(false);
    expect(decided.text).toContain('Connected: 3');
    const byApi = { ...group, decisionChannels: 'api' as const };
    const told = digestMessage({ id: 'digest-1', group: byApi, records: requests(3), services: [] }, noon);
    expect(told.blocks.some(({ type }) => type === 'actions')).toBe(false);
    expect(told.text).toContain('linkgate connections --waiting');
  });
});

describe("a digest's modal", () => {
  test('shows ten requests a page, and turns', async () => {
    const world = aStorm(25);
    await world.click('decide', opens);
    expect(fieldsIn(newest(world)).filter((field) => field.startsWith('request:'))).toHaveLength(10);
    const { private_metadata } = newest(world);
    await world.send(turn(2, private_metadata));
    expect(fieldsIn(newest(world))).toContain(`request:${endpointId(21)}.3`);
    expect(fieldsIn(newest(world)).filter((field) => field.startsWith('request:'))).toHaveLength(5);
  });

  test('decides some one by one, and leaves the others open', async () => {
    const world = aStorm(4);
    await world.click('decide', opens);
    const { json } = await world.submit(newest(world), {
      [`request:${endpointId(1)}.3`]: 'approve',
      [`request:${endpointId(2)}.3`]: 'deny',
      reason: 'not a customer',
    });
    expect(await outcomes(world, 4)).toEqual(['accept', 'reject', 'ask', 'ask']);
    expect(JSON.stringify(json)).toContain('2 of 2 decided');
    expect(json).toMatchObject({ response_action: 'update' });
    readView((json as { view: View }).view);
  });

  test('decides all of an account, but for those that were decided by themselves', async () => {
    const world = aStorm(6);
    await world.click('decide', opens);
    await world.submit(newest(world), {
      account: `deny:${consumer}`,
      [`request:${endpointId(1)}.3`]: 'approve',
      reason: 'not a customer',
    });
    expect(await outcomes(world, 6)).toEqual(['accept', 'ask', 'reject', 'ask', 'reject', 'ask']);
  });

  test('decides nothing of an account that joined after it was drawn, whichever page is shown', async () => {
    const world = aStorm(24);
    world.put(aDigestOf(22));
    await world.click('decide', opens);
    world.put(aDigestOf(24));
    await world.send(turn(2, newest(world).private_metadata));
    expect(fieldsIn(newest(world)).filter((field) => field.startsWith('request:'))).toHaveLength(2);
    const { json } = await world.submit(newest(world), { account: `approve:${consumer}` });
    expect((await outcomes(world, 24)).filter((outcome) => outcome === 'accept')).toHaveLength(11);
    expect(JSON.stringify(json)).toContain(`Approve all 1 of ${consumer}`);
  });

  test('lets connections be kept, extended and disconnected, each as its label says', async () => {
    const first = anEnding({ endpointId: endpointId(1), notice });
    const second = anEnding({ endpointId: endpointId(2), notice });
    const third = anEnding({ endpointId: endpointId(3), notice });
    const foreign = aForeign({ endpointId: endpointId(4), notice });
    const request = anAskedRecord({ endpointId: endpointId(5), notice });
    const world = aStorm(5, { records: [first, second, third, foreign, request] });
    await world.click('decide', opens);
    const view = newest(world);
    const optionsOf = (record: ConnectionRecord) => {
      const found = readView(view).blocks.find(
        (block) =>
          block.type === 'input' && block.element.action_id === `request:${buttonValue(record) ?? ''}`,
      ) as { element: { options: { text: { text: string } }[] } };
      return found.element.options.map(({ text }) => text.text);
    };
    expect(optionsOf(first)).toEqual(['Keep connected', 'Extend 14 days', 'Disconnect now']);
    expect(optionsOf(foreign)).toEqual(['Keep connected', 'Disconnect now']);
    expect(optionsOf(request)).toEqual(['Approve', 'Deny']);
    expect(JSON.stringify(view)).toContain('Extend 14 days* lets it stay 14 days longer than is said below');
    const { json } = await world.submit(view, {
      [`request:${buttonValue(first)}`]: 'keep',
      [`request:${buttonValue(second)}`]: 'extend',
      [`request:${buttonValue(third)}`]: 'disconnect',
      [`request:${buttonValue(foreign)}`]: 'keep',
      reason: 'as agreed',
    });
    expect(await outcomes(world, 5)).toEqual(['accept', 'reject', 'reject', 'accept', 'ask']);
    expect(JSON.stringify(json)).toContain('*3 of 3 decided.*\\n*1 of 1 extended by 14 days.*');
    expect(await world.record(endpointId(2))).toMatchObject({
      kept: { reason: 'as agreed', until: '2026-12-08T12:00:00.000Z' },
    });
    expect(await world.record(endpointId(3))).toMatchObject({ effect: { action: 'reject' } });
  });

  test('answers for all connections of an account and not for its requests, and extends once for a form sent twice', async () => {
    const records = [
      ...[1, 2].map((number) => anEnding({ endpointId: endpointId(number), notice })),
      anAskedRecord({ endpointId: endpointId(3), notice }),
    ];
    const world = aStorm(3, { records });
    await world.click('decide', opens);
    const view = newest(world);
    expect(JSON.stringify(view)).toContain(`Extend 14 days: all 2 of ${consumer}`);
    expect(JSON.stringify(view)).toContain(`Approve all 1 of ${consumer}`);
    for (const _ of [1, 2]) await world.submit(view, { account: `extend:${consumer}` });
    const all = await Promise.all([1, 2, 3].map((number) => world.record(endpointId(number))));
    expect(all.map((record) => record?.revocation?.disconnectAt)).toEqual([
      '2026-12-08T12:00:00.000Z',
      '2026-12-08T12:00:00.000Z',
      undefined,
    ]);
    expect(all[2]?.verdict?.outcome).toBe('ask');
  });

  test('wants a reason to disconnect', async () => {
    const world = aStorm(1, { records: [anEnding({ notice })] });
    await world.click('decide', opens);
    const { json } = await world.submit(newest(world), { account: `disconnect:${consumer}` });
    expect(json).toMatchObject({ response_action: 'errors' });
    expect(await outcomes(world, 1)).toEqual(['reject']);
    expect((await world.record(endpointId(1)))?.effect).toBeUndefined();
  });

  test('keeps nothing chosen once it was submitted', async () => {
    const world = aStorm(4);
    await world.click('decide', opens);
    const before = newest(world);
    const { json } = await world.submit(before, { account: `approve:${consumer}` });
    const { view } = json as { view: View };
    expect(inputBlocksIn(view)).toContain('account.1');
    expect(inputBlocksIn(view).filter((name) => inputBlocksIn(before).includes(name))).toEqual([]);
  });

  test('rings once for all that was decided', async () => {
    const world = aStorm(8);
    await world.click('decide', opens);
    await world.submit(newest(world), { account: `approve:${consumer}` });
    expect(world.rings).toHaveLength(1);
  });

  test('says while the mode is observe that nothing comes of it in EC2', async () => {
    const world = aStorm(2);
    world.put(modeChangeItem(aSwitch({ mode: 'observe' })));
    await world.click('decide', opens);
    const { json } = await world.submit(newest(world), { account: `approve:${consumer}` });
    expect(JSON.stringify(json)).toContain('EC2 is left as it is');
  });

  test('tells of those that take more than one word', async () => {
    const world = aStorm(4, { groups: [{ ...group, quorum: 2 }] });
    await world.click('decide', opens);
    const { json } = await world.submit(newest(world), { account: `approve:${consumer}` });
    expect(JSON.stringify(json)).toContain('0 of 2 decided');
    expect(JSON.stringify(json)).toContain('Of 2 your word is recorded, and they stand so: 1 of 2 approvals');
  });

  test('tells of those where a block comes before a word', async () => {
    const blocked = anEntry({ accountId: another, effect: 'block' });
    const world = aStorm(4, { entries: [blocked] });
    await world.click('decide', opens);
    const { json } = await world.submit(newest(world), { account: `approve:${another}` });
    expect(JSON.stringify(json)).toContain('Of 2 your word is recorded, and they stand so: Being rejected');
  });

  test('has a field for the ticket that is wanted since it was drawn', async () => {
    const world = aStorm(2);
    await world.click('decide', opens);
    world.put(serviceItem(aService({ requireTicket: true })));
    const { json } = await world.submit(newest(world), { account: `approve:${consumer}` });
    const { view } = json as { view: View };
    expect(fieldsIn(view)).toContain('ticket');
    expect(inputBlocksIn(view)).toContain('account.0');
    expect(await outcomes(world, 2)).toEqual(['ask', 'ask']);
    await world.submit(view, { account: `approve:${consumer}`, ticket: 'CHG-7' });
    expect(await outcomes(world, 2)).toEqual(['accept', 'ask']);
  });

  test.each([
    ['nothing', {}, 'account'],
    ['a denial without a reason', { account: `deny:${consumer}` }, 'reason'],
  ])('that is submitted with %s asks again', async (_, typed, field) => {
    const world = aStorm(4);
    await world.click('decide', opens);
    expect(await world.submit(newest(world), typed)).toMatchObject({
      json: { response_action: 'errors', errors: { [`${field}.0`]: expect.any(String) } },
    });
    expect(await outcomes(world, 4)).toEqual(['ask', 'ask', 'ask', 'ask']);
  });

  test('wants a ticket where a service does', async () => {
    const world = aStorm(2, { services: [aService({ requireTicket: true })] });
    await world.click('decide', opens);
    expect(await world.submit(newest(world), { account: `approve:${consumer}` })).toMatchObject({
      json: { errors: { 'ticket.0': expect.any(String) } },
    });
    await world.submit(newest(world), { account: `approve:${consumer}`, ticket: 'CHG-7' });
    expect(await outcomes(world, 2)).toEqual(['accept', 'ask']);
  });

  test('decides as far as the time reaches, and says what is left', async () => {
    const world = aStorm(40);
    await world.click('decide', opens);
    const { table } = world.receiving;
    world.receiving.table = {
      ...table,
      async write(writes) {
        world.wait(0.5);
        return table.write(writes);
      },
    };
    const { json } = await world.submit(newest(world), { account: `approve:${consumer}` });
    const accepted = (await outcomes(world, 40)).filter((outcome) => outcome === 'accept');
    expect(accepted).toHaveLength(3);
    expect(JSON.stringify(json)).toContain(`${20 - accepted.length} were not reached in time`);
  });

  test('tells of what somebody else decided meanwhile', async () => {
    const world = aStorm(2);
    await world.click('decide', opens);
    await world.command(`approve ${endpointId(1)}`, { user: 'U01BOB' });
    const { json } = await world.submit(newest(world), {
      [`request:${endpointId(1)}.3`]: 'deny',
      [`request:${endpointId(2)}.3`]: 'deny',
      reason: 'not a customer',
    });
    expect(await outcomes(world, 2)).toEqual(['accept', 'reject']);
    expect(JSON.stringify(json)).toContain('decided meanwhile');
  });

  test('where one decision breaks, the others go on', async () => {
    const world = aStorm(2);
    await world.click('decide', opens);
    const { table } = world.receiving;
    world.receiving.table = {
      ...table,
      write: async (writes) =>
        JSON.stringify(writes).includes(endpointId(1))
          ? Promise.reject(new Error('away'))
          : table.write(writes),
    };
    const { json } = await world.submit(newest(world), {
      [`request:${endpointId(1)}.3`]: 'approve',
      [`request:${endpointId(2)}.3`]: 'approve',
    });
    expect(await outcomes(world, 2)).toEqual(['ask', 'accept']);
    expect(JSON.stringify(json)).toContain('1 of 2 decided');
  });

  test('of a decision that broke after it was written down, it is told that nobody knows', async () => {
    const world = aStorm(1);
    await world.click('decide', opens);
    const { table } = world.receiving;
    world.receiving.table = {
      ...table,
      write: async (writes) => {
        await table.write(writes);
        throw new Error('away');
      },
    };
    const { json } = await world.submit(newest(world), { [`request:${endpointId(1)}.3`]: 'approve' });
    expect(await outcomes(world, 1)).toEqual(['accept']);
    expect(JSON.stringify(json)).toContain('may be recorded all the same');
  });
});

describe('a digest opens for nobody', () => {
  test.each([
    ['who is no approver', { ...opens, user: 'U01CAROL' }, 'Those who may'],
    ['from another workspace', { ...opens, team: 'T02OTHER' }, 'Those who may'],
    ['by another message', { ...opens, message: { ...shown, ts: '1.1' } }, 'does not decide by this message'],
    ['where there is none', { value: 'digest-9' }, 'knows no such digest'],
  ])('%s', async (_, how, told) => {
    const world = aStorm(3);
    await world.click('decide', how);
    expect(world.views).toEqual([]);
    expect(world.answers[0]?.text).toContain(told);
  });

  test('whose form was forged', async () => {
    const world = aStorm(3);
    const view = { type: 'modal', callback_id: 'digest', private_metadata: '{"digest":"digest-1"}' };
    const { json } = await world.submit(view, { account: `approve:${consumer}` });
    expect(JSON.stringify(json)).toContain('does not know this form');
    expect(await outcomes(world, 3)).toEqual(['ask', 'ask', 'ask']);
  });
});

describe('a reminder', () => {
  const escalation = { ...group, name: 'leads', slackUsers: [{ team: home, user: 'U01CAROL' }] };

  test('mentions the approvers, and says until when', () => {
    const text = reminderText(aView(), undefined, noon);
    expect(text).toMatch(/^<@U01ALICE> <@U01BOB> vpce-/);
    expect(text).toContain('until <!date^1795867200^');
  });

  test('mentions the group behind them, once each, when time runs out', () => {
    const text = reminderText(aView(), escalation, secondsAfterNoon(8 * 86_400));
    expect(text).toMatch(/^<@U01ALICE> <@U01BOB> <@U01CAROL> /);
    expect(text).toContain('nobody decided it before');
    expect(reminderText(aView(), group, noon).match(/<@U01ALICE>/g)).toHaveLength(1);
  });

  test('says what the group behind them is called for, unless all of it may decide', () => {
    const text = reminderText(aView(), escalation, noon);
    expect(text).toContain('The group leads is called upon to see that it is decided');
    expect(text).toContain('deciding is for the group default');
    expect(reminderText(aView(), group, noon)).not.toContain('called upon');
  });

  test('of a digest counts what still waits', () => {
    const [first, ...others] = requests(3);
    const decided = { ...(first ?? anAskedRecord()), state: 'available' as const };
    const digest = { id: 'digest-1', group, records: [decided, ...others], services: [] };
    expect(reminderText(digest, undefined, noon)).toContain('2 requests still wait');
    expect(reminderText({ ...digest, records: others.slice(1) }, undefined, noon)).toContain(
      '1 request still waits for approval, until',
    );
    expect(approvalRequest.stage).toBe('approval-requested');
  });
});

/** What Slack sends when somebody turns the modal's page. */
function turn(page: number, metadata: unknown): string {
  return new URLSearchParams({
    payload: JSON.stringify({
      type: 'block_actions',
      user: { id: 'U01ALICE', team_id: home },
      trigger_id: 'trigger-2',
      container: { type: 'view', view_id: 'V01' },
      view: { id: 'V01', callback_id: 'digest', private_metadata: metadata, state: { values: {} } },
      actions: [{ action_id: `digest-page:${page}`, type: 'button', value: String(page) }],
    }),
  }).toString();
}
