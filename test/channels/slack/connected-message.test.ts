import { describe, expect, test } from '@jest/globals';
import { buttonValue } from '../../../lib/channels/slack/actions.ts';
import { digestMessage } from '../../../lib/channels/slack/digest-message.ts';
import { reminderText } from '../../../lib/channels/slack/reminder.ts';
import { requestMessage } from '../../../lib/channels/slack/request-message.ts';
import type { ConnectionRecord } from '../../../lib/connections/connection-record.ts';
import { readBlocks } from '../../../sandbox/slack/read-blocks.ts';
import { anEntry, aService, consumer, endpointId, noon } from '../../builders.ts';
import {
  aDisconnected,
  anExternallyAccepted,
  anOverQuotaDisconnect,
  approvedByPerson,
  aScheduledDisconnect,
  disconnectAt,
  disconnectedByPerson,
  disconnectedByPolicy,
} from '../../notifications/connected-fixtures.ts';
import { anAwaitingRecord, aView, createSlackTestEnv, group, slackAlice } from './fixtures.ts';

const disconnectTime = `<!date^${new Date(disconnectAt).getTime() / 1000}^`;

function renderMessage(record: ConnectionRecord, view: Parameters<typeof aView>[0] = {}) {
  const message = requestMessage(aView({ record, ...view }), noon);
  const blocks = readBlocks(message.blocks);
  const buttons = blocks.flatMap((block) =>
    block.type === 'actions'
      ? block.elements.flatMap((element) => (element.type === 'button' ? [element.text.text] : []))
      : [],
  );
  return { ...message, all: JSON.stringify(blocks), buttons };
}

describe('the message about a connection', () => {
  test('in its grace period shows the disconnect time and the reasons, with a button and its effect for each action', () => {
    const { text, all, buttons } = renderMessage(aScheduledDisconnect());
    expect(text).toMatch(/^Disconnect scheduled: 022222222222 to orders/);
    expect(buttons).toEqual(['Keep connected', 'Extend 14 days', 'Disconnect now']);
    for (const part of [
      `*Disconnect on:* ${disconnectTime}`,
      '*Why linkgate disconnects it*\n• ',
      `*Extend 14 days:* linkgate keeps ${endpointId(1)} of account ${consumer} connected until <!date^1796731200^`,
    ]) {
      expect(text).toContain(part);
      expect(all).toContain(JSON.stringify(part).slice(1, -1));
    }
    expect(text).not.toMatch(/\b(approve|deny)\b/i);
    expect(text).toContain(`linkgate revoke ${endpointId(1)} --now`);
  });

  test.each<[string, ConnectionRecord, string, string[]]>([
    [
      'accepted outside linkgate',
      anExternallyAccepted(),
      'Decision needed',
      ['Keep connected', 'Disconnect now'],
    ],
    [
      'beyond the disconnect quota',
      anOverQuotaDisconnect(),
      'Decision needed',
      ['Keep connected', 'Extend 14 days', 'Disconnect now'],
    ],
    ['that a person kept', aScheduledDisconnect(approvedByPerson), 'Stays connected', []],
    ['that policy disconnects', aScheduledDisconnect(disconnectedByPolicy), 'Being disconnected', []],
    ['that is disconnected', aDisconnected(disconnectedByPerson), 'Disconnected', []],
  ])('%s has the status as its title, and a button for each open action', (_, record, title, labels) => {
    const { text, buttons } = renderMessage(record);
    expect(text).toContain(`${title}: 022222222222 to orders`);
    expect(text).not.toContain('Disconnect on');
    expect(buttons).toEqual(labels);
  });
});

