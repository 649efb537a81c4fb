import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  accounts,
  createEndpoint,
  createService,
  describeState,
  type Sandbox,
  startSandbox,
  waitUntil,
} from './sandbox.ts';

const { unknown, counted } = accounts;

const channel = 'C01APPROVALS';
const alice = { user: 'U01ALICE', team: 'T01LOCAL' };
const bob = { user: 'U01BOB', team: 'T01LOCAL' };
const carol = { user: 'U01CAROL', team: 'T01LOCAL' };
const mallory = { user: 'U01MALLORY', team: 'T02OTHER' };

interface Message {
  readonly ts: string;
  readonly text: string;
  readonly blocks?: readonly {
    readonly type: string;
    readonly elements?: readonly {
      readonly type: string;
      readonly action_id: string;
      readonly text?: { readonly text: string };
      readonly confirm?: { readonly text: { readonly text: string } };
    }[];
  }[];
}

interface Shown {
  readonly status?: number;
  readonly ephemeral?: readonly { readonly text: string }[];
  readonly errors?: Readonly<Record<string, string>>;
  readonly closed?: true;
}

interface Explanation {
  readonly verdict: { readonly outcome: string } | null;
  readonly history: readonly {
    readonly action: string;
    readonly actor: string;
    readonly reason?: string;
    readonly ticket?: string;
  }[];
}

let sandbox: Sandbox;
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
}, 60_000);
afterAll(() => sandbox.stop());
afterEach(async () => {
  // Resets the notification throttle, so that tests do not affect each other.
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 360 });
  await sandbox.ask('DELETE', '/_sandbox/faults');
  await sandbox.json('service', 'add', serviceId, '--no-require-ticket', '--on-expiry', 'escalate');
  await sandbox.json(...defaultGroup);
  await sandbox.idle();
});

const defaultGroup = [
  ...['approvers', 'set', 'default', '--slack-channel', channel, '--email', 'approver@example.com'],
  ...['--slack-user', 'T01LOCAL:U01ALICE', '--slack-user', 'T01LOCAL:U01BOB'],
];

/** Creates an endpoint and waits for the approvers' message. */
async function ask(accountId = unknown): Promise<string> {
  const endpointId = await createEndpoint(sandbox, accountId, serviceId);
  await sandbox.idle();
  return endpointId;
}

async function messages(): Promise<readonly Message[]> {
  const path = `/slack/messages?channel=${channel}`;
  return (await sandbox.ask<{ messages: readonly Message[] }>('GET', path)).messages;
}

const about = async (endpointId: string) =>
  (await messages()).filter((message) => JSON.stringify(message).includes(endpointId));

async function messageOf(endpointId: string): Promise<Message> {
  const found = await about(endpointId);
  expect(found).toHaveLength(1);
  return found[0] as Message;
}

function buttonsOf({ blocks = [] }: Message) {
  const elements = blocks.flatMap((block) => (block.type === 'actions' ? (block.elements ?? []) : []));
  return elements.filter(({ type }) => type === 'button');
}

/** Clicks a button of a request's message by its label. */
async function click(
  message: Message,
  label: string,
  who: typeof alice,
  view_values?: Readonly<Record<string, unknown>>,
): Promise<Shown> {
  const action_id = buttonsOf(message).find(({ text }) => text?.text === label)?.action_id;
  const shown = await sandbox.ask<Shown>('POST', '/slack/click', {
    ...who,
    channel,
    ts: message.ts,
    action_id,
    view_values,
  });
  await sandbox.idle();
  return shown;
}

const told = ({ ephemeral = [] }: Shown) => ephemeral.map(({ text }) => text).join('\n');
const historyOf = async (endpointId: string) =>
  (await sandbox.json<Explanation>('explain', endpointId)).history;
const isNow = (endpointId: string, state: string) =>
  waitUntil(async () => (await describeState(sandbox, endpointId)) === state);

async function waitFor(seconds: number): Promise<void> {
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: seconds });
  await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
  await sandbox.idle();
}

