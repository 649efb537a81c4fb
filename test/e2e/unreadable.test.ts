import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Check } from '../../lib/doctor/check.ts';
import {
  accounts,
  createEndpoint,
  createService,
  describeState,
  provider,
  type Sandbox,
  startSandbox,
  waitUntil,
} from './sandbox.ts';

const { allowed, blocked } = accounts;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
}, 60_000);
afterAll(() => sandbox.stop());

test('an unreadable service does not affect other services, and the remedy of doctor removes it', async () => {
  const serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  for (const account of [allowed, blocked]) await sandbox.json('allow', account, '--service', serviceId);
  const toBlock = await createEndpoint(sandbox, blocked, serviceId);
  await waitUntil(async () => (await describeState(sandbox, toBlock)) === 'available');

  const dynamodb = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: sandbox.url,
    credentials: { accessKeyId: provider, secretAccessKey: 'sandbox' },
  });
  const key = { pk: 'SERVICE', sk: 'vpce-svc-0000000000000bad0' };
  const Item = { ...marshall({ ...key, schemaVersion: '2.0' }), version: { N: '9007199254740993' } };
  await dynamodb.send(new PutItemCommand({ TableName: 'linkgate-local', Item }));
  dynamodb.destroy();

  const arrived = await createEndpoint(sandbox, allowed, serviceId);
  await waitUntil(async () => (await describeState(sandbox, arrived)) === 'available');
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 60 });
  expect(await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections')).toMatchObject({ ok: true });
  for (const list of [['connections'], ['allowlist'], ['service', 'list'], ['export']]) {
    const { exitCode, stdout, stderr } = await sandbox.linkgate(...list);
    expect([list, exitCode, stderr]).toEqual([
      list,
      0,
      expect.stringContaining('`SERVICE` `vpce-svc-0000000000000bad0`'),
    ]);
    expect(stdout).toContain('payments');
  }
  await sandbox.json('block', blocked, '--service', '*');
  await waitUntil(async () => (await describeState(sandbox, toBlock)) === 'rejected');
  await sandbox.idle();

  const { checks } = JSON.parse((await sandbox.linkgate('doctor', '--json')).stdout) as { checks: Check[] };
  const findings = checks.filter(({ name }) => name === 'unreadable-items');
  expect(findings).toMatchObject([{ status: 'failed', subject: `${key.pk} ${key.sk}` }]);
  const remedy = /^linkgate (item remove .*)$/m.exec(findings[0]?.remedy ?? '')?.[1]?.split(' ') ?? [];
  expect(await sandbox.linkgate(...remedy)).toMatchObject({ exitCode: 0 });
  expect((await sandbox.linkgate('connections')).stderr).toBe('');
}, 60_000);