describe('a digest of connections', () => {
  const createScheduledDisconnects = (count: number, from = 1) =>
    Array.from({ length: count }, (_, index) =>
      aScheduledDisconnect({ endpointId: endpointId(from + index) }),
    );
  const buildDigest = (records: readonly ConnectionRecord[]) => ({
    id: 'digest-1',
    group,
    records,
    services: [aService()],
    customers: new Map<string, string>(),
  });

  test('of overdue connections counts the reasons, and shows a passed deadline in the past tense', () => {
    const overdue = [1, 2].map((number) => anOverQuotaDisconnect({ endpointId: endpointId(number) }));
    expect(digestMessage(buildDigest(overdue), noon).text).toContain(
      '*Reasons*\n• its grace period is over, but the disconnect quota of orders for 24 hours is used up: a person decides: 2',
    );
    const remind = (now: Date) => reminderText(buildDigest(overdue), undefined, now);
    expect(remind(noon)).toContain('The first deadline is <!date^');
    expect(remind(new Date('2027-01-01T12:00:00Z'))).toContain('The first deadline was <!date^');
  });

  test('counts scheduled disconnects by account, and shows the first disconnect time', () => {
    const { text, blocks } = digestMessage(buildDigest(createScheduledDisconnects(100)), noon);
    readBlocks(blocks);
    expect(text).toMatch(/^100 connections will be disconnected\n/);
    for (const part of [
      '• Disconnect scheduled: 100',
      `${consumer}: *100 connections will be disconnected*`,
      '*Services*',
      `*First disconnect:* ${disconnectTime}`,
    ])
      expect(text).toContain(part);
  });

  test('counts the open connections, and shows when all are decided', () => {
    const [first, ...remaining] = createScheduledDisconnects(3);
    const decidedRecord = { ...(first ?? aScheduledDisconnect()), ...approvedByPerson };
    expect(digestMessage(buildDigest([decidedRecord, ...remaining]), noon).text).toMatch(
      /^2 of 3 connections will be disconnected\n/,
    );
    const disconnected = createScheduledDisconnects(3).map((record) => ({
      ...record,
      ...disconnectedByPolicy,
    }));
    const allDecided = digestMessage(buildDigest(disconnected), noon).text;
    expect(allDecided).toMatch(/^All 3 connections are decided\n/);
    expect(allDecided).toContain('Being disconnected: 3');
  });

  test('counts requests and connections separately', () => {
    const request = anAwaitingRecord({ endpointId: endpointId(90) });
    const records = [
      request,
      ...createScheduledDisconnects(2),
      anExternallyAccepted({ endpointId: endpointId(91) }),
    ];
    const { text } = digestMessage(buildDigest(records), noon);
    expect(text).toMatch(
      /^1 request waits for approval, 2 connections will be disconnected, 1 connection needs a decision\n/,
    );
    expect(reminderText(buildDigest(records), undefined, noon)).toContain(
      'Decisions needed: 1 request waits for approval, 2 connections will be disconnected',
    );
  });
});

describe('a button for a connected endpoint', () => {
  const listButtons = (record: ConnectionRecord) =>
    readBlocks(requestMessage(aView({ record }), noon).blocks).flatMap((block) =>
      block.type === 'actions' ? block.elements.filter((element) => element.type === 'button') : [],
    );

  test('has a confirmation with its effect, except Disconnect now, whose modal shows it', () => {
    const endpointText = `${endpointId(1)} of account ${consumer}`;
    expect(
      listButtons(aScheduledDisconnect()).map(({ text, confirm }) => [text.text, confirm?.text.text]),
    ).toEqual([
      [
        'Keep connected',
        `linkgate keeps ${endpointText} connected permanently and does not change the allowlist.`,
      ],
      [
        'Extend 14 days',
        `linkgate keeps ${endpointText} connected until 8 Dec 2026, 12:00 UTC and disconnects it then, unless somebody decides otherwise.`,
      ],
      ['Disconnect now', undefined],
    ]);
  });

  test('has a confirmation that is not truncated to the limits of Slack', () => {
    for (const record of [aScheduledDisconnect(), anOverQuotaDisconnect(), anExternallyAccepted()])
      for (const { confirm } of listButtons(record)) {
        for (const part of [confirm?.title.text, confirm?.text.text, confirm?.confirm.text])
          expect(part ?? '').not.toMatch(/…$/);
      }
  });
});

