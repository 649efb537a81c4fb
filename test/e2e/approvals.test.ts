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

const { unknown, limited } = accounts;

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

interface SlackResponse {
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

const findMessages = async (endpointId: string) =>
  (await messages()).filter((message) => JSON.stringify(message).includes(endpointId));

async function findMessage(endpointId: string): Promise<Message> {
  const matching = await findMessages(endpointId);
  expect(matching).toHaveLength(1);
  return matching[0] as Message;
}

function listButtons({ blocks = [] }: Message) {
  const elements = blocks.flatMap((block) => (block.type === 'actions' ? (block.elements ?? []) : []));
  return elements.filter(({ type }) => type === 'button');
}

/** Clicks a button of a request's message by its label. */
async function click(
  message: Message,
  label: string,
  user: typeof alice,
  view_values?: Readonly<Record<string, unknown>>,
): Promise<SlackResponse> {
  const action_id = listButtons(message).find(({ text }) => text?.text === label)?.action_id;
  const response = await sandbox.ask<SlackResponse>('POST', '/slack/click', {
    ...user,
    channel,
    ts: message.ts,
    action_id,
    view_values,
  });
  await sandbox.idle();
  return response;
}

const readEphemeralText = ({ ephemeral = [] }: SlackResponse) => ephemeral.map(({ text }) => text).join('\n');
const readHistory = async (endpointId: string) =>
  (await sandbox.json<Explanation>('explain', endpointId)).history;
const waitForState = (endpointId: string, state: string) =>
  waitUntil(async () => (await describeState(sandbox, endpointId)) === state);

async function waitFor(seconds: number): Promise<void> {
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: seconds });
  await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections');
  await sandbox.idle();
}

