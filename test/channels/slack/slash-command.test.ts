import { describe, expect, test } from '@jest/globals';
import { entryItem, entryKey, readEntry } from '../../../lib/allowlist/entry.ts';
import { slackAppManifest } from '../../../lib/channels/slack/manifest.ts';
import { serviceItem } from '../../../lib/services/service.ts';
import { anEntry, aService, consumer, endpointId, serviceId } from '../../builders.ts';
import {
  anAwaitingRecord,
  createSlackTestEnv,
  group,
  type SlackTestEnv,
  slackAlice,
  slackBob,
} from './fixtures.ts';

async function runCommand(
  env: SlackTestEnv,
  text: string,
  user?: { user?: string; team?: string },
): Promise<string> {
  const { statusCode, json } = await env.command(text, user);
  expect(statusCode).toBe(200);
  expect(json).toMatchObject({ response_type: 'ephemeral' });
  return (json as { text: string }).text;
}

async function readStoredEntry(env: SlackTestEnv) {
  const [item] = await env.table.get([entryKey(serviceId(1), consumer)]);
  return item && readEntry(item);
}

function manyRecords(count: number) {
  return Array.from({ length: count }, (_, index) => anAwaitingRecord({ endpointId: endpointId(index + 1) }));
}

describe('/linkgate waiting', () => {
  test('lists the requests that wait for the user, ten on each page', async () => {
    const env = createSlackTestEnv({ records: manyRecords(12) });
    const first = await runCommand(env, 'waiting');
    expect(first.match(/vpce-/g)).toHaveLength(10);
    expect(first).toContain('/linkgate waiting 2');
    const second = await runCommand(env, 'waiting 2');
    expect(second.match(/vpce-/g)).toHaveLength(2);
    expect(second).not.toContain('/linkgate waiting 3');
    expect(await runCommand(env, 'waiting 3')).toContain('No request waits for your decision');
  });

  test('shows nothing to a user in no approver group', async () => {
    expect(await runCommand(createSlackTestEnv(), 'waiting', { user: 'U01CAROL' })).toContain(
      'no approver group',
    );
  });
});

describe('/linkgate show', () => {
  test('shows the text of the message, and names only the approvers to a user who is none', async () => {
    expect(await runCommand(createSlackTestEnv(), `show ${endpointId(1)}`)).toContain(
      'account is not on the allowlist',
    );
    const reply = await runCommand(createSlackTestEnv(), `show ${endpointId(1)}`, { team: 'T02OTHER' });
    expect(reply).toContain('The approvers are <@U01ALICE>');
    expect(reply).not.toContain(consumer);
  });
});

