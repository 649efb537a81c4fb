import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { provider } from '../../../sandbox/accounts.ts';
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts';

const packageFolder = fileURLToPath(new URL('../../../.serverless', import.meta.url));

let sandbox: Sandbox | undefined;
afterEach(() => sandbox?.stop());

test('an expired item is deleted without a request', async () => {
  const started = await startSandbox({ port: 0, packageFolder });
  sandbox = started;
  const { clock, dynamoDb } = started.emulator;
  const { TableName = '' } = started.outputs;
  const Key = { pk: { S: 'TEST' }, sk: { S: 'expiring' } };
  const expiresAt = { N: String(Math.floor(clock.now() / 1000)) };
  await dynamoDb.call(provider, 'PutItem', { TableName, Item: { ...Key, expiresAt } });
  clock.advance(10_000);
  const isThere = async () =>
    (await dynamoDb.call(provider, 'GetItem', { TableName, Key, ConsistentRead: true })).Item !== undefined;
  for (let attempt = 0; attempt < 200 && (await isThere()); attempt += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await isThere()).toBe(false);
}, 60_000);
