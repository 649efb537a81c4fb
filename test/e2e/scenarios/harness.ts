import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { type Clients, provider } from '../sandbox.ts';

/** A sandbox in this process, with its clients. */
export interface ScenarioContext {
  readonly sandbox: Sandbox;
  readonly linkgate: Clients;
}

/** A scenario with the service that it is about. */
export interface ServiceContext extends ScenarioContext {
  readonly serviceId: string;
}

export function connect({ linkgate, serviceId }: ServiceContext, accountId: string): Promise<string> {
  return linkgate.connect(accountId, serviceId);
}

export async function disconnect({ linkgate }: ScenarioContext, accountId: string, endpointId: string) {
  await linkgate.ec2(accountId).deleteVpcEndpoints({ VpcEndpointIds: [endpointId] });
  await linkgate.idle();
}

/** Accepts the connection outside of linkgate. */
export async function acceptByHand({ linkgate, serviceId }: ServiceContext, endpointId: string) {
  const accept = { ServiceId: serviceId, VpcEndpointIds: [endpointId] };
  await linkgate.ec2(provider).acceptVpcEndpointConnections(accept);
  await linkgate.idle();
}

export async function runFullSweep({ linkgate }: ScenarioContext) {
  await linkgate.advanceClock(60);
  await linkgate.ask('POST', '/_sandbox/schedules/sweep-connections');
}

/** Runs the work while a fault is active. */
export async function withFault({ linkgate }: ScenarioContext, fault: object, work: () => Promise<unknown>) {
  await linkgate.setFaults(fault);
  await work();
  await linkgate.setFaults();
}

export function listCalls({ sandbox }: ScenarioContext, principal: string) {
  return sandbox.calls.list({ since: 0, principal });
}

export const tableName = 'linkgate-local';

/** Gives direct access to the table. */
export async function withTable({ linkgate }: ScenarioContext, work: (client: DynamoDB) => Promise<unknown>) {
  const client = new DynamoDB(linkgate.config());
  await work(client);
  client.destroy();
}

export async function withQueues({ linkgate }: ScenarioContext, work: (client: SQS) => Promise<unknown>) {
  const client = new SQS(linkgate.config());
  await work(client);
  client.destroy();
}

/** Confirms the email subscription of an address. */
export async function confirmSubscription({ sandbox }: ScenarioContext, address: string) {
  const confirmationMail = sandbox.emulator.mails
    .list(0)
    .find(({ to, subject }) => to === address && /Confirm/.test(subject));
  await fetch(/^http\S+$/m.exec(confirmationMail?.text ?? '')?.[0] ?? '');
}

/** Removes the filter policy that limits an address to its own emails. */
export async function widenSubscription({ linkgate }: ScenarioContext, topic: string, address: string) {
  const TopicArn = `arn:aws:sns:us-east-1:${provider}:linkgate-local-${topic}`;
  const sns = new SNS(linkgate.config());
  const { Subscriptions = [] } = await sns.listSubscriptionsByTopic({ TopicArn });
  const { SubscriptionArn } = Subscriptions.find(({ Endpoint }) => Endpoint === address) ?? {};
  const policy = { AttributeName: 'FilterPolicy', AttributeValue: '{}' };
  await sns.setSubscriptionAttributes({ SubscriptionArn, ...policy });
  sns.destroy();
}