describe('/linkgate approve and deny', () => {
  test('approve a request with or without a reason', async () => {
    const env = createSlackTestEnv();
    expect(await runCommand(env, `approve ${endpointId(1)} our  customer`)).toContain(
      'You approved the request.',
    );
    expect(await env.record(endpointId(1))).toMatchObject({
      personDecision: { by: slackAlice, reason: 'our customer' },
    });
  });

  test('deny a request only with a reason', async () => {
    const env = createSlackTestEnv();
    expect(await runCommand(env, `deny ${endpointId(1)}`)).toContain('needs a reason');
    expect(await runCommand(env, `deny ${endpointId(1)} unknown to us`)).toContain('You denied the request.');
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'reject' } });
    expect(await runCommand(env, `approve ${endpointId(1)}`)).toContain('no longer open');
    expect(await runCommand(env, 'waiting')).toContain('No request waits for your decision');
  });

  test.each([
    '--ticket CHG-7 our customer',
    '—ticket CHG-7 our customer',
    '–ticket CHG-7 our customer',
    '--ticket=CHG-7 our customer',
    'our customer --ticket=CHG-7',
    'our —ticket=CHG-7 customer',
  ])('take a ticket written `%s`, as the command line does and some keyboards write it', async (text) => {
    const env = createSlackTestEnv({ services: [aService({ requireTicket: true })] });
    expect(await runCommand(env, `approve ${endpointId(1)}`)).toContain('requires a ticket id');
    await runCommand(env, `approve ${endpointId(1)} ${text}`);
    expect(await env.record(endpointId(1))).toMatchObject({
      personDecision: { ticket: 'CHG-7', reason: 'our customer' },
    });
  });

  test.each([
    ['approve', '--tikcet CHG-7', 'no option `--tikcet`'],
    ['deny', 'spam --reason=spam', 'no option `--reason`'],
    ['approve', '--ticket', '`--ticket` needs a value'],
    ['approve', '--ticket=', '`--ticket` needs a value'],
    ['approve', '--ticket=\u200b', 'a ticket has an id'],
    ['deny', '\u200b \u3164', 'A denial needs a reason'],
    ['deny', '😀'.repeat(1001), 'Shorten it to 1,000 characters'],
    ['approve', `--ticket=${'x'.repeat(101)}`, 'Shorten it to 100 characters'],
  ])('decide nothing for `%s vpce-… %s`, and show the error', async (decision, text, expected) => {
    const env = createSlackTestEnv();
    expect(await runCommand(env, `${decision} ${endpointId(1)} ${text}`)).toContain(expected);
    expect((await env.record(endpointId(1)))?.personDecision).toBeUndefined();
  });

  test('are only for approvers', async () => {
    const env = createSlackTestEnv();
    const carol = { user: 'U01CAROL' };
    expect(await runCommand(env, `approve ${endpointId(1)}`, carol)).toContain('The approvers are');
    expect(await runCommand(env, `deny ${endpointId(1)} no`, carol)).toContain('The approvers are');
    expect(await env.record(endpointId(1))).toMatchObject({ verdict: { outcome: 'ask' } });
  });

  test('require an endpoint that linkgate knows', async () => {
    expect(await runCommand(createSlackTestEnv(), 'approve <@U01BOB>')).toContain('Enter an endpoint id');
    expect(await runCommand(createSlackTestEnv(), `approve ${endpointId(9)}`)).toContain(
      'does not know this request',
    );
  });
});

