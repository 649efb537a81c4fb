import { describe, expect, test } from '@jest/globals';
import { digestEntity, digestKey } from '../../../lib/approvals/digest.ts';
import type { ModalView, SlackMessage } from '../../../lib/channels/slack/blocks.ts';
import { digestMessage } from '../../../lib/channels/slack/digest-message.ts';
import { reminderText } from '../../../lib/channels/slack/reminder.ts';
import { recordItem } from '../../../lib/connections/connection-record.ts';
import { modeChangeItem } from '../../../lib/mode/mode.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { readBlocks, readView } from '../../../sandbox/slack/read-blocks.ts';
import {
  aModeChange,
  aNotificationItem,
  anEntry,
  aRequestNotification,
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
  slackAlice,
} from './fixtures.ts';

const another = '333333333333';
const outdatedMessage = { ...requestMessageId, ts: '1.1' };
const noCustomers = new Map<string, string>();

/** Requests of two accounts in turn. */
function requests(count: number) {
  return Array.from({ length: count }, (_, index) =>
    anAwaitingRecord({
      endpointId: endpointId(index + 1),
      ownerAccountId: index % 2 ? another : consumer,
    }),
  );
}

function aStorm(count: number, contents: Parameters<typeof createSlackTestEnv>[0] = {}) {
  const { records = requests(count) } = contents;
  const env = createSlackTestEnv({ ...contents, records });
  env.put(
    aDigest(count),
    aNotificationItem(
      { kind: 'digest', id: 'digest-1' },
      { message: requestMessageId, outdated: [outdatedMessage] },
    ),
    ...records.map((record) => aRequestNotification(record, { digestId: 'digest-1' })),
  );
  return env;
}

function aDigest(count: number) {
  const endpointIds = requests(count).map((record) => record.endpointId);
  return digestEntity.item({ id: 'digest-1', group: 'default', endpointIds, version: 1 });
}

type Button = {
  text: { text: string };
  action_id: string;
  value: string;
  confirm?: { text: { text: string } };
};

/** Renders the message of a digest in the test environment, as notify-approvers does. */
async function renderDigest({ record, slackDeps }: SlackTestEnv) {
  const digest = await digestEntity.find(digestKey('digest-1'), slackDeps.table);
  const records = await Promise.all((digest?.endpointIds ?? []).map(record));
  const members = records.filter((each) => each !== undefined);
  return digestMessage(
    { id: 'digest-1', group, records: members, services: [aService()], customers: noCustomers },
    noon,
  );
}

function listButtons({ blocks }: Pick<SlackMessage, 'blocks'>): Button[] {
  return readBlocks(blocks).flatMap((block) =>
    block.type === 'actions' ? (block.elements as readonly Button[]) : [],
  );
}

/** Clicks the button with a label of a rendered message. */
async function clickLabel(
  env: SlackTestEnv,
  label: string,
  { rendered, ...how }: { rendered?: SlackMessage } & Parameters<SlackTestEnv['click']>[1] = {},
) {
  const buttons = listButtons(rendered ?? (await renderDigest(env)));
  const button = buttons.find(({ text }) => text.text === label);
  if (!button) throw new Error(`no ${label} among ${buttons.map(({ text }) => text.text)}`);
  await env.click(button.action_id, { value: button.value, ...how });
  return env.answers.at(-1)?.text ?? '';
}

function newest({ views }: SlackTestEnv): ModalView {
  const view = views.at(-1);
  if (!view) throw new Error('no modal opened');
  readView(view);
  return view;
}

async function outcomes(env: SlackTestEnv, count: number): Promise<(string | undefined)[]> {
  const all = Array.from({ length: count }, (_, index) => env.record(endpointId(index + 1)));
  return (await Promise.all(all)).map((record) => record?.verdict?.outcome);
}

