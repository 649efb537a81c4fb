import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { SSM } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DoctorResult } from '../../lib/doctor/doctor-result.ts';
import { accounts, createService, describeState, provider, startSandbox } from './sandbox.ts';

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
const ec2 = sandbox.ec2(provider);
const [sns, sqs] = [new SNS(sandbox.config()), new SQS(sandbox.config())];
const timeoutMs = 120_000;
let endpointId: string;

beforeAll(async () => {
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.json('allow', accounts.allowed, '--service', serviceId);
  endpointId = await sandbox.connect(accounts.allowed, serviceId);
}, timeoutMs);
afterAll(async () => {
  sns.destroy();
  sqs.destroy();
  await sandbox.stop();
});

/** Returns the exit code of doctor, and its findings other than the test's allowed principal `*`. */
async function runDoctor() {
  await sandbox.idle();
  const { exitCode, stdout } = await sandbox.linkgate('doctor', '--json');
  const { checks } = JSON.parse(stdout) as { checks: DoctorResult[] };
  const findings = checks.filter(({ name, status }) => status !== 'ok' && name !== 'principals');
  return { exitCode, findings, names: findings.map(({ name }) => name) };
}

/** Runs the first command of a remedy. */
async function runRemedy(finding: DoctorResult | undefined) {
  const [, command = ''] = /^linkgate (.*)$/m.exec(finding?.remedy ?? '') ?? [];
  expect(await sandbox.linkgate(...command.split(' '))).toMatchObject({ exitCode: 0 });
}

const removeTag = () => ec2.deleteTags({ Resources: [serviceId], Tags: [{ Key: 'linkgate' }] });

async function deleteNotifications() {
  const { ConnectionNotificationSet = [] } = await ec2.describeVpcEndpointConnectionNotifications({});
  const ConnectionNotificationIds = ConnectionNotificationSet.flatMap(
    ({ ConnectionNotificationId = [] }) => ConnectionNotificationId,
  );
  await ec2.deleteVpcEndpointConnectionNotifications({ ConnectionNotificationIds });
}

async function deleteSigningKey() {
  const ssm = new SSM(sandbox.config());
  await ssm.deleteParameter({ Name: '/linkgate/local/links/signing-key' });
  ssm.destroy();
}

const QueueUrl = `${sandbox.url}/${provider}/linkgate-local-service-checks-dead-letters`;

async function unsubscribeQueue() {
  const { ConnectionsTopicArn: TopicArn } = await sandbox.ask<Record<string, string>>(
    'GET',
    '/_sandbox/outputs',
  );
  const { Subscriptions = [] } = await sns.listSubscriptionsByTopic({ TopicArn });
  for (const { SubscriptionArn } of Subscriptions) await sns.unsubscribe({ SubscriptionArn });
  return TopicArn;
}

/** Changes the actor of an audit entry in the table. */
async function rewriteAuditEntry(actor: string) {
  const dynamodb = new DynamoDB(sandbox.config());
  await dynamodb.updateItem({
    TableName: 'linkgate-local',
    Key: { pk: { S: `AUDIT#${endpointId}` }, sk: { S: '000000002' } },
    UpdateExpression: 'SET actor = :actor',
    ExpressionAttributeValues: { ':actor': { S: actor } },
  });
  dynamodb.destroy();
}

test(
  'doctor finds nothing in a healthy deployment, and each of several faults, which its remedies repair',
  async () => {
    expect(await runDoctor()).toMatchObject({ exitCode: 0, names: [] });

    await deleteNotifications();
    await deleteSigningKey();
    await sqs.sendMessage({ QueueUrl, MessageBody: 'it failed' });
    const TopicArn = await unsubscribeQueue();
    await rewriteAuditEntry('mallory');
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: false });
    await sandbox.advanceClock(7_200);

    const { exitCode, findings, names } = await runDoctor();
    expect(exitCode).toBe(3);
    expect(names.sort()).toEqual([
      'audit-trails',
      'dead-letters',
      'full-sweep',
      'notification',
      'pending-sweep',
      'signing-key',
      'subscription',
    ]);
    const verification = await sandbox.linkgate('audit', 'verify', '--endpoint', endpointId, '--json');
    expect(verification.exitCode).toBe(3);
    expect(JSON.parse(verification.stdout)).toMatchObject({ broken: [{ endpointId, sequence: 2 }] });

    const find = (check: string) => findings.find(({ name }) => name === check);
    await runRemedy(find('notification'));
    await runRemedy(find('signing-key'));
    await sqs.purgeQueue({ QueueUrl });
    const [, Protocol, Endpoint] =
      /--protocol (\S+) --notification-endpoint (\S+)/.exec(find('subscription')?.remedy ?? '') ?? [];
    await sns.subscribe({ TopicArn, Protocol, Endpoint });
    await rewriteAuditEntry('linkgate');
    await sandbox.ask('PUT', '/_sandbox/schedules', { enabled: true });
    await sandbox.sweep();
    expect(await runDoctor()).toMatchObject({ exitCode: 0, names: [] });
  },
  timeoutMs,
);

test(
  'a removed tag, which the permissions of linkgate need, prevents an accept until its remedy sets it again',
  async () => {
    await removeTag();
    const notAccepted = await sandbox.connect(accounts.allowed, serviceId);
    await sandbox.advanceClock(360);
    const { findings } = await runDoctor();
    expect(findings).toMatchObject([
      { name: 'verdicts', detail: expect.stringContaining('UnauthorizedOperation') },
      { name: 'tag' },
    ]);
    expect(await describeState(sandbox, notAccepted)).toBe('pendingAcceptance');
    await runRemedy(findings[0]);
    await sandbox.advanceClock(3_600);
    await sandbox.waitForState(notAccepted, 'available');
    expect(await runDoctor()).toMatchObject({ exitCode: 0, names: [] });
  },
  timeoutMs,
);
