import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accounts, createService, describeState, startSandbox } from './sandbox.ts';

const { unknown, limited } = accounts;
const another = '600000000004';

const channel = 'C01APPROVALS';
const alice = { user: 'U01ALICE', team: 'T01LOCAL' };
const bob = { user: 'U01BOB', team: 'T01LOCAL' };
const [byAlice, byBob] = ['slack:T01LOCAL:U01ALICE', 'slack:T01LOCAL:U01BOB'];
const days = 86_400;
const timeoutMs = 180_000;

interface Message {
  readonly ts: string;
  readonly text: string;
  readonly blocks?: readonly {
    readonly elements?: readonly {
      readonly type: string;
      readonly action_id: string;
      readonly text?: { readonly text: string };
    }[];
  }[];
}

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

beforeAll(async () => {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
}, timeoutMs);

/** Creates an endpoint and waits for the approvers' message, which names earlier endpoints of the account. */
const ask = (accountId: string) => sandbox.connect(accountId, serviceId);

async function findMessages(endpointId: string): Promise<readonly Message[]> {
  const path = `/slack/messages?channel=${channel}`;
  const { messages } = await sandbox.ask<{ messages: readonly Message[] }>('GET', path);
  return messages.filter((message) => JSON.stringify(message).includes(endpointId));
}

async function findMessage(endpointId: string): Promise<Message> {
  const matching = await findMessages(endpointId);
  expect(matching).toHaveLength(1);
  return matching[0] as Message;
}

/** Lists the buttons of the message about an endpoint as pairs of label and action. */
async function listButtons(endpointId: string): Promise<(readonly [string | undefined, string])[]> {
  const { blocks = [] } = await findMessage(endpointId);
  return blocks
    .flatMap(({ elements = [] }) => elements)
    .filter(({ type }) => type === 'button')
    .map(({ text, action_id }) => [text?.text, action_id] as const);
}

const listLabels = async (endpointId: string) => (await listButtons(endpointId)).map(([label]) => label);

/** Clicks a button of the message about an endpoint by its label. */
async function click(endpointId: string, label: string, user: typeof alice, view_values?: object) {
  const { ts } = await findMessage(endpointId);
  const action_id = new Map(await listButtons(endpointId)).get(label);
  await sandbox.ask('POST', '/slack/click', { ...user, channel, ts, action_id, view_values });
  await sandbox.idle();
}

async function waitFor(seconds: number): Promise<void> {
  await sandbox.advanceClock(seconds);
  await sandbox.sweep();
}

const readHistory = async (endpointId: string) => (await sandbox.explain(endpointId)).history;
const step = (action: string, actor: string, reason?: string) =>
  expect.objectContaining({ action, actor, ...(reason !== undefined && { reason }) });

test(
  'a request has a message with three buttons, each of which decides',
  async () => {
    const approved = await ask(unknown);
    const allowed = await ask(another);
    const denied = await ask(limited);
    expect(await listLabels(approved)).toEqual(['Approve', 'Approve and allow account', 'Deny']);

    await click(approved, 'Approve', bob);
    await click(allowed, 'Approve and allow account', alice);
    await click(denied, 'Deny', alice, { reason: 'no contract', block: ['yes'] });
    await sandbox.waitForState(approved, 'available');
    await sandbox.waitForState(allowed, 'available');
    await sandbox.waitForState(denied, 'rejected');
    await waitFor(20);
    expect(await readHistory(approved)).toContainEqual(step('approved', byBob));
    expect((await findMessage(approved)).text).toMatch(/connected/i);
    expect((await findMessage(denied)).text).toContain('no contract');
    for (const endpointId of [approved, allowed, denied]) expect(await listLabels(endpointId)).toEqual([]);

    const [laterAllowed, laterBlocked] = [await ask(another), await ask(limited)];
    await sandbox.waitForState(laterAllowed, 'available');
    await sandbox.waitForState(laterBlocked, 'rejected');
    for (const endpointId of [laterAllowed, laterBlocked]) expect(await findMessages(endpointId)).toEqual([]);
  },
  timeoutMs,
);

test(
  'a scheduled disconnect has a message with three buttons, each of which acts',
  async () => {
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
    expect(await listLabels(kept)).toEqual(['Keep connected', 'Extend 14 days', 'Disconnect now']);

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
    for (const endpointId of endpointIds) expect(await listLabels(endpointId)).toEqual([]);
  },
  timeoutMs,
);