describe('a request that awaits approval', () => {
  test('has one message with three buttons that name their effect', async () => {
    const endpointId = await ask();
    const message = await messageOf(endpointId);
    expect(buttonsOf(message).map(({ text }) => text?.text)).toEqual([
      'Approve',
      'Approve and allow account',
      'Deny',
    ]);
    for (const fact of [unknown, 'payments', 'us-east-1'])
      expect(JSON.stringify(message.blocks)).toContain(fact);
    expect(message.text).toContain(endpointId);
    expect((await historyOf(endpointId)).map(({ action }) => action)).toEqual([
      'requested',
      'decided',
      'approval-requested',
    ]);
  });

  test('is connected after Approve, and its message changes when EC2 shows it', async () => {
    const endpointId = await ask();
    await click(await messageOf(endpointId), 'Approve', bob);
    await isNow(endpointId, 'available');
    await waitFor(20);
    const message = await messageOf(endpointId);
    expect(buttonsOf(message)).toEqual([]);
    expect(message.text).toMatch(/connected/i);
    const approved = (await historyOf(endpointId)).filter(({ action }) => action === 'approved');
    expect(approved).toMatchObject([{ actor: 'slack:T01LOCAL:U01BOB' }]);
  });

  test('is denied with a recorded reason, and its account is blocked if chosen', async () => {
    const endpointId = await ask(counted);
    const message = await messageOf(endpointId);
    const shown = await click(message, 'Deny', alice, { reason: 'no contract', block: ['yes'] });
    expect(shown).toMatchObject({ status: 200 });
    await isNow(endpointId, 'rejected');
    await sandbox.idle();
    expect((await messageOf(endpointId)).text).toContain('no contract');
    const again = await ask(counted);
    await isNow(again, 'rejected');
    expect(await about(again)).toEqual([]);
    await sandbox.json('allowlist', 'remove', counted, '--service', 'payments');
  });

  test('is approved together with an allowlist entry by one click', async () => {
    const endpointId = await ask();
    await click(await messageOf(endpointId), 'Approve and allow account', alice);
    await isNow(endpointId, 'available');
    const { entries } = await sandbox.json<{ entries: { accountId: string; effect: string }[] }>('allowlist');
    expect(entries).toContainEqual(expect.objectContaining({ accountId: unknown, effect: 'allow' }));
    const next = await ask();
    await isNow(next, 'available');
    expect(await about(next)).toEqual([]);
    await sandbox.json('allowlist', 'remove', unknown, '--service', 'payments');
  });

  test.each([
    ['who is no approver', carol],
    ['who is a guest of the channel', mallory],
    ['who has an approver’s id in another workspace', { ...alice, team: 'T02OTHER' }],
  ])('is not decided by somebody %s, who gets the names of the approvers', async (_, who) => {
    const endpointId = await ask();
    const message = await messageOf(endpointId);
    for (const label of ['Approve', 'Approve and allow account', 'Deny'])
      expect(told(await click(message, label, who, { reason: 'mine' }))).toMatch(/U01ALICE|Alice/);
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect((await historyOf(endpointId)).map(({ action }) => action)).toEqual([
      'requested',
      'decided',
      'approval-requested',
    ]);
  });

  test('is decided once, and a later click names who decided', async () => {
    const endpointId = await ask();
    const message = await messageOf(endpointId);
    await click(message, 'Approve', bob);
    await isNow(endpointId, 'available');
    const late = await click(message, 'Deny', alice, { reason: 'too late' });
    expect(JSON.stringify(late)).toMatch(/U01BOB|Bob/);
    const words = (await historyOf(endpointId)).filter(({ action }) => /approved|denied/.test(action));
    expect(words).toHaveLength(1);
  });

  test('with a quorum of two waits for the second approval, and is denied by one denial', async () => {
    await sandbox.json(...defaultGroup, '--quorum', '2');
    const endpointId = await ask();
    const message = await messageOf(endpointId);
    await click(message, 'Approve', bob);
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect((await messageOf(endpointId)).text).toMatch(/1 of 2/);
    await click(message, 'Approve', alice);
    await isNow(endpointId, 'available');
  });

  test('of a service with required tickets needs a ticket with each decision', async () => {
    await sandbox.json('service', 'add', serviceId, '--require-ticket');
    const endpointId = await ask();
    await click(await messageOf(endpointId), 'Approve', bob, { ticket: 'OPS-17' });
    await isNow(endpointId, 'available');
    expect(await historyOf(endpointId)).toContainEqual(
      expect.objectContaining({ action: 'approved', ticket: 'OPS-17' }),
    );
  });

  test('for a group without Slack decisions has no buttons and names the command', async () => {
    await sandbox.json(...defaultGroup, '--decision-channels', 'api');
    const endpointId = await ask();
    const message = await messageOf(endpointId);
    expect(buttonsOf(message)).toEqual([]);
    expect(JSON.stringify(message.blocks)).toContain(`linkgate approve ${endpointId}`);
    await sandbox.json('approve', endpointId);
    await isNow(endpointId, 'available');
  });
});

interface Mail {
  readonly to: string;
  readonly text: string;
}
const mailsAbout = async (endpointId: string) =>
  (await sandbox.ask<{ messages: readonly Mail[] }>('GET', '/mail')).messages.filter(({ text }) =>
    text.includes(endpointId),
  );

