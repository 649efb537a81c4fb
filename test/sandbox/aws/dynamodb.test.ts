import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamoDb } from '../../../sandbox/aws/dynamodb.ts';
import { startEngine } from '../../../sandbox/aws/dynamodb-engine.ts';
import type { StreamRecord } from '../../../sandbox/aws/dynamodb-streams.ts';
import { manualClock } from './manual-clock.ts';

const location = { accountId: '111111111111', region: 'us-east-1' };
const tableArn = 'arn:aws:dynamodb:us-east-1:111111111111:table/records';
const clock = manualClock();
const records: StreamRecord[] = [];
const folder = mkdtempSync(join(tmpdir(), 'linkgate-test-'));
const dynamodb = createDynamoDb({
  now: clock.now,
  findConsumer: () => (added) => records.push(...added),
  start: ({ region }) => startEngine({ file: join(folder, `${region}.sqlite`), tenant: '' }),
});

const createKey = (pk: string) => ({ pk: { S: pk }, sk: { S: 'x' } });
const putItem = (pk: string, more = {}) =>
  dynamodb.call(location, 'PutItem', { TableName: 'records', Item: { ...createKey(pk), ...more } });

beforeAll(async () => {
  await dynamodb.call(location, 'CreateTable', {
    TableName: 'records',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
});
afterAll(() => {
  dynamodb.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a table belongs to its account and Region', async () => {
  const { Table } = await dynamodb.call(location, 'DescribeTable', { TableName: 'records' });
  expect(Table).toMatchObject({ TableArn: tableArn });
  const tables = await dynamodb.call({ ...location, region: 'eu-west-1' }, 'ListTables', {});
  expect(tables).toEqual({ TableNames: [] });
});

test('each write reaches the consumer of the stream in order', async () => {
  records.length = 0;
  await putItem('a');
  await putItem('a', { colour: { S: 'blue' } });
  await dynamodb.call(location, 'DeleteItem', { TableName: 'records', Key: createKey('a') });
  expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE']);
  expect(records[2]).toMatchObject({ awsRegion: 'us-east-1', dynamodb: { Keys: createKey('a') } });
  expect(records[2]?.eventSourceARN).toContain(`${tableArn}/stream/`);
  expect(records[2]?.userIdentity).toBeUndefined();
});

test('the service deletes items after their time to live', async () => {
  const expiresAt = Math.floor(clock.now() / 1000) + 60;
  await dynamodb.call(location, 'UpdateTimeToLive', {
    TableName: 'records',
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
  });
  await putItem('short', { expiresAt: { N: String(expiresAt) } });
  await putItem('long', { expiresAt: { N: String(expiresAt + 3600) } });
  records.length = 0;
  await dynamodb.expire(tableArn);
  expect(records).toEqual([]);
  clock.advance(60_000);
  await dynamodb.expire(tableArn);
  expect(records).toMatchObject([
    {
      eventName: 'REMOVE',
      dynamodb: { Keys: createKey('short') },
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
    },
  ]);
});

test('DescribeContinuousBackups shows that point-in-time recovery is on', async () => {
  await dynamodb.call(location, 'UpdateContinuousBackups', {
    TableName: 'records',
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  const answer = await dynamodb.call(location, 'DescribeContinuousBackups', { TableName: 'records' });
  expect(JSON.stringify(answer)).toContain('"PointInTimeRecoveryStatus":"ENABLED"');
  const missing = dynamodb.call(location, 'DescribeContinuousBackups', { TableName: 'missing' });
  await expect(missing).rejects.toMatchObject({ code: 'TableNotFoundException' });
});

const TableName = 'records';
test.each<[string, object, [action: string, partitionKey: string][]]>([
  [
    'TransactWriteItems',
    {
      TransactItems: [
        { Put: { TableName, Item: createKey('a') } },
        { ConditionCheck: { TableName, Key: createKey('b') } },
      ],
    },
    [
      ['PutItem', 'a'],
      ['ConditionCheckItem', 'b'],
    ],
  ],
  [
    'Query',
    {
      TableName,
      KeyConditionExpression: '#p = :p AND begins_with(sk, :s)',
      ExpressionAttributeNames: { '#p': 'pk' },
      ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { S: 'x' } },
    },
    [['Query', 'a']],
  ],
])('%s needs the permission of each of its actions, by partition key', async (operation, input, expected) => {
  expect(await dynamodb.accesses(operation, input as never, location)).toEqual(
    expected.map(([action, key]) => ({
      action: `dynamodb:${action}`,
      resource: tableArn,
      conditions: { 'dynamodb:LeadingKeys': [key] },
    })),
  );
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('an engine listens on a random loopback address, because it answers any web page', async () => {
  const engines = await Promise.all(
    ['one', 'other'].map((name) => startEngine({ file: join(folder, name), tenant: '' }, {})),
  );
  const hosts = engines.map(({ url }) => new URL(url).hostname);
  for (const engine of engines) engine.stop();
  for (const host of hosts) expect(host).toMatch(/^127\.\d+\.\d+\.\d+$/);
  expect(new Set([...hosts, '127.0.0.1']).size).toBe(3);
});

test('DYNAMODB_ENDPOINT takes precedence over the packaged engine, and without any the error names it', async () => {
  const url = 'http://127.0.0.1:8000';
  const state = { file: join(folder, 'elsewhere.sqlite'), tenant: 'run1' };
  expect(await startEngine(state, { DYNAMODB_ENDPOINT: url })).toMatchObject({ url, tenant: 'run1' });
  await expect(startEngine(state, {}, () => undefined)).rejects.toThrow('DYNAMODB_ENDPOINT');
});

test('the engine ends with the process that started it, also after SIGKILL', async () => {
  const script = `import { startEngine } from './sandbox/aws/dynamodb-engine.ts';
    console.log((await startEngine({ file: process.argv[1], tenant: '' })).url); setInterval(() => {}, 1000);`;
  const parent = spawn(
    process.execPath,
    ['--input-type=module', '--eval', script, join(folder, 'killed.sqlite')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [url] = (await once(parent.stdout, 'data')) as [Buffer];
  const isUp = () =>
    fetch(url.toString().trim()).then(
      () => true,
      () => false,
    );
  expect(await isUp()).toBe(true);
  parent.kill('SIGKILL');
  while (await isUp()) await new Promise((resolve) => setTimeout(resolve, 10));
});