describe('a request that awaits approval', () => {
  test('has one message with three buttons that name their effect', async () => {
    const endpointId = await ask();
    const message = await findMessage(endpointId);
    expect(listButtons(message).map(({ text }) => text?.text)).toEqual([
      'Approve',
      'Approve and allow account',
      'Deny',
    ]);
    for (const fact of [unknown, 'payments', 'us-east-1'])
      expect(JSON.stringify(message.blocks)).toContain(fact);
    expect(message.text).toContain(endpointId);
    expect((await readHistory(endpointId)).map(({ action }) => action)).toEqual([
      'requested',
      'decided',
      'approval-requested',
    ]);
  });

  test('is connected after Approve, and its message changes when EC2 shows it', async () => {
    const endpointId = await ask();
    await click(await findMessage(endpointId), 'Approve', bob);
    await waitForState(endpointId, 'available');
    await waitFor(20);
    const message = await findMessage(endpointId);
    expect(listButtons(message)).toEqual([]);
    expect(message.text).toMatch(/connected/i);
    const approved = (await readHistory(endpointId)).filter(({ action }) => action === 'approved');
    expect(approved).toMatchObject([{ actor: 'slack:T01LOCAL:U01BOB' }]);
  });

  test('is denied with a recorded reason, and its account is blocked if chosen', async () => {
    const endpointId = await ask(limited);
    const message = await findMessage(endpointId);
    const response = await click(message, 'Deny', alice, { reason: 'no contract', block: ['yes'] });
    expect(response).toMatchObject({ status: 200 });
    await waitForState(endpointId, 'rejected');
    await sandbox.idle();
    expect((await findMessage(endpointId)).text).toContain('no contract');
    const again = await ask(limited);
    await waitForState(again, 'rejected');
    expect(await findMessages(again)).toEqual([]);
    await sandbox.json('allowlist', 'remove', limited, '--service', 'payments');
  });

  test('is approved together with an allowlist entry by one click', async () => {
    const endpointId = await ask();
    await click(await findMessage(endpointId), 'Approve and allow account', alice);
    await waitForState(endpointId, 'available');
    const { entries } = await sandbox.json<{ entries: { accountId: string; effect: string }[] }>('allowlist');
    expect(entries).toContainEqual(expect.objectContaining({ accountId: unknown, effect: 'allow' }));
    const next = await ask();
    await waitForState(next, 'available');
    expect(await findMessages(next)).toEqual([]);
    await sandbox.json('allowlist', 'remove', unknown, '--service', 'payments');
  });

  test.each([
    ['who is no approver', carol],
    ['who is a guest of the channel', mallory],
    ['who has an approver’s id in another workspace', { ...alice, team: 'T02OTHER' }],
  ])('is not decided by somebody %s, who gets the names of the approvers', async (_, user) => {
    const endpointId = await ask();
    const message = await findMessage(endpointId);
    for (const label of ['Approve', 'Approve and allow account', 'Deny'])
      expect(readEphemeralText(await click(message, label, user, { reason: 'mine' }))).toMatch(
        /U01ALICE|Alice/,
      );
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect((await readHistory(endpointId)).map(({ action }) => action)).toEqual([
      'requested',
      'decided',
      'approval-requested',
    ]);
  });

  test('is decided once, and a later click names who decided', async () => {
    const endpointId = await ask();
    const message = await findMessage(endpointId);
    await click(message, 'Approve', bob);
    await waitForState(endpointId, 'available');
    const late = await click(message, 'Deny', alice, { reason: 'too late' });
    expect(JSON.stringify(late)).toMatch(/U01BOB|Bob/);
    const decisions = (await readHistory(endpointId)).filter(({ action }) => /approved|denied/.test(action));
    expect(decisions).toHaveLength(1);
  });

  test('with a quorum of two waits for the second approval, and is denied by one denial', async () => {
    await sandbox.json(...defaultGroup, '--quorum', '2');
    const endpointId = await ask();
    const message = await findMessage(endpointId);
    await click(message, 'Approve', bob);
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
    expect((await findMessage(endpointId)).text).toMatch(/1 of 2/);
    await click(message, 'Approve', alice);
    await waitForState(endpointId, 'available');
  });

  test('of a service with required tickets needs a ticket with each decision', async () => {
    await sandbox.json('service', 'add', serviceId, '--require-ticket');
    const endpointId = await ask();
    await click(await findMessage(endpointId), 'Approve', bob, { ticket: 'OPS-17' });
    await waitForState(endpointId, 'available');
    expect(await readHistory(endpointId)).toContainEqual(
      expect.objectContaining({ action: 'approved', ticket: 'OPS-17' }),
    );
  });

  test('for a group without Slack decisions has no buttons and names the command', async () => {
    await sandbox.json(...defaultGroup, '--decision-channels', 'api');
    const endpointId = await ask();
    const message = await findMessage(endpointId);
    expect(listButtons(message)).toEqual([]);
    expect(JSON.stringify(message.blocks)).toContain(`linkgate approve ${endpointId}`);
    await sandbox.json('approve', endpointId);
    await waitForState(endpointId, 'available');
  });
});

interface Mail {
  readonly to: string;
  readonly text: string;
}
const findMails = async (endpointId: string) =>
  (await sandbox.ask<{ messages: readonly Mail[] }>('GET', '/mail')).messages.filter(({ text }) =>
    text.includes(endpointId),
  );

