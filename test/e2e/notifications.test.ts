import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accounts, createEndpoint, createService, startSandbox, waitUntil } from './sandbox.ts';

const day = 86_400;
const { allowed: account } = accounts;

const sandbox = await startSandbox('--quiet');
afterAll(() => sandbox.stop());

beforeAll(async () => {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  const serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.json('allow', account, '--service', 'payments', '--expires', '10d');
  for (let count = 0; count < 5; count++) await createEndpoint(sandbox, account, serviceId);
  await sandbox.idle();
}, 90_000);

async function pass(seconds: number): Promise<void> {
  await sandbox.advanceClock(seconds);
  await sandbox.sweep();
  // A notification waits for its batching window, an expiry warning for others.
  await sandbox.advanceClock(70);
  await sandbox.idle();
}

async function titles(): Promise<(string | undefined)[]> {
  const { messages } = await sandbox.ask<{ messages: { text: string; thread_ts?: string }[] }>(
    'GET',
    '/slack/messages?channel=C01APPROVALS',
  );
  return messages.flatMap(({ text, thread_ts }) => (thread_ts === undefined ? [text.split('\n')[0]] : []));
}

test('approvers get one expiry warning, one batch of scheduled disconnects, and the final state', async () => {
  await pass(30);
  await pass(3.5 * day);
  await waitUntil(async () => (await titles()).length > 0);
  expect(await titles()).toEqual([`Access of account ${account} to payments ends in 7 days`]);
  expect(await sandbox.mails()).toMatchObject([{ text: expect.stringContaining('5 connected endpoints.') }]);

  await sandbox.json('allowlist', 'remove', account, '--service', 'payments');
  await sandbox.idle();
  await pass(10);
  await waitUntil(async () => (await titles()).length > 1);
  expect((await titles()).slice(1)).toEqual(['5 connections will be disconnected']);

  await pass(3.1 * day);
  await pass(60);
  await waitUntil(async () => (await titles()).at(-1) === 'All 5 connections are decided');
  expect(sandbox.output()).not.toContain('AccessDenied');
}, 120_000);