describe('/linkgate allow', () => {
  test.each(['prototype', 'constructor', 'toString'])('takes %s as a service name', async (name) => {
    expect(await runCommand(createSlackTestEnv(), `allow ${consumer} ${name}`)).toBe(
      `linkgate does not know the service ${name}.`,
    );
    const env = createSlackTestEnv({ services: [aService({ name })] });
    expect(await runCommand(env, `allow ${consumer} ${name}`)).toContain(`on the allowlist of ${name}`);
    expect(await readStoredEntry(env)).toMatchObject({ effect: 'allow' });
  });

  test('adds an account to the allowlist, permanently or with an expiry', async () => {
    const env = createSlackTestEnv();
    expect(await runCommand(env, `allow ${consumer} orders`)).toContain('is on the allowlist of orders.');
    expect(await readStoredEntry(env)).toMatchObject({ effect: 'allow', changedBy: slackAlice });
    await runCommand(env, `allow ${consumer} ${serviceId(1)} 30d`);
    expect(await readStoredEntry(env)).toMatchObject({ expiresAt: '2026-12-21T12:00:00.000Z' });
    await runCommand(env, `allow ${consumer} orders 2027-01-31`);
    expect(await readStoredEntry(env)).toMatchObject({ expiresAt: '2027-01-31T23:59:59.999Z' });
  });

  test('prefers a service id to a service name', async () => {
    const env = createSlackTestEnv();
    env.put(serviceItem(aService({ serviceId: serviceId(2), name: serviceId(1) })));
    env.put(serviceItem(aService({ serviceId: serviceId(3), name: '*' })));
    expect(await runCommand(env, `allow ${consumer} ${serviceId(1)}`)).toContain(
      'is on the allowlist of orders.',
    );
    expect(await runCommand(env, `allow ${consumer} *`)).toContain('does not know the service *.');
  });

  const orders = `${consumer} orders`;
  test.each<[string, string, string, Parameters<typeof createSlackTestEnv>[0]]>([
    ['an unknown option', `${orders} --expires=30d`, 'no option `--expires`', {}],
    ['a malformed account id', '12 orders', 'account id of 12 digits', {}],
    ['a service that is not registered', `${consumer} others`, 'does not know the service others', {}],
    ['an expiry in the past', `${orders} 2020-01-01`, 'a time in the future', {}],
    ['a malformed expiry', `${orders} soon`, 'a time in the future', {}],
    [
      'an incomplete UTC offset',
      `${orders} 2099-01-31T12:00:00+02`,
      'a date-time such as 2027-01-31T12:00:00Z',
      {},
    ],
    ['a day that does not exist', `${orders} 2099-02-30`, 'there is no day 2099-02-30', {}],
    [
      'a user who is no approver',
      orders,
      'The approvers are',
      { groups: [{ ...group, slackUsers: group.slackUsers.slice(1) }] },
    ],
    [
      'a service that requires tickets',
      orders,
      'Approve and allow account',
      { services: [aService({ requireTicket: true })] },
    ],
    [
      'one approver of a group with a quorum of two',
      orders,
      'cannot allow an account alone',
      { groups: [{ ...group, quorum: 2 }] },
    ],
    [
      'a group that decides only by API',
      orders,
      'cannot allow an account alone',
      { groups: [{ ...group, decisionChannels: 'api' }] },
    ],
  ])('changes nothing for %s, and names the reason', async (_, text, expected, contents) => {
    const env = createSlackTestEnv(contents);
    expect(await runCommand(env, `allow ${text}`)).toContain(expected);
    expect(await readStoredEntry(env)).toBeUndefined();
  });

  test('changes nothing for an owner of the account, and keeps the owners if another approver changes the entry', async () => {
    const env = createSlackTestEnv({ entries: [anEntry({ effect: 'allow', owners: [slackAlice] })] });
    expect(await runCommand(env, `allow ${consumer} orders`)).toContain('You own this account');
    await runCommand(env, `allow ${consumer} orders`, { user: 'U01BOB' });
    expect(await readStoredEntry(env)).toMatchObject({ changedBy: slackBob, owners: [slackAlice] });
  });

  test('does not remove a concurrent block', async () => {
    const env = createSlackTestEnv();
    const { get } = env.table;
    const blocks = [() => env.put(entryItem(anEntry({ effect: 'block', note: 'fraud' })))];
    env.slackDeps.table = {
      ...env.table,
      async get(keys) {
        const items = await get(keys);
        if (keys.some(({ sk }) => sk === consumer)) blocks.pop()?.();
        return items;
      },
    };
    expect(await runCommand(env, `allow ${consumer} orders`)).toContain('Somebody changed the entry');
    expect(await readStoredEntry(env)).toMatchObject({ effect: 'block', note: 'fraud' });
  });

  test.each([
    [serviceId(1), 'orders'],
    ['*', "'*'"],
  ])('does not remove a block at `%s`, and shows the command that does', async (at, serviceOption) => {
    const blocked = anEntry({ serviceId: at, effect: 'block' });
    const env = createSlackTestEnv({ entries: [blocked] });
    expect(await runCommand(env, `allow ${consumer} orders`)).toContain(
      `linkgate allowlist remove ${consumer} --service ${serviceOption}`,
    );
    const [item] = await env.table.get([entryKey(at, consumer)]);
    expect(item && readEntry(item)).toEqual(blocked);
  });

  test.each([
    [serviceId(1), 'It replaces the current entry'],
    ['*', 'At this service it replaces the entry at every service'],
  ])('shows the entry that it replaces at `%s`', async (at, explanation) => {
    const narrowed = { endpointIds: [endpointId(1)], consumerRegions: ['eu-west-1'], maxEndpoints: 3 };
    const env = createSlackTestEnv({ entries: [anEntry({ serviceId: at, ...narrowed })] });
    expect(await runCommand(env, `allow ${consumer} orders`)).toContain(
      `${explanation}: allow, for 1 endpoint alone, only in eu-west-1, at most 3 endpoints.`,
    );
  });
});

test.each(['', 'help', 'what', 'constructor'])('`/linkgate %s` lists the commands', async (text) => {
  expect(await runCommand(createSlackTestEnv(), text)).toContain('/linkgate deny');
});

test('the app manifest requests only the used scopes, and one URL', () => {
  const manifest = slackAppManifest('https://example.com/slack', 'prod');
  expect(manifest.oauth_config.scopes.bot).toEqual(['chat:write', 'commands']);
  expect(manifest.settings.interactivity).toEqual({
    is_enabled: true,
    request_url: 'https://example.com/slack',
  });
  expect(manifest.features.slash_commands).toMatchObject([
    { command: '/linkgate', url: 'https://example.com/slack' },
  ]);
  expect(manifest.settings).not.toHaveProperty('event_subscriptions');
});