describe('the message of a digest', () => {
  const digest = { id: 'digest-1', group, services: [aService()], customers: noCustomers };
  /** A storm of 40 accounts; the first account has the most requests. */
  const storm = Array.from({ length: 500 }, (_, index) =>
    anAwaitingRecord({
      endpointId: endpointId(index + 1),
      ownerAccountId: String(100_000_000_000 + (index < 60 ? 0 : index % 40)),
    }),
  );

  test('counts the open requests by account, with its customer, and by service', () => {
    const { text, blocks } = digestMessage(
      { ...digest, records: requests(25), customers: new Map([[another, 'initech']]) },
      noon,
    );
    readBlocks(blocks);
    for (const part of [
      '25 requests',
      `${consumer}: *13 requests`,
      `${another} (initech): *12 requests`,
      'orders: 25',
    ])
      expect(text).toContain(part);
  });

  test('has buttons for the five largest accounts, and the commands for the others', () => {
    const message = digestMessage({ ...digest, records: storm }, noon);
    const buttons = listButtons(message);
    expect(buttons.map(({ text }) => text.text)).toEqual([
      'Approve all 71',
      'Deny all 71',
      ...Array.from({ length: 4 }, () => ['Approve all 11', 'Deny all 11']).flat(),
    ]);
    expect(buttons[0]?.confirm?.text.text).toBe(
      'You approve 71 requests of account 100000000000. The allowlist does not change.',
    );
    expect(message.text).toContain('*35 more accounts:* 385 open.');
    for (const command of [
      'linkgate connections --waiting',
      'linkgate explain',
      'linkgate allow',
      'linkgate block',
    ])
      expect(message.text).toContain(command);
    expect(Math.max(...buttons.map(({ value }) => value.length))).toBeLessThan(500);
  });

  test('has no button once all requests are decided, or if the group decides only by API', () => {
    const decided = requests(3).map((record) => ({ ...record, state: 'available' as const }));
    const message = digestMessage({ ...digest, records: decided }, noon);
    expect(listButtons(message)).toEqual([]);
    expect(message.text).toContain('Connected: 3');
    const byApi = { ...group, decisionChannels: 'api' as const };
    const byApiMessage = digestMessage({ ...digest, group: byApi, records: requests(3) }, noon);
    expect(listButtons(byApiMessage)).toEqual([]);
    expect(byApiMessage.text).toContain('decides only on the command line');
  });
});

const aButtonValue = {
  digest: 'digest-1',
  account: consumer,
  lastEndpointId: endpointId(99),
  requestsHash: 'x',
  count: 2,
};

