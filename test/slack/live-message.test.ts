import { describe, expect, test } from '@jest/globals';
import type { ConnectionRecord } from '../../lib/connection/connection-record.ts';
import { digestMessage } from '../../lib/slack/digest-message.ts';
import { digestPage } from '../../lib/slack/digest-modal.ts';
import { reminderText } from '../../lib/slack/reminder.ts';
import { requestMessage } from '../../lib/slack/request-message.ts';
import { askInModal } from '../../lib/slack/request-modal.ts';
import { readBlocks, readView } from '../../sandbox/slack/read-blocks.ts';
import { alice, aService, aVerdict, consumer, endpointId, noon } from '../builders.ts';
import {
  aForeign,
  anEnding,
  anOverdue,
  approvedToStay,
  calledOff,
  cutAt,
  cutByPerson,
  cutByPolicy,
  shownCut,
} from '../telling/live.ts';
import { anAskedRecord, aSlackWorld, asking, aView, group, shown } from './slack-world.ts';

const timeOfCut = `<!date^${new Date(cutAt).getTime() / 1000}^`;

function drawn(record: ConnectionRecord, view: Parameters<typeof aView>[0] = {}) {
  const message = requestMessage(aView({ record, ...view }), noon);
  const blocks = readBlocks(message.blocks);
  const buttons = blocks.flatMap((block) =>
    block.type === 'actions'
      ? block.elements.flatMap((element) => (element.type === 'button' ? [element.text.text] : []))
      : [],
  );
  return { ...message, all: JSON.stringify(blocks), buttons };
}

describe('a connection in its grace period', () => {
  test('shows when it is cut and why, with the buttons that a request has', () => {
    const { text, all, buttons } = drawn(anEnding());
    expect(text).toMatch(/^Will be cut: 022222222222 to orders/);
    expect(buttons).toEqual(['Approve', 'Approve and allow account', 'Deny']);
    for (const part of [
      `*Cut on:* ${timeOfCut}`,
      'unless somebody approves that it stays',
      '*Why it is to be cut*',
      'is not on the allowlist of orders',
      '*Approve* lets this connection stay',
      '*Deny* cuts it now, and for good',
      `linkgate keep ${endpointId(1)} --until`,
    ]) {
      expect(text).toContain(part);
      expect(all).toContain(JSON.stringify(part).slice(1, -1));
    }
    expect(all).toContain('This connection stays. What it asks of orders is then accepted');
  });

  test('tells who put the cut off, until when and why', () => {
    const kept = { by: alice, at: noon.toISOString(), until: cutAt, reason: 'they migrate' };
    expect(drawn(anEnding({ kept })).text).toContain(`*Put off until* ${timeOfCut}`);
    expect(drawn(anEnding({ kept })).text).toContain('they migrate');
  });

  test('says while the mode is observe that nothing is cut', () => {
    expect(drawn(anEnding(), { mode: 'observe' }).text).toContain('EC2 is left as it is');
    expect(drawn(anEnding(cutByPolicy), { mode: 'observe' }).text).toMatch(/^Decided, not applied/);
  });

  test('waits while its service is paused', () => {
    const paused = aVerdict('wait', {
      findings: [{ rule: 'service-is-paused', outcome: 'wait', reason: 'orders is paused' }],
    });
    expect(drawn(anEnding({ verdict: paused })).text).toMatch(
      /^On hold: [\s\S]*It is connected, and stays so until what keeps everything is over\. orders is paused\./,
    );
  });
});

describe('a connection that people are asked about', () => {
  test.each([
    ['since others accepted it', aForeign(), 'somebody accepted it without linkgate'],
    ['since no more may be cut', anOverdue(), 'its time was over'],
  ])('%s stays until somebody decides', (_, record, why) => {
    const { text, buttons } = drawn(record);
    expect(text).toMatch(/^To be decided: 022222222222 to orders/);
    expect(text).toContain(why);
    expect(text).toContain('It is connected, and stays so until somebody decides.');
    expect(text).not.toContain('Cut on');
    expect(text).not.toContain('rejected for good');
    expect(buttons).toHaveLength(3);
  });
});

describe('a connection that was in question', () => {
  test.each<[string, ConnectionRecord, RegExp]>([
    [
      'was approved',
      anEnding(approvedToStay),
      /^Stays connected: [\s\S]*\*Approved\* by [\s\S]*renewed\nIt stays connected\./,
    ],
    ['is allowed again', calledOff(), /^Stays connected: [\s\S]*\*Accepted by policy\* by linkgate/],
    [
      'is being cut',
      anEnding(cutByPolicy),
      /^Being cut: [\s\S]*\*Cut by policy\* by linkgate[\s\S]*the message changes once AWS shows/,
    ],
    ['was cut', shownCut(cutByPolicy), /^Cut: [\s\S]*It was cut: AWS shows it rejected\./],
    ['was denied', shownCut(cutByPerson), /^Cut: [\s\S]*\*Denied\* by [\s\S]*contract ended/],
  ])('and %s has no buttons, and says what became of it', (_, record, told) => {
    const { text, buttons } = drawn(record);
    expect(text).toMatch(told);
    expect(buttons).toEqual([]);
  });

  test('counts among the account’s earlier ones as what became of it', () => {
    const { text } = drawn(anAskedRecord(), { earlier: [shownCut(cutByPolicy)] });
    expect(text).toContain('1 endpoint: 1 cut\n');
    expect(text).toContain(`Last: ${endpointId(1)} cut by linkgate`);
  });
});