describe('an approval email', () => {
  test('has links to approve and to deny: a GET changes nothing, and the form decides once', async () => {
    const { ApprovalUrl = '' } = await sandbox.ask<Record<string, string>>('GET', '/_sandbox/outputs');
    const endpointId = await ask();
    const [mail] = await mailsAbout(endpointId);
    expect(mail?.to).toBe('approver@example.com');
    const links = (mail?.text.match(/https?:\S+/g) ?? []).filter((link) => link.startsWith(ApprovalUrl));
    expect(links).toHaveLength(2);
    const [approve = ''] = links;

    for (const method of ['HEAD', 'GET']) expect((await fetch(approve, { method })).status).toBe(200);
    expect((await historyOf(endpointId)).map(({ action }) => action)).toEqual([
      'requested',
      'decided',
      'approval-requested',
    ]);

    const decide = () =>
      fetch(approve, { method: 'POST', body: new URLSearchParams({ reason: 'a customer' }) });
    expect((await decide()).status).toBe(200);
    await isNow(endpointId, 'available');
    expect((await decide()).status).toBe(410);
    expect(await historyOf(endpointId)).toContainEqual(
      expect.objectContaining({
        action: 'approved',
        actor: 'mailto:approver@example.com',
        reason: 'a customer',
      }),
    );
  });
});

describe('a scheduled disconnect', () => {
  const labels = ['Keep connected', 'Extend 14 days', 'Disconnect now'];
  const hour = 3600;

  /** Creates a connection per account and removes the entry; approvers get one message for each. */
  async function endings(...accountIds: readonly string[]): Promise<readonly string[]> {
    const endpointIds: string[] = [];
    for (const accountId of accountIds) {
      await sandbox.json('allow', accountId, '--service', 'payments');
      endpointIds.push(await createEndpoint(sandbox, accountId, serviceId));
    }
    for (const endpointId of endpointIds) await isNow(endpointId, 'available');
    await sandbox.idle();
    for (const accountId of accountIds)
      await sandbox.json('allowlist', 'remove', accountId, '--service', 'payments');
    await waitFor(10);
    return endpointIds;
  }

  /** One connection is disconnected at once; the others outlive the grace period of 3 days. */
  async function expectKeptExtendedAndCut([kept = '', extended = '', cut = '']: readonly string[]) {
    await isNow(cut, 'rejected');
    await waitFor(100 * hour);
    expect(await describeState(sandbox, extended)).toBe('available');
    expect(await describeState(sandbox, kept)).toBe('available');
  }

  const step = (action: string, actor: string, reason?: string) =>
    expect.objectContaining({ action, actor, ...(reason !== undefined && { reason }) });

  test('has a message with three buttons, each with a confirmation of its effect', async () => {
    const endpointIds = await endings('600000000001', '600000000002', '600000000003');
    const [kept = '', extended = '', cut = ''] = endpointIds;
    const buttons = buttonsOf(await messageOf(kept));
    expect(buttons.map(({ text }) => text?.text)).toEqual(labels);
    expect(buttons.slice(0, 2).map(({ confirm }) => confirm?.text.text)).toEqual([
      expect.stringMatching(`${kept} of account 600000000001 connected permanently`),
      expect.stringMatching(`${kept} of account 600000000001 connected until .* disconnects it then`),
    ]);
    for (const label of labels)
      expect(told(await click(await messageOf(kept), label, carol, { reason: 'mine' }))).toMatch(
        /Alice|U01ALICE/,
      );

    await click(await messageOf(kept), 'Keep connected', alice);
    await click(await messageOf(extended), 'Extend 14 days', bob);
    const blank = await click(await messageOf(cut), 'Disconnect now', alice, { reason: '\u200b' });
    expect(blank).toMatchObject({ errors: { reason: 'A reason is required' } });
    await click(await messageOf(cut), 'Disconnect now', alice, { reason: 'their contract ended' });
    await expectKeptExtendedAndCut(endpointIds);
    await waitFor(13 * 24 * hour);
    await isNow(extended, 'rejected');
    expect(await describeState(sandbox, kept)).toBe('available');

    const [by, byBob] = ['slack:T01LOCAL:U01ALICE', 'slack:T01LOCAL:U01BOB'];
    expect(await historyOf(kept)).toContainEqual(step('approved', by));
    expect(await historyOf(extended)).toContainEqual(step('extended', byBob));
    expect(await historyOf(cut)).toContainEqual(step('denied', by, 'their contract ended'));
    for (const endpointId of endpointIds) expect(buttonsOf(await messageOf(endpointId))).toEqual([]);
  }, 60_000);

  test('has an email with three links, each of which acts after its form is submitted with a reason', async () => {
    const endpointIds = await endings('600000000004', '600000000005', '600000000006');
    for (const [index, endpointId] of endpointIds.entries()) {
      const [mail] = await mailsAbout(endpointId);
      const link = new RegExp(`^${labels[index]}:[^]*?(https?:\\S+)`, 'm').exec(mail?.text ?? '')?.[1] ?? '';
      const page = await (await fetch(link)).text();
      expect(page).toMatch(new RegExp(`<strong>${labels[index]}:</strong> linkgate \\w+ ${endpointId}`));
      const answer = async (reason: string) =>
        (await fetch(link, { method: 'POST', body: new URLSearchParams({ reason }) })).status;
      expect(await answer('\u200b')).toBe(422);
      expect(await describeState(sandbox, endpointId)).toBe('available');
      expect(await answer('as agreed')).toBe(200);
    }
    await expectKeptExtendedAndCut(endpointIds);

    for (const [index, action] of ['approved', 'extended', 'denied'].entries())
      expect(await historyOf(endpointIds[index] ?? '')).toContainEqual(
        step(action, 'mailto:approver@example.com', 'as agreed'),
      );
  }, 60_000);
});

