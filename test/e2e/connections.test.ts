import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { SQS } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DoctorResult } from '../../lib/doctor/doctor-result.ts';
import { accounts, createEndpoint, createService, describeState, provider, startSandbox } from './sandbox.ts';

const { allowed, blocked } = accounts;
const accepted = ['requested', 'decided', 'applying', 'applied'];
const timeoutMs = 120_000;

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

beforeAll(async () => {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  for (const account of [allowed, blocked]) await sandbox.json('allow', account, '--service', serviceId);
  await sandbox.sweep();
  await sandbox.advanceClock(60);
  await sandbox.idle();
}, timeoutMs);

test('an automatic decision takes at most 16 AWS calls of functions, all allowed by their roles', async () => {
  await sandbox.ask('DELETE', '/_sandbox/calls');
  const endpointId = await sandbox.connect(allowed, serviceId);
  const calls = (await sandbox.calls()).filter(({ principal }) => principal !== 'root');
  expect(calls.map(({ principal, action }) => `${principal} ${action}`)).toHaveLength(16);
  expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
  expect(calls.filter(({ principal }) => principal === 'on-table-stream')).toEqual([]);
  expect(await sandbox.listActions(endpointId)).toEqual(accepted);
});

test('one full sweep decides, accepts and records without any notification', async () => {
  await sandbox.assume({ notifications: false });
  const endpointId = await createEndpoint(sandbox, allowed, serviceId);
  expect(await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections')).toMatchObject({ ok: true });
  expect(await describeState(sandbox, endpointId)).toBe('available');
  expect(await sandbox.listActions(endpointId)).toEqual(accepted);
  await sandbox.assume({ notifications: true });
});

test(
  'malformed messages of a location go to the dead-letter queue at once, and do not delay connections',
  async () => {
    const sqs = new SQS(sandbox.config());
    const queueUrl = (name: string) => `${sandbox.url}/${provider}/linkgate-local-${name}.fifo`;
    for (let remaining = 20; remaining > 0; remaining--)
      await sqs.sendMessage({
        QueueUrl: queueUrl('apply-verdicts'),
        MessageBody: '{"location":"us-east-1"}',
        MessageGroupId: `${provider}/us-east-1`,
        MessageDeduplicationId: `malformed-${remaining}`,
      });
    expect(await describeState(sandbox, await sandbox.connect(allowed, serviceId))).toBe('available');
    const QueueUrl = queueUrl('apply-verdicts-dead-letters');
    const { Attributes } = await sqs.getQueueAttributes({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    });
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: '20' });
    const { Messages } = await sqs.receiveMessage({ QueueUrl, MessageAttributeNames: ['All'] });
    const problems = { StringValue: expect.stringContaining('location') };
    expect(Messages).toMatchObject([{ Body: '{"location":"us-east-1"}', MessageAttributes: { problems } }]);
    sqs.destroy();
  },
  timeoutMs,
);

test(
  'an unreadable service does not affect other services, and the remedy of doctor removes it',
  async () => {
    const toBlock = await sandbox.connect(blocked, serviceId);
    const dynamodb = new DynamoDB(sandbox.config());
    const key = { pk: 'SERVICE', sk: 'vpce-svc-0000000000000bad0' };
    const Item = { ...marshall({ ...key, schemaVersion: '2.0' }), version: { N: '9007199254740993' } };
    await dynamodb.putItem({ TableName: 'linkgate-local', Item });
    dynamodb.destroy();

    await sandbox.waitForState(await sandbox.connect(allowed, serviceId), 'available');
    await sandbox.advanceClock(60);
    expect(await sandbox.ask('POST', '/_sandbox/schedules/sweep-connections')).toMatchObject({ ok: true });
    for (const list of [['connections'], ['allowlist'], ['service', 'list'], ['export']])
      expect(await sandbox.linkgate(...list)).toEqual({
        exitCode: 0,
        stdout: expect.stringContaining('payments'),
        stderr: expect.stringContaining('`SERVICE` `vpce-svc-0000000000000bad0`'),
      });
    await sandbox.json('block', blocked, '--service', '*');
    await sandbox.waitForState(toBlock, 'rejected');
    await sandbox.idle();

    const { stdout } = await sandbox.linkgate('doctor', '--json');
    const { checks } = JSON.parse(stdout) as { checks: DoctorResult[] };
    const findings = checks.filter(({ name }) => name === 'unreadable-items');
    expect(findings).toMatchObject([{ status: 'failed', subject: `${key.pk} ${key.sk}` }]);
    const remedy = /^linkgate (item remove .*)$/m.exec(findings[0]?.remedy ?? '')?.[1]?.split(' ') ?? [];
    expect(await sandbox.linkgate(...remedy)).toMatchObject({ exitCode: 0 });
    expect((await sandbox.linkgate('connections')).stderr).toBe('');
  },
  timeoutMs,
);