describe('what time brings', () => {
  const late = (stage: 'escalated' | 'expired') => anAskedRecord({ asking: { ...asking, stage } });

  test('is an escalation only where a group stands behind the one that was asked', () => {
    expect(drawn(late('escalated')).text).toContain('Time runs out: the approvers were reminded.');
    expect(drawn(late('expired')).text).toContain('Time is over: the approvers were reminded.');
    const { text } = drawn(late('escalated'), { group: { ...group, escalateTo: 'leads' } });
    expect(text).toContain('Time runs out: it was escalated to leads.');
  });

  test('is told below the message in the words of what is at stake', () => {
    expect(reminderText(aView({ record: anEnding() }), undefined, noon)).toContain(
      `will be cut on ${timeOfCut}`,
    );
    expect(reminderText(aView({ record: aForeign() }), undefined, noon)).toContain(
      'is connected and still to be decided at orders',
    );
  });
});

describe('what is told of connections together', () => {
  const digest = {
    id: 'digest-1',
    group,
    records: [anOverdue(), anOverdue({ endpointId: endpointId(2) })],
    services: [aService()],
  };

  test('says why people are asked', () => {
    expect(digestMessage(digest, noon).text).toContain(
      '*Why*\n• its time was over, and linkgate cuts only so many: a person decides: 2',
    );
  });

  test('says of a time that is over that it was', () => {
    expect(reminderText(digest, undefined, noon)).toContain('The first time runs out on <!date^');
    expect(reminderText(digest, undefined, new Date('2027-01-01T12:00:00Z'))).toContain(
      'The first time ran out on <!date^',
    );
  });
});

describe('the modal of a decision', () => {
  const metadata = { value: 'x', channel: shown.channel, ts: shown.ts } as const;

  test.each([
    ['deny', 'Cut the connection', 'is cut now'],
    ['approve', 'Let it stay connected', 'it stays connected'],
  ] as const)('to %s says what becomes of the connection', (decision, title, meaning) => {
    const view = askInModal(aView({ record: anEnding() }), { ...metadata, decision });
    readView(view);
    expect(JSON.stringify(view)).toContain(title);
    expect(JSON.stringify(view)).toContain(meaning);
  });
});

describe('a digest of connections', () => {
  const ending = (count: number, from = 1) =>
    Array.from({ length: count }, (_, index) => anEnding({ endpointId: endpointId(from + index) }));
  const digestOf = (records: readonly ConnectionRecord[]) => ({
    id: 'digest-1',
    group,
    records,
    services: [aService()],
  });

  test('says how many will be cut, whose they are, and when the first is', () => {
    const { text, blocks } = digestMessage(digestOf(ending(100)), noon);
    readBlocks(blocks);
    expect(text).toMatch(/^100 connections will be cut\n/);
    for (const part of [
      '• Will be cut: 100',
      `*Accounts*\n• ${consumer}: 100`,
      '*Services*',
      `to be cut on* ${timeOfCut}`,
    ])
      expect(text).toContain(part);
  });

  test('counts what is left, and says when all is decided', () => {
    const [first, ...others] = ending(3);
    const decided = { ...(first ?? anEnding()), ...approvedToStay };
    expect(digestMessage(digestOf([decided, ...others]), noon).text).toMatch(
      /^2 of 3 connections will be cut\n/,
    );
    const cut = ending(3).map((record) => ({ ...record, ...cutByPolicy }));
    const told = digestMessage(digestOf(cut), noon).text;
    expect(told).toMatch(/^All of 3 connections are decided\n/);
    expect(told).toContain('Being cut: 3');
  });

  test('tells requests and connections apart where both are in it', () => {
    const request = anAskedRecord({ endpointId: endpointId(90) });
    const records = [request, ...ending(2), aForeign({ endpointId: endpointId(91) })];
    const { text } = digestMessage(digestOf(records), noon);
    expect(text).toMatch(
      /^1 request waits for approval, 2 connections will be cut, 1 connection is to be decided\n/,
    );
    expect(reminderText(digestOf(records), undefined, noon)).toContain(
      'Still to be decided: 1 request waits for approval, 2 connections will be cut',
    );
    const page = JSON.stringify(
      digestPage(digestOf(records), { digest: 'digest-1', ...shown, members: 4, page: 0, round: 0 }),
    );
    expect(page).toContain('Of a connection: *Approve* lets it stay, *Deny* cuts it now.');
    expect(page).toContain(`${endpointId(1)} in us-east-1, connected`);
  });
});

describe('by Slack a connection in its grace period', () => {
  const aWorldOf = (record: ConnectionRecord) =>
    aSlackWorld({ records: [{ ...record, notice: { slack: shown, mailed: [] } }] });

  test('is listed with when it is cut', async () => {
    const { json } = await aWorldOf(anEnding()).command('waiting');
    expect(JSON.stringify(json)).toContain(`connected, and cut on ${timeOfCut}`);
  });

  test('stays where somebody clicks Approve', async () => {
    const world = aWorldOf(anEnding());
    await world.click('approve');
    expect(world.answers.at(-1)?.text).toMatch(/You approved it\.[\s\S]*It stays connected\./);
    expect(await world.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'accept' } });
  });

  test('is cut at once where somebody denies it', async () => {
    const world = aWorldOf(anEnding());
    await world.click('deny');
    await world.submit(world.views.at(-1), { reason: 'contract ended' });
    expect(await world.record(endpointId(1))).toMatchObject({ effect: { action: 'reject' } });
  });
});