describe('while Slack is down', () => {
  test('emails are sent, decisions are recorded, and waiting requests are posted once it is back', async () => {
    await sandbox.ask('PUT', '/_sandbox/faults', [
      { service: 'slack', action: 'chat.postMessage', rate: 1, error: 'service_unavailable' },
    ]);
    const [decided, waits] = [await ask(), await ask()];
    expect(await about(waits)).toEqual([]);
    await sandbox.json('deny', decided, '--reason', 'by command');
    await waitFor(3600);
    await isNow(decided, 'rejected');
    await sandbox.ask('DELETE', '/_sandbox/faults');
    await waitFor(60);
    await waitFor(60);
    expect(await about(waits)).toHaveLength(1);
    await click(await messageOf(waits), 'Approve', alice);
    await isNow(waits, 'available');
  });
});

describe('many requests at once', () => {
  test('result in a few messages and one digest', async () => {
    await waitFor(120);
    const before = (await messages()).length;
    const endpointIds = await Promise.all(
      Array.from({ length: 25 }, () => createEndpoint(sandbox, unknown, serviceId)),
    );
    await sandbox.idle();
    await waitFor(10);
    expect((await messages()).length - before).toBeLessThanOrEqual(11);
    for (const endpointId of endpointIds) await sandbox.json('deny', endpointId, '--reason', 'a test');
  });
});

describe('without a decision before the deadline', () => {
  const days = 86_400;

  test('approvers are reminded, the request is escalated, and it stays open', async () => {
    const endpointId = await ask();
    await waitFor(2 * days);
    await waitFor(4 * days);
    await waitFor(2 * days);
    const actions = (await historyOf(endpointId)).map(({ action }) => action);
    expect(actions).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'reminded',
      'reminded',
      'expired',
    ]);
    const message = await messageOf(endpointId);
    expect(message.text).toMatch(/deadline|expired|time/i);
    await click(message, 'Approve', bob);
    await isNow(endpointId, 'available');
  });

  test('a service with `onExpiry` reject rejects it, and a late click gets an explanation', async () => {
    await sandbox.json('service', 'add', serviceId, '--on-expiry', 'reject');
    const endpointId = await ask();
    const message = await messageOf(endpointId);
    await waitFor(8 * days);
    await isNow(endpointId, 'rejected');
    await sandbox.idle();
    const late = await click(message, 'Approve', bob);
    expect(JSON.stringify(late)).toMatch(/deadline|time|reject/i);
    expect(await describeState(sandbox, endpointId)).toBe('rejected');
    expect((await historyOf(endpointId)).map(({ action }) => action)).toContain('expired');
  });
});

describe('/linkgate', () => {
  const type = async (text: string, who = alice) => {
    const shown = await sandbox.ask<Shown>('POST', '/slack/command', { ...who, channel, text });
    await sandbox.idle();
    return told(shown) || JSON.stringify(shown);
  };

  test('shows, approves, denies and allows for approvers', async () => {
    const [first, second] = [await ask(), await ask()];
    expect(await type('waiting')).toContain(first);
    expect(await type(`show ${first}`)).toContain(unknown);
    await type(`approve ${first} a customer`);
    await isNow(first, 'available');
    await type(`deny ${second} not this one`);
    await isNow(second, 'rejected');
    expect(await type(`approve ${second}`)).toMatch(/U01ALICE|Alice|denied/);
    await type(`allow ${counted} payments 30d`);
    await isNow(await ask(counted), 'available');
    expect(await type('help')).toContain('waiting');
  });

  test('names the approvers to everybody else', async () => {
    const endpointId = await ask();
    expect(await type(`approve ${endpointId}`, carol)).toMatch(/U01ALICE|Alice/);
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
  });
});