describe("a button of a digest's account", () => {
  test('approves all open requests of the account, and no others', async () => {
    const env = aStorm(6);
    expect(await clickLabel(env, 'Approve all 3')).toContain('3 of 3 decided');
    expect(await outcomes(env, 6)).toEqual(['accept', 'ask', 'accept', 'ask', 'accept', 'ask']);
    // One message for the location of all three.
    expect(env.applyRequests).toHaveLength(1);
  });

  test('denies all of them with a reason, which a modal asks for', async () => {
    const env = aStorm(6);
    await clickLabel(env, 'Deny all 3');
    const withoutReason = await env.submit(newest(env), {});
    expect(withoutReason.json).toMatchObject({
      response_action: 'errors',
      errors: { reason: expect.any(String) },
    });
    expect(await outcomes(env, 6)).toEqual(['ask', 'ask', 'ask', 'ask', 'ask', 'ask']);
    const { json } = await env.submit(newest(env), { reason: 'not a customer' });
    expect(JSON.stringify(json)).toContain('3 of 3 decided');
    expect(await outcomes(env, 6)).toEqual(['reject', 'ask', 'reject', 'ask', 'reject', 'ask']);
    expect(await env.record(endpointId(1))).toMatchObject({ personDecision: { reason: 'not a customer' } });
  });

  test('asks for a ticket if a service requires it', async () => {
    const env = aStorm(2, { services: [aService({ requireTicket: true })] });
    await clickLabel(env, 'Approve 1');
    expect((await env.submit(newest(env), {})).json).toMatchObject({
      errors: { ticket: expect.any(String) },
    });
    await env.submit(newest(env), { ticket: 'CHG-7' });
    expect(await outcomes(env, 2)).toEqual(['accept', 'ask']);
  });

  test('adds the ticket to a modal that opened before the service required it', async () => {
    const env = aStorm(2);
    await clickLabel(env, 'Deny 1');
    env.put(serviceItem(aService({ requireTicket: true })));
    const { json } = await env.submit(newest(env), { reason: 'no' });
    const { view } = json as { view: ModalView };
    expect(JSON.stringify(readView(view))).toContain('ticket');
    expect(await outcomes(env, 2)).toEqual(['ask', 'ask']);
    await env.submit(view, { reason: 'no', ticket: 'CHG-7' });
    expect(await outcomes(env, 2)).toEqual(['reject', 'ask']);
  });

  test('keeps, extends or disconnects the connections of an account, and leaves its requests open', async () => {
    const records = [
      ...[1, 2].map((number) => aScheduledDisconnect({ endpointId: endpointId(number) })),
      anExternallyAccepted({ endpointId: endpointId(3) }),
      anAwaitingRecord({ endpointId: endpointId(4) }),
    ];
    const labels = [
      'Approve 1',
      'Deny 1',
      'Keep all 3 connected',
      'Extend all 2 by 14 days',
      'Disconnect all 3 now',
    ];
    const kept = aStorm(4, { records });
    expect(listButtons(await renderDigest(kept)).map(({ text }) => text.text)).toEqual(labels);
    expect(await clickLabel(kept, 'Keep all 3 connected')).toContain('3 of 3 decided');
    expect(await outcomes(kept, 4)).toEqual(['accept', 'accept', 'accept', 'ask']);

    const disconnected = aStorm(4, { records });
    await clickLabel(disconnected, 'Disconnect all 3 now');
    await disconnected.submit(newest(disconnected), { reason: 'as agreed' });
    expect(await disconnected.record(endpointId(1))).toMatchObject({ pendingEffect: { action: 'reject' } });
    expect(await outcomes(disconnected, 4)).toEqual(['reject', 'reject', 'reject', 'ask']);
  });

  test('extends connections once, also if it is clicked twice before the message shows that', async () => {
    const records = [1, 2].map((number) => aScheduledDisconnect({ endpointId: endpointId(number) }));
    const env = aStorm(2, { records });
    const rendered = await renderDigest(env);
    const label = 'Extend all 2 by 14 days';
    expect(await clickLabel(env, label, { rendered })).toContain('2 of 2 extended by 14 days');
    expect(await clickLabel(env, label, { rendered })).toContain('out of date');
    for (const number of [1, 2])
      expect((await env.record(endpointId(number)))?.revocation?.disconnectAt).toBe(
        '2026-12-08T12:00:00.000Z',
      );
  });

  test('is decided in a copy whose post was in doubt, which the next delivery replaces', async () => {
    const env = aStorm(2);
    const copy = { ...requestMessageId, ts: '1.2' };
    expect(await clickLabel(env, 'Approve 1', { message: copy })).toContain('1 of 1 decided');
    expect((await env.notification('digest-1', 'digest')).outdated).toEqual([outdatedMessage, copy]);
  });

  test('does not decide requests that joined the digest after the message was rendered', async () => {
    const env = aStorm(24);
    env.put(aDigest(22));
    const rendered = await renderDigest(env);
    env.put(aDigest(24));
    await clickLabel(env, 'Approve all 11', { rendered });
    expect((await outcomes(env, 24)).filter((outcome) => outcome === 'accept')).toHaveLength(11);
  });

  test('decides nothing if a request of the account was closed and is open again', async () => {
    const env = aStorm(4);
    const rendered = await renderDigest(env);
    const [first] = requests(1);
    if (first) env.put(recordItem({ ...first, approvalRequest: { ...approvalRequest, version: 9 } }));
    expect(await clickLabel(env, 'Approve all 2', { rendered })).toContain('out of date');
    expect(await outcomes(env, 4)).toEqual(['ask', 'ask', 'ask', 'ask']);
  });

  test('decides the rest if another person decided some of them, and says so', async () => {
    const env = aStorm(6);
    const rendered = await renderDigest(env);
    await env.command(`deny ${endpointId(1)} not a customer`, { user: 'U01BOB' });
    const answer = await clickLabel(env, 'Approve all 3', { rendered });
    expect(answer).toContain('2 of 2 decided');
    expect(answer).toContain('1 is no longer open');
    expect(await outcomes(env, 6)).toEqual(['reject', 'ask', 'accept', 'ask', 'accept', 'ask']);
    expect(await clickLabel(env, 'Approve all 3', { rendered })).toContain('Nothing is left to decide');
  });

  test('decides until the time limit, and a second click on the same message decides the rest', async () => {
    const env = aStorm(60);
    const rendered = await renderDigest(env);
    const { table } = env.slackDeps;
    env.slackDeps.table = {
      ...table,
      async write(writes) {
        env.advanceSeconds(0.1);
        return table.write(writes);
      },
    };
    const answer = await clickLabel(env, 'Approve all 30', { rendered });
    const accepted = (await outcomes(env, 60)).filter((outcome) => outcome === 'accept').length;
    expect(accepted).toBe(15);
    expect(answer).toContain('did not reach 15 in time');
    expect(await clickLabel(env, 'Approve all 30', { rendered })).toContain('15 of 15 decided');
    expect((await outcomes(env, 60)).filter((outcome) => outcome === 'accept')).toHaveLength(30);
  });

  test('shows in mode observe that linkgate does not change EC2', async () => {
    const env = aStorm(2);
    env.put(modeChangeItem(aModeChange({ mode: 'observe' })));
    expect(await clickLabel(env, 'Approve 1')).toContain('it does not change EC2');
  });

  test('with a quorum of two counts one approval of each person', async () => {
    const env = aStorm(4, { groups: [{ ...group, quorum: 2 }] });
    const answer = await clickLabel(env, 'Approve all 2');
    expect(answer).toContain('0 of 2 decided');
    expect(answer).toContain('linkgate recorded your decision for 2. Their status: 1 of 2 approvals');
    expect(await clickLabel(env, 'Approve all 2')).toContain('You have already approved them');
    expect(await clickLabel(env, 'Approve all 2', { user: 'U01BOB' })).toContain('2 of 2 decided');
    expect(await outcomes(env, 4)).toEqual(['accept', 'ask', 'accept', 'ask']);
  });

  test('shows requests whose account is blocked, which an approval does not override', async () => {
    const env = aStorm(4, { entries: [anEntry({ accountId: another, effect: 'block' })] });
    const buttons = listButtons(await renderDigest(env)).filter(({ value }) => value.includes(another));
    await env.click('all:approve', { value: buttons[0]?.value ?? '' });
    expect(env.answers[0]?.text).toContain(
      'linkgate recorded your decision for 2. Their status: Being rejected',
    );
  });

  test('shows once why an owner of the account cannot approve', async () => {
    const env = aStorm(6, {
      entries: [anEntry({ accountId: consumer, effect: 'block', owners: [slackAlice] })],
    });
    const answer = await clickLabel(env, 'Approve all 3');
    expect(answer).toContain(`${endpointId(1)} and 2 more: You own this account`);
    expect(answer.match(/You own/g)).toHaveLength(1);
  });

  test('continues after an error of one decision', async () => {
    const env = aStorm(4);
    const { table } = env.slackDeps;
    env.slackDeps.table = {
      ...table,
      write: async (writes) =>
        JSON.stringify(writes).includes(endpointId(1))
          ? Promise.reject(new Error('away'))
          : table.write(writes),
    };
    expect(await clickLabel(env, 'Approve all 2')).toContain('1 of 2 decided');
    expect(await outcomes(env, 4)).toEqual(['ask', 'ask', 'accept', 'ask']);
  });

  test('shows that a decision may be recorded if its write fails afterwards', async () => {
    const env = aStorm(1);
    const { table } = env.slackDeps;
    env.slackDeps.table = {
      ...table,
      write: async (writes) => {
        await table.write(writes);
        throw new Error('away');
      },
    };
    expect(await clickLabel(env, 'Approve 1')).toContain('Your decision may be recorded');
    expect(await outcomes(env, 1)).toEqual(['accept']);
  });

  test('says what to do if Slack does not open the modal', async () => {
    const env = aStorm(2);
    env.slackDeps.slack = { openView: () => Promise.reject(new Error('expired_trigger_id')) };
    expect(await clickLabel(env, 'Deny 1')).toContain('linkgate recorded no decision. Click again');
  });

  test.each<[string, Parameters<typeof clickLabel>[2], string, Parameters<typeof aStorm>[1]?]>([
    [
      'a group that decides only by API',
      {},
      'decides only on the command line',
      { groups: [{ ...group, decisionChannels: 'api' }] },
    ],
    ['a user who is no approver', { user: 'U01CAROL' }, 'The approvers are'],
    ['a user of another workspace', { team: 'T02OTHER' }, 'The approvers are'],
    ['a click on an outdated message', { message: outdatedMessage }, 'out of date'],
    ['an unknown digest', { value: JSON.stringify({ ...aButtonValue, digest: 'digest-9' }) }, 'this digest'],
    ['an endpoint outside the digest', { value: JSON.stringify(aButtonValue) }, 'out of date'],
    ['a value that is not its own', { value: '{"digest":"digest-1"}' }, 'does not know this button'],
    ['a value that is no JSON', { value: 'digest-1' }, 'does not know this button'],
  ])('decides nothing for %s, and the reply says why', async (_, how, expected, contents = {}) => {
    const env = aStorm(3, contents);
    expect(await clickLabel(env, 'Approve all 2', how)).toContain(expected);
    expect(await outcomes(env, 3)).toEqual(['ask', 'ask', 'ask']);
  });

  test('decides nothing for a forged form', async () => {
    const env = aStorm(3);
    const view = { type: 'modal', callback_id: 'digest', private_metadata: '{"digest":"digest-1"}' };
    const { json } = await env.submit(view, { reason: 'no' });
    expect(JSON.stringify(json)).toContain('does not know this form');
    expect(await outcomes(env, 3)).toEqual(['ask', 'ask', 'ask']);
  });
});

describe('a reminder', () => {
  const escalation = { ...group, name: 'leads', slackUsers: [{ team: homeTeam, user: 'U01CAROL' }] };

  test('mentions the approvers, and shows the deadline', () => {
    const text = reminderText(aView(), undefined, noon);
    expect(text).toMatch(/^<@U01ALICE> <@U01BOB> vpce-/);
    expect(text).toContain('at orders: It waits for approval until <!date^1795867200^');
  });

  test('mentions the escalation group after the deadline, each user once', () => {
    const text = reminderText(aView(), escalation, secondsAfterNoon(8 * 86_400));
    expect(text).toMatch(/^<@U01ALICE> <@U01BOB> <@U01CAROL> /);
    expect(reminderText(aView(), group, noon).match(/<@U01ALICE>/g)).toHaveLength(1);
  });

  test('shows that the escalation group cannot decide, unless its users are approvers', () => {
    const text = reminderText(aView(), escalation, noon);
    expect(text).toContain('The group leads is notified as the escalation group');
    expect(text).toContain('only the group default can decide');
    expect(reminderText(aView(), group, noon)).not.toContain('is notified');
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
