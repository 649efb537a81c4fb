import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { accounts, createService, describeState, startSandbox } from './sandbox.ts';

const { unknown, limited } = accounts;

const channel = 'C01APPROVALS';
const alice = { user: 'U01ALICE', team: 'T01LOCAL' };
const bob = { user: 'U01BOB', team: 'T01LOCAL' };
const [byAlice, byBob] = ['slack:T01LOCAL:U01ALICE', 'slack:T01LOCAL:U01BOB'];
const days = 86_400;

interface Message {
  readonly ts: string;
  readonly text: string;
  readonly blocks?: readonly {
    readonly type: string;
    readonly elements?: readonly {
      readonly type: string;
      readonly action_id: string;
      readonly text?: { readonly text: string };
    }[];
  }[];
}

interface SlackResponse {
  readonly status?: number;
}

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

const defaultGroup = [
  ...['approvers', 'set', 'default', '--slack-channel', channel, '--email', 'approver@example.com'],
  ...['--slack-user', 'T01LOCAL:U01ALICE', '--slack-user', 'T01LOCAL:U01BOB'],
];

beforeAll(async () => {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
});
afterEach(async () => {
  // Resets the notification throttle, so that tests do not affect each other.
  await sandbox.advanceClock(360);
  await sandbox.json(...defaultGroup);
  await sandbox.idle();
});

/** Creates an endpoint and waits for the approvers' message. */
const ask = (accountId = unknown) => sandbox.connect(accountId, serviceId);

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

/** Clicks a button of the message about an endpoint by its label. */
async function click(
  endpointId: string,
  label: string,
  user: typeof alice,
  view_values?: Readonly<Record<string, unknown>>,
): Promise<SlackResponse> {
  const message = await findMessage(endpointId);
  const action_id = listButtons(message).find(({ text }) => text?.text === label)?.action_id;
  const clicked = { ...user, channel, ts: message.ts, action_id, view_values };
  const response = await sandbox.ask<SlackResponse>('POST', '/slack/click', clicked);
  await sandbox.idle();
  return response;
}

const readHistory = async (endpointId: string) => (await sandbox.explain(endpointId)).history;
const step = (action: string, actor: string, reason?: string) =>
  expect.objectContaining({ action, actor, ...(reason !== undefined && { reason }) });

async function waitFor(seconds: number): Promise<void> {
  await sandbox.advanceClock(seconds);
  await sandbox.sweep();
}

describe('a request that awaits approval', () => {
  test('is connected after Approve, and its message changes when EC2 shows it', async () => {
    const endpointId = await ask();
    expect(listButtons(await findMessage(endpointId)).map(({ text }) => text?.text)).toEqual([
      'Approve',
      'Approve and allow account',
      'Deny',
    ]);
    await click(endpointId, 'Approve', bob);
    await sandbox.waitForState(endpointId, 'available');
    await waitFor(20);
    const message = await findMessage(endpointId);
    expect(listButtons(message)).toEqual([]);
    expect(message.text).toMatch(/connected/i);
    expect(await readHistory(endpointId)).toContainEqual(step('approved', byBob));
  });

  test('is denied with a recorded reason, and its account is blocked if chosen', async () => {
    const endpointId = await ask(limited);
    const response = await click(endpointId, 'Deny', alice, { reason: 'no contract', block: ['yes'] });
    expect(response).toMatchObject({ status: 200 });
    await sandbox.waitForState(endpointId, 'rejected');
    await sandbox.idle();
    expect((await findMessage(endpointId)).text).toContain('no contract');
    const again = await ask(limited);
    await sandbox.waitForState(again, 'rejected');
    expect(await findMessages(again)).toEqual([]);
    await sandbox.json('allowlist', 'remove', limited, '--service', 'payments');
  });

  test('is approved together with an allowlist entry by one click', async () => {
    const endpointId = await ask();
    await click(endpointId, 'Approve and allow account', alice);
    await sandbox.waitForState(endpointId, 'available');
    const next = await ask();
    await sandbox.waitForState(next, 'available');
    expect(await findMessages(next)).toEqual([]);
    await sandbox.json('allowlist', 'remove', unknown, '--service', 'payments');
  });

  test('past its deadline is escalated after reminders, and stays open', async () => {
    const endpointId = await ask();
    for (const passed of [2, 4, 2]) await waitFor(passed * days);
    expect(await sandbox.listActions(endpointId)).toEqual([
      'requested',
      'decided',
      'approval-requested',
      'reminded',
      'reminded',
      'expired',
    ]);
    expect((await findMessage(endpointId)).text).toMatch(/deadline|expired|time/i);
    await click(endpointId, 'Approve', bob);
    await sandbox.waitForState(endpointId, 'available');
  });
});

test('a scheduled disconnect has a message with three buttons, each of which acts', async () => {
  const accountIds = ['600000000001', '600000000002', '600000000003'];
  const endpointIds: string[] = [];
  for (const accountId of accountIds) {
    await sandbox.json('allow', accountId, '--service', 'payments');
    endpointIds.push(await ask(accountId));
  }
  for (const accountId of accountIds)
    await sandbox.json('allowlist', 'remove', accountId, '--service', 'payments');
  await waitFor(10);
  const [kept = '', extended = '', disconnected = ''] = endpointIds;
  const labels = listButtons(await findMessage(kept)).map(({ text }) => text?.text);
  expect(labels).toEqual(['Keep connected', 'Extend 14 days', 'Disconnect now']);

  await click(kept, 'Keep connected', alice);
  await click(extended, 'Extend 14 days', bob);
  await click(disconnected, 'Disconnect now', alice, { reason: 'their contract ended' });
  await sandbox.waitForState(disconnected, 'rejected');
  await waitFor(4 * days);
  expect(await describeState(sandbox, extended)).toBe('available');
  await waitFor(13 * days);
  await sandbox.waitForState(extended, 'rejected');
  expect(await describeState(sandbox, kept)).toBe('available');

  expect(await readHistory(kept)).toContainEqual(step('approved', byAlice));
  expect(await readHistory(extended)).toContainEqual(step('extended', byBob));
  expect(await readHistory(disconnected)).toContainEqual(step('denied', byAlice, 'their contract ended'));
  for (const endpointId of endpointIds) expect(listButtons(await findMessage(endpointId))).toEqual([]);
}, 60_000);
