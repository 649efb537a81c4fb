import { ModifyVpcEndpointServiceConfigurationCommand } from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { busSchemas } from '../bus-schemas.ts';
import { accounts, createService, provider, startSandbox, waitUntil } from './sandbox.ts';

interface PublishedEvent {
  readonly 'detail-type': string;
  readonly detail: {
    readonly connection?: { readonly endpointId: string; readonly state: string };
    readonly service?: { readonly serviceId: string };
    readonly drift?: readonly { readonly check: string }[];
    readonly verdict?: { readonly outcome: string };
  };
}

const sandbox = await startSandbox('--quiet');
const sqs = new SQSClient(sandbox.config());
let queueUrl: string;
const published: PublishedEvent[] = [];

/** Creates a queue of the user with a rule on linkgate's bus for all events. */
beforeAll(async () => {
  const events = new EventBridgeClient(sandbox.config());
  const { RuleArn } = await events.send(
    new PutRuleCommand({
      Name: 'everything',
      EventBusName: 'linkgate-local',
      EventPattern: JSON.stringify({ source: ['linkgate'] }),
    }),
  );
  const queueArn = `arn:aws:sqs:us-east-1:${provider}:everything`;
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': RuleArn } },
  };
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({
      QueueName: 'everything',
      Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) },
    }),
  );
  queueUrl = QueueUrl;
  await events.send(
    new PutTargetsCommand({
      Rule: 'everything',
      EventBusName: 'linkgate-local',
      Targets: [{ Id: 'queue', Arn: queueArn }],
    }),
  );
  events.destroy();
}, 60_000);

afterAll(async () => {
  sqs.destroy();
  await sandbox.stop();
});

async function listen(): Promise<void> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
  );
  for (const { Body = '', ReceiptHandle } of Messages) {
    published.push(JSON.parse(Body));
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  }
}

/** Finds the first event of a type that matches. */
async function event(
  name: string,
  matches: (detail: PublishedEvent['detail']) => boolean,
): Promise<PublishedEvent['detail']> {
  const findDetail = () =>
    published.find((one) => one['detail-type'] === name && matches(one.detail))?.detail;
  await waitUntil(async () => {
    await listen();
    return findDetail() !== undefined;
  });
  return findDetail() ?? {};
}

test('the bus carries events of a waiting request, its connection and a drifted service', async () => {
  const serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId);
  const endpointId = await sandbox.connect(accounts.unknown, serviceId);
  const isAbout = ({ connection }: PublishedEvent['detail']) => connection?.endpointId === endpointId;
  await event('Connection Request', isAbout);
  expect(await event('Connection Waiting', isAbout)).toMatchObject({ verdict: { outcome: 'ask' } });

  await sandbox.json('approve', endpointId);
  await event('Connection Changed', (detail) => isAbout(detail) && detail.connection?.state === 'available');

  await sandbox
    .ec2(provider)
    .send(
      new ModifyVpcEndpointServiceConfigurationCommand({ ServiceId: serviceId, AcceptanceRequired: false }),
    );
  const drifted = await event(
    'Service Drifted',
    ({ service, drift }) =>
      service?.serviceId === serviceId &&
      drift?.some(({ check }) => check === 'acceptance-is-not-required') === true,
  );
  expect(drifted.service).toMatchObject({ serviceId });
}, 120_000);

test('each event matches its published schema', () => {
  expect(published.flatMap(busSchemas())).toEqual([]);
});

test('an accepted request does not invoke on-table-stream', async () => {
  const serviceId = await createService(sandbox);
  await sandbox.json('service', 'add', serviceId);
  await sandbox.json('allow', accounts.allowed, '--service', serviceId);
  await sandbox.idle();
  await sandbox.ask('DELETE', '/_sandbox/calls');
  await sandbox.connect(accounts.allowed, serviceId);
  expect(await sandbox.calls('on-table-stream')).toEqual([]);
});
