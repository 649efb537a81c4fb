import {
  CreateTopicCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { accounts, createService, provider, startSandbox } from './sandbox.ts';

const { allowed, unknown } = accounts;
const email = 'ops@initech.example';

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
afterAll(() => sandbox.stop());

beforeAll(async () => {
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.json('allow', allowed, '--service', 'payments');
}, 60_000);

const mails = async () => (await sandbox.mails()).filter(({ to }) => to === email);

/** Waits for the batching window of customer notifications. */
async function waitForBatch() {
  await sandbox.idle();
  await sandbox.advanceClock(11);
  await sandbox.idle();
}

test('a confirmed address gets notifications of applied changes only, not of those in mode `observe`', async () => {
  const initech = ['initech', '--account', allowed, '--account', unknown, '--contact-email', email];
  await sandbox.json('customer', 'set', ...initech);
  const [{ text = '' } = {}] = await mails();
  await fetch(/^http\S+$/m.exec(text)?.[0] ?? '');
  expect(await sandbox.json('customer', 'list')).toMatchObject({
    customers: [{ delivery: { status: 'ok' } }],
  });

  const endpointId = await sandbox.connect(allowed, serviceId);
  const pendingId = await sandbox.connect(unknown, serviceId);
  await waitForBatch();
  await sandbox.json('deny', pendingId, '--reason', 'no contract');
  await sandbox.waitForState(pendingId, 'rejected');
  await waitForBatch();
  expect((await mails()).slice(1).map(({ subject }) => subject)).toEqual([
    `Accepted: ${endpointId} to payments`,
    `Waiting for approval: ${pendingId} to payments`,
    `Rejected: ${pendingId} to payments`,
  ]);
  expect(JSON.stringify(await mails())).not.toContain('no contract');

  await sandbox.json('mode', 'observe');
  await sandbox.connect(unknown, serviceId);
  await waitForBatch();
  expect(await mails()).toHaveLength(4);
  await sandbox.json('mode', 'enforce');
}, 60_000);

test('a topic gets notifications once its policy allows the provider, and is a finding until then', async () => {
  const config = sandbox.config(unknown);
  const [sns, sqs] = [new SNSClient(config), new SQSClient(config)];
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'linkgate-notices' }));
  await sandbox.json('customer', 'set', 'initech', '--account', unknown, '--contact-topic', TopicArn);
  await sandbox.connect(unknown, serviceId);
  await waitForBatch();
  expect(await sandbox.json('customer', 'list')).toMatchObject({
    customers: [{ delivery: { status: 'refused' } }],
  });

  const allow = (Principal: object, Action: string, Resource: string) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal, Action, Resource }] });
  const AttributeValue = allow({ AWS: `arn:aws:iam::${provider}:root` }, 'sns:Publish', TopicArn);
  await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue }));
  const Policy = allow({ Service: 'sns.amazonaws.com' }, 'sqs:SendMessage', '*');
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: 'notices', Attributes: { Policy } }),
  );
  const Endpoint = `arn:aws:sqs:us-east-1:${unknown}:notices`;
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
  const endpointId = await sandbox.connect(unknown, serviceId);
  await waitForBatch();
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const { MessageAttributes } = JSON.parse(Messages[0]?.Body ?? '{}');
  expect(MessageAttributes).toMatchObject({ event: { Value: 'waiting' }, endpointId: { Value: endpointId } });
  expect(JSON.parse(MessageAttributes.linkgate.Value)).toMatchObject({
    schemaVersion: '1.0',
    news: [{ endpointId }],
  });
  expect(await sandbox.json('customer', 'list')).toMatchObject({
    customers: [{ delivery: { status: 'ok' } }],
  });
  sns.destroy();
  sqs.destroy();
}, 60_000);