describe('an approval email', () => {
  test('has links to approve and to deny: a GET changes nothing, and the form decides once', async () => {
    const { ApprovalUrl = '' } = await sandbox.ask<Record<string, string>>('GET', '/_sandbox/outputs');
    const endpointId = await ask();
    const [mail] = await findMails(endpointId);
    expect(mail?.to).toBe('approver@example.com');
    const links = (mail?.text.match(/https?:\S+/g) ?? []).filter((link) => link.startsWith(ApprovalUrl));
    expect(links).toHaveLength(2);
    const [approve = ''] = links;

    for (const method of ['HEAD', 'GET']) expect((await fetch(approve, { method })).status).toBe(200);
    expect((await readHistory(endpointId)).map(({ action }) => action)).toEqual([
      'requested',
      'decided',
      'approval-requested',
    ]);

    const decide = () =>
      fetch(approve, { method: 'POST', body: new URLSearchParams({ reason: 'a customer' }) });
    expect((await decide()).status).toBe(200);
    await waitForState(endpointId, 'available');
    expect((await decide()).status).toBe(410);
    expect(await readHistory(endpointId)).toContainEqual(
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
  async function scheduleDisconnects(...accountIds: readonly string[]): Promise<readonly string[]> {
    const endpointIds: string[] = [];
    for (const accountId of accountIds) {
      await sandbox.json('allow', accountId, '--service', 'payments');
      endpointIds.push(await createEndpoint(sandbox, accountId, serviceId));
    }
    for (const endpointId of endpointIds) await waitForState(endpointId, 'available');
    await sandbox.idle();
    for (const accountId of accountIds)
      await sandbox.json('allowlist', 'remove', accountId, '--service', 'payments');
    await waitFor(10);
    return endpointIds;
  }

  /** Expects one connection rejected at once, and the others available after the grace period of 3 days. */
  async function expectKeptExtendedAndDisconnected([
    kept = '',
    extended = '',
    disconnected = '',
  ]: readonly string[]) {
    await waitForState(disconnected, 'rejected');
    await waitFor(100 * hour);
    expect(await describeState(sandbox, extended)).toBe('available');
    expect(await describeState(sandbox, kept)).toBe('available');
  }

  const step = (action: string, actor: string, reason?: string) =>
    expect.objectContaining({ action, actor, ...(reason !== undefined && { reason }) });

  test('has a message with three buttons, each with a confirmation of its effect', async () => {
    const endpointIds = await scheduleDisconnects('600000000001', '600000000002', '600000000003');
    const [kept = '', extended = '', disconnected = ''] = endpointIds;
    const buttons = listButtons(await findMessage(kept));
    expect(buttons.map(({ text }) => text?.text)).toEqual(labels);
    expect(buttons.slice(0, 2).map(({ confirm }) => confirm?.text.text)).toEqual([
      expect.stringMatching(`${kept} of account 600000000001 connected permanently`),
      expect.stringMatching(`${kept} of account 600000000001 connected until .* disconnects it then`),
    ]);
    for (const label of labels)
      expect(
        readEphemeralText(await click(await findMessage(kept), label, carol, { reason: 'mine' })),
      ).toMatch(/Alice|U01ALICE/);

    await click(await findMessage(kept), 'Keep connected', alice);
    await click(await findMessage(extended), 'Extend 14 days', bob);
    const blank = await click(await findMessage(disconnected), 'Disconnect now', alice, { reason: '\u200b' });
    expect(blank).toMatchObject({ errors: { reason: 'A reason is required' } });
    await click(await findMessage(disconnected), 'Disconnect now', alice, { reason: 'their contract ended' });
    await expectKeptExtendedAndDisconnected(endpointIds);
    await waitFor(13 * 24 * hour);
    await waitForState(extended, 'rejected');
    expect(await describeState(sandbox, kept)).toBe('available');

    const [by, byBob] = ['slack:T01LOCAL:U01ALICE', 'slack:T01LOCAL:U01BOB'];
    expect(await readHistory(kept)).toContainEqual(step('approved', by));
    expect(await readHistory(extended)).toContainEqual(step('extended', byBob));
    expect(await readHistory(disconnected)).toContainEqual(step('denied', by, 'their contract ended'));
    for (const endpointId of endpointIds) expect(listButtons(await findMessage(endpointId))).toEqual([]);
  }, 60_000);

  test('has an email with three links, each of which acts after its form is submitted with a reason', async () => {
    const endpointIds = await scheduleDisconnects('600000000004', '600000000005', '600000000006');
    for (const [index, endpointId] of endpointIds.entries()) {
      const [mail] = await findMails(endpointId);
      const link = new RegExp(`^${labels[index]}:[^]*?(https?:\\S+)`, 'm').exec(mail?.text ?? '')?.[1] ?? '';
      const page = await (await fetch(link)).text();
      expect(page).toMatch(new RegExp(`<strong>${labels[index]}:</strong> linkgate \\w+ ${endpointId}`));
      const submit = async (reason: string) =>
        (await fetch(link, { method: 'POST', body: new URLSearchParams({ reason }) })).status;
      expect(await submit('\u200b')).toBe(422);
      expect(await describeState(sandbox, endpointId)).toBe('available');
      expect(await submit('as agreed')).toBe(200);
    }
    await expectKeptExtendedAndDisconnected(endpointIds);

    for (const [index, action] of ['approved', 'extended', 'denied'].entries())
      expect(await readHistory(endpointIds[index] ?? '')).toContainEqual(
        step(action, 'mailto:approver@example.com', 'as agreed'),
      );
  }, 60_000);
});

describe('while Slack is down', () => {
  test('emails are sent, decisions are recorded, and waiting requests are posted once it is back', async () => {
    await sandbox.ask('PUT', '/_sandbox/faults', [
      { service: 'slack', action: 'chat.postMessage', rate: 1, error: 'service_unavailable' },
    ]);
    const [denied, waiting] = [await ask(), await ask()];
    expect(await findMessages(waiting)).toEqual([]);
    await sandbox.json('deny', denied, '--reason', 'by command');
    await waitFor(3600);
    await waitForState(denied, 'rejected');
    await sandbox.ask('DELETE', '/_sandbox/faults');
    await waitFor(60);
    await waitFor(60);
    expect(await findMessages(waiting)).toHaveLength(1);
    await click(await findMessage(waiting), 'Approve', alice);
    await waitForState(waiting, 'available');
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
    const actions = (await readHistory(endpointId)).map(({ action }) => action);
    expect(actions).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'reminded',
      'reminded',
      'expired',
    ]);
    const message = await findMessage(endpointId);
    expect(message.text).toMatch(/deadline|expired|time/i);
    await click(message, 'Approve', bob);
    await waitForState(endpointId, 'available');
  });

  test('a service with `onExpiry` reject rejects it, and a late click gets an explanation', async () => {
    await sandbox.json('service', 'add', serviceId, '--on-expiry', 'reject');
    const endpointId = await ask();
    const message = await findMessage(endpointId);
    await waitFor(8 * days);
    await waitForState(endpointId, 'rejected');
    await sandbox.idle();
    const late = await click(message, 'Approve', bob);
    expect(JSON.stringify(late)).toMatch(/deadline|time|reject/i);
    expect(await describeState(sandbox, endpointId)).toBe('rejected');
    expect((await readHistory(endpointId)).map(({ action }) => action)).toContain('expired');
  });
});

describe('/linkgate', () => {
  const type = async (text: string, user = alice) => {
    const response = await sandbox.ask<SlackResponse>('POST', '/slack/command', { ...user, channel, text });
    await sandbox.idle();
    return readEphemeralText(response) || JSON.stringify(response);
  };

  test('shows, approves, denies and allows for approvers', async () => {
    const [first, second] = [await ask(), await ask()];
    expect(await type('waiting')).toContain(first);
    expect(await type(`show ${first}`)).toContain(unknown);
    await type(`approve ${first} a customer`);
    await waitForState(first, 'available');
    await type(`deny ${second} not this one`);
    await waitForState(second, 'rejected');
    expect(await type(`approve ${second}`)).toMatch(/U01ALICE|Alice|denied/);
    await type(`allow ${limited} payments 30d`);
    await waitForState(await ask(limited), 'available');
    expect(await type('help')).toContain('waiting');
  });

  test('names the approvers to everybody else', async () => {
    const endpointId = await ask();
    expect(await type(`approve ${endpointId}`, carol)).toMatch(/U01ALICE|Alice/);
    expect(await describeState(sandbox, endpointId)).toBe('pendingAcceptance');
  });
});