describe('in Slack, a connection in its grace period', () => {
  const createEnvWith = (record: ConnectionRecord, contents: Parameters<typeof createSlackTestEnv>[0] = {}) =>
    createSlackTestEnv({ ...contents, records: [record] });
  const value = buttonValue(aScheduledDisconnect()) ?? '';
  const extendedTo = '2026-12-08T12:00:00.000Z';

  test('is listed with its disconnect time', async () => {
    const { json } = await createEnvWith(aScheduledDisconnect()).command('waiting');
    expect(JSON.stringify(json)).toContain(`connected, scheduled disconnect on ${disconnectTime}`);
  });

  test('stays permanently after a click on Keep connected', async () => {
    const env = createEnvWith(aScheduledDisconnect());
    await env.click('keep-connected', { value });
    expect(env.answers.at(-1)?.text).toMatch(/You kept the connection\.[\s\S]*It stays connected\./);
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('is disconnected immediately after Disconnect now with a reason', async () => {
    const env = createEnvWith(aScheduledDisconnect());
    await env.click('disconnect-now', { value });
    expect(JSON.stringify(env.views.at(-1))).toContain('at once. The endpoint stays rejected');
    // The modal says only once that the endpoint stays rejected.
    expect(JSON.stringify(env.views.at(-1)).match(/stays rejected/g)).toHaveLength(1);
    const { json } = await env.submit(env.views.at(-1), {});
    expect(json).toEqual({ response_action: 'errors', errors: { reason: 'A reason is required' } });
    await env.submit(env.views.at(-1), { reason: 'contract ended' });
    expect(await env.record(endpointId(1))).toMatchObject({ pendingEffect: { action: 'reject' } });
  });

  test('stays 14 days longer after a click on Extend 14 days, and not longer after a second click', async () => {
    const env = createEnvWith(aScheduledDisconnect(), { services: [aService({ requireTicket: true })] });
    await env.click('extend-14-days', { value });
    expect(env.answers.at(-1)?.text).toMatch(
      /You extended the connection by 14 days\.[\s\S]*\*Extended until\*/,
    );
    expect(await env.record(endpointId(1))).toMatchObject({
      extended: { by: slackAlice, until: extendedTo },
      revocation: { disconnectAt: extendedTo },
      verdict: { outcome: 'reject', until: extendedTo },
    });
    expect((await env.actions(endpointId(1))).at(-1)).toBe('extended');
    await env.click('extend-14-days', { value, user: 'U01BOB' });
    expect(env.answers.at(-1)?.text).toContain('This message is out of date');
    expect(await env.record(endpointId(1))).toMatchObject({ revocation: { disconnectAt: extendedTo } });
  });

  test('is extended from now after its disconnect time has passed', async () => {
    const env = createEnvWith(anOverQuotaDisconnect());
    await env.click('extend-14-days', { value: buttonValue(anOverQuotaDisconnect()) ?? '' });
    const { revocation } = (await env.record(endpointId(1))) ?? {};
    expect(revocation).toMatchObject({ disconnectAt: '2026-12-05T12:00:00.000Z' });
    expect(revocation?.overQuota).toBeUndefined();
  });

  test.each(['keep-connected', 'extend-14-days', 'disconnect-now'])(
    'cannot be decided by non-approvers, guests and account owners: %s',
    async (button) => {
      const owned = anEntry({ effect: 'block', owners: [slackAlice] });
      const env = createEnvWith(aScheduledDisconnect(), {
        entries: button === 'disconnect-now' ? [] : [owned],
      });
      const before = await env.record(endpointId(1));
      await env.click(button, { value, user: 'U01CAROL' });
      await env.click(button, { value, user: 'U01ALICE', team: 'T02OTHER' });
      if (button !== 'disconnect-now') await env.click(button, { value });
      expect(env.answers.map(({ text }) => text)).toEqual([
        expect.stringContaining('You cannot decide this'),
        expect.stringContaining('You cannot decide this'),
        ...(button === 'disconnect-now' ? [] : [expect.stringContaining('You own this account')]),
      ]);
      expect(env.views).toEqual([]);
      expect(await env.record(endpointId(1))).toEqual(before);
    },
  );

  test.each([
    ['of an earlier approval request', 'extend-14-days', `${endpointId(1)}.2.1795521600000`],
    ['from before an extension', 'keep-connected', `${endpointId(1)}.3.1`],
    ['to approve a new connection', 'approve', value],
    ['to deny a new connection', 'deny', value],
  ])('is not decided by a button %s', async (_, button, stale) => {
    const env = createEnvWith(aScheduledDisconnect());
    const before = await env.record(endpointId(1));
    await env.click(button, { value: stale });
    expect(env.answers.at(-1)?.text).toMatch(/This message is out of date|This button is out of date/);
    expect(env.answers.at(-1)?.text).toContain(`linkgate extend ${endpointId(1)} --until 14d`);
    expect(env.views).toEqual([]);
    expect(await env.record(endpointId(1))).toEqual(before);
  });

  test.each(['approve', 'deny'])(
    'is not decided by /linkgate %s, which shows the commands',
    async (command) => {
      const env = createEnvWith(aScheduledDisconnect());
      const before = await env.record(endpointId(1));
      const { json } = await env.command(`${command} ${endpointId(1)} contract ended`);
      for (const command of ['extend', 'allow', 'revoke'])
        expect(JSON.stringify(json)).toContain(`linkgate ${command} `);
      expect(await env.record(endpointId(1))).toEqual(before);
    },
  );
});
