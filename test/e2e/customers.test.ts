import {
  CreateTopicCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
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

const { allowed, unknown } = accounts;
const email = 'ops@initech.example';

let sandbox: Sandbox;
let serviceId: string;

beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
  await sandbox.ask('PUT', '/_sandbox/throttling', { enabled: false });
  serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
  await sandbox.json('allow', allowed, '--service', 'payments');
}, 60_000);
afterAll(() => sandbox.stop());

interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

async function mails(): Promise<readonly Mail[]> {
  const { messages } = await sandbox.ask<{ messages: readonly Mail[] }>('GET', '/mail');
  return messages.filter(({ to }) => to === email);
}

const subjects = async () => (await mails()).map(({ subject }) => subject);

/** Waits for the batching window of customer notifications. */
async function waitForBatch() {
  await sandbox.idle();
  await sandbox.ask('POST', '/_sandbox/clock', { advanceSeconds: 11 });
  await sandbox.idle();
}

test('customers get no notifications before they have a contact', async () => {
  await createEndpoint(sandbox, unknown, serviceId);
  await waitForBatch();
  expect(await mails()).toEqual([]);
}, 30_000);

test('a confirmed address gets notifications of applied changes only, not of those in mode `observe`', async () => {
  await sandbox.json(
    'customer',
    'set',
    'initech',
    '--account',
    allowed,
    '--account',
    unknown,
    '--contact-email',
    email,
  );
  const [{ text = '' } = {}] = await mails();
  await fetch(/^http\S+$/m.exec(text)?.[0] ?? '');
  expect(await sandbox.json('customer', 'list')).toMatchObject({
    customers: [{ delivery: { status: 'ok' } }],
  });

  const endpointId = await createEndpoint(sandbox, allowed, serviceId);
  await waitUntil(async () => (await describeState(sandbox, endpointId)) === 'available');
  const pendingId = await createEndpoint(sandbox, unknown, serviceId);
  await waitForBatch();
  await sandbox.json('deny', pendingId, '--reason', 'no contract');
  await waitUntil(async () => (await describeState(sandbox, pendingId)) === 'rejected');
  await waitForBatch();
  expect((await subjects()).slice(1)).toEqual([
    `Accepted: ${endpointId} to payments`,
    `Waiting for approval: ${pendingId} to payments`,
    `Rejected: ${pendingId} to payments`,
  ]);
  expect(JSON.stringify(await mails())).not.toContain('no contract');

  await sandbox.json('mode', 'observe');
  await createEndpoint(sandbox, unknown, serviceId);
  await waitForBatch();
  expect(await mails()).toHaveLength(4);
  await sandbox.json('mode', 'enforce');
}, 60_000);

test('a topic gets notifications once its policy allows the provider, and is a finding until then', async () => {
  const config = {
    endpoint: sandbox.url,
    region: 'us-east-1',
    credentials: { accessKeyId: unknown, secretAccessKey: 'any' },
  };
  const [sns, sqs] = [new SNSClient(config), new SQSClient(config)];
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'linkgate-notices' }));
  await sandbox.json('customer', 'set', 'initech', '--account', unknown, '--contact-topic', TopicArn);
  await createEndpoint(sandbox, unknown, serviceId);
  await waitForBatch();
  expect(await sandbox.json('customer', 'list')).toMatchObject({
    customers: [{ delivery: { status: 'refused' } }],
  });

  const Principal = { AWS: `arn:aws:iam::${provider}:root` };
  const Statement = [{ Effect: 'Allow', Principal, Action: 'sns:Publish', Resource: TopicArn }];
  await sns.send(
    new SetTopicAttributesCommand({
      TopicArn,
      AttributeName: 'Policy',
      AttributeValue: JSON.stringify({ Version: '2012-10-17', Statement }),
    }),
  );
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: 'notices',
      Attributes: {
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Service: 'sns.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: '*',
            },
          ],
        }),
      },
    }),
  );
  const Endpoint = `arn:aws:sqs:us-east-1:${unknown}:notices`;
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
  const endpointId = await createEndpoint(sandbox, unknown, serviceId);
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
