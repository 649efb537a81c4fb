import { EventBridge } from '@aws-sdk/client-eventbridge';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
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

const { unknown: customer } = accounts;
const timeoutMs = 120_000;

const sandbox = await startSandbox('--quiet');
const serviceId = await createService(sandbox);
const events = new EventBridge(sandbox.config());
const sqs = new SQS(sandbox.config());
const [customerSns, customerSqs] = [new SNS(sandbox.config(customer)), new SQS(sandbox.config(customer))];
const EventBusName = 'linkgate-local';
const published: PublishedEvent[] = [];
let queueUrl: string;

const allow = (Principal: object, Action: string, Resource: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal, Action, Resource }] });

/** Creates a queue that an AWS service may send to. */
async function createQueue(client: SQS, QueueName: string, service: string): Promise<string> {
  const Attributes = { Policy: allow({ Service: `${service}.amazonaws.com` }, 'sqs:SendMessage', '*') };
  const { QueueUrl = '' } = await client.createQueue({ QueueName, Attributes });
  return QueueUrl;
}

/** Creates a queue of the user with a rule on linkgate's bus for all events. */
beforeAll(async () => {
  queueUrl = await createQueue(sqs, 'everything', 'events');
  const EventPattern = JSON.stringify({ source: ['linkgate'] });
  await events.putRule({ Name: 'everything', EventBusName, EventPattern });
  const Targets = [{ Id: 'queue', Arn: `arn:aws:sqs:us-east-1:${provider}:everything` }];
  await events.putTargets({ Rule: 'everything', EventBusName, Targets });
  await sandbox.json('service', 'add', serviceId, '--name', 'payments');
}, timeoutMs);

afterAll(async () => {
  for (const client of [events, sqs, customerSns, customerSqs]) client.destroy();
  await sandbox.stop();
});

async function listen(): Promise<void> {
  const { Messages = [] } = await sqs.receiveMessage({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 });
  for (const { Body = '', ReceiptHandle } of Messages) {
    published.push(JSON.parse(Body));
    await sqs.deleteMessage({ QueueUrl: queueUrl, ReceiptHandle });
  }
}

/** Waits for an event of a type that matches. */
async function waitForEvent(name: string, matches: (detail: PublishedEvent['detail']) => boolean) {
  await waitUntil(async () => {
    await listen();
    return published.some((event) => event['detail-type'] === name && matches(event.detail));
  });
}

test(
  'the bus carries events of a waiting request, its connection and a drifted service, which match their schemas',
  async () => {
    const endpointId = await sandbox.connect(customer, serviceId);
    const isAbout = ({ connection }: PublishedEvent['detail']) => connection?.endpointId === endpointId;
    await waitForEvent('Connection Request', isAbout);
    await waitForEvent(
      'Connection Waiting',
      (detail) => isAbout(detail) && detail.verdict?.outcome === 'ask',
    );
    await sandbox.json('approve', endpointId);
    await waitForEvent(
      'Connection Changed',
      (detail) => isAbout(detail) && detail.connection?.state === 'available',
    );
    const setAcceptance = (AcceptanceRequired: boolean) =>
      sandbox
        .ec2(provider)
        .modifyVpcEndpointServiceConfiguration({ ServiceId: serviceId, AcceptanceRequired });
    await setAcceptance(false);
    await waitForEvent(
      'Service Drifted',
      ({ service, drift = [] }) =>
        service?.serviceId === serviceId && drift.some(({ check }) => check === 'acceptance-is-not-required'),
    );
    await setAcceptance(true);
    expect(published.flatMap(busSchemas())).toEqual([]);
  },
  timeoutMs,
);

test(
  "a customer's topic gets events once its policy allows the provider, and is refused until then",
  async () => {
    const { TopicArn = '' } = await customerSns.createTopic({ Name: 'linkgate-notices' });
    await sandbox.json('customer', 'set', 'initech', '--account', customer, '--contact-topic', TopicArn);
    /** Creates an endpoint, and waits for the batching window of customer notifications. */
    const connectAndNotify = async () => {
      const endpointId = await sandbox.connect(customer, serviceId);
      await sandbox.advanceClock(11);
      await sandbox.idle();
      return endpointId;
    };
    const expectDelivery = async (status: string) =>
      expect(await sandbox.json('customer', 'list')).toMatchObject({ customers: [{ delivery: { status } }] });
    await connectAndNotify();
    await expectDelivery('refused');

    const AttributeValue = allow({ AWS: `arn:aws:iam::${provider}:root` }, 'sns:Publish', TopicArn);
    await customerSns.setTopicAttributes({ TopicArn, AttributeName: 'Policy', AttributeValue });
    const QueueUrl = await createQueue(customerSqs, 'notices', 'sns');
    const Endpoint = `arn:aws:sqs:us-east-1:${customer}:notices`;
    await customerSns.subscribe({ TopicArn, Protocol: 'sqs', Endpoint });
    const endpointId = await connectAndNotify();
    const { Messages = [] } = await customerSqs.receiveMessage({ QueueUrl });
    const { MessageAttributes } = JSON.parse(Messages[0]?.Body ?? '{}');
    expect(MessageAttributes).toMatchObject({
      event: { Value: 'waiting' },
      endpointId: { Value: endpointId },
    });
    expect(JSON.parse(MessageAttributes.linkgate.Value)).toMatchObject({
      schemaVersion: '1.0',
      news: [{ endpointId }],
    });
    await expectDelivery('ok');
  },
  timeoutMs,
);
