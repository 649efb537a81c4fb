import { networkInterfaces } from 'node:os';
import {
  DescribeVpcEndpointServicesCommand,
  DescribeVpcEndpointsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { ListSubscriptionsByTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createEndpoint, createService, provider, type Sandbox, startSandbox } from '../sandbox.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox('--quiet');
}, 60_000);
afterAll(() => sandbox.stop());

function as<T>(Client: new (config: never) => T, accessKeyId: string, region = 'us-east-1'): T {
  const credentials = { accessKeyId, secretAccessKey: 'any' };
  return new Client({ endpoint: sandbox.url, region, maxAttempts: 1, credentials } as never);
}

/** Sends a signed raw request. */
async function post(
  service: string,
  headers: Record<string, string>,
  body: string,
  accessKeyId: string = provider,
) {
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await fetch(sandbox.url, { method: 'POST', headers: { authorization, ...headers }, body });
  return { status: response.status, text: await response.text() };
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const target = (name: string) => ({ 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': name });

test.each(['022222222222', provider])('the access key %s is the root of that account', async (accountId) => {
  expect(await as(STSClient, accountId).send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: accountId,
    Arn: `arn:aws:iam::${accountId}:root`,
  });
});

test('an access key of an account and a name is a user of that account', async () => {
  expect(await as(STSClient, `${provider}.alice`).send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: provider,
    Arn: `arn:aws:iam::${provider}:user/alice`,
  });
});

test('an access key that is not an account is refused', async () => {
  await expect(
    as(EC2Client, 'AKIAIOSFODNN7EXAMPLE').send(new DescribeVpcEndpointsCommand({})),
  ).rejects.toMatchObject({ name: 'AuthFailure', $metadata: { httpStatusCode: 401 } });
});

test('resources belong to one account and Region, whatever its name', async () => {
  const putParameter = new PutParameterCommand({ Name: '/here', Type: 'String', Value: 'there' });
  const getParameter = new GetParameterCommand({ Name: '/here' });
  await as(SSMClient, '222222222222', 'mx-central-1').send(putParameter);
  expect(await as(SSMClient, '222222222222', 'mx-central-1').send(getParameter)).toMatchObject({
    Parameter: { Value: 'there' },
  });
  for (const [accountId, region] of [
    ['222222222222', 'eu-west-1'],
    ['333333333333', 'mx-central-1'],
  ] as const)
    await expect(as(SSMClient, accountId, region).send(getParameter)).rejects.toThrow();
});

test.each([
  ['ec2', form, 'Action=RunInstances&Version=2016-11-15', 'InvalidAction'],
  ['sns', form, 'Action=OptInPhoneNumber&Version=2010-03-31', 'InvalidAction'],
  ['sts', form, 'Action=GetFederationToken&Version=2011-06-15', 'InvalidAction'],
  ['events', target('AWSEvents.CreateArchive'), '{}', 'UnknownOperationException'],
  ['ssm', target('AmazonSSM.CreateDocument'), '{}', 'UnknownOperationException'],
  ['sqs', target('AmazonSQS.Dance'), '{}', 'UnknownOperationException'],
  ['dynamodb', target('DynamoDB_20120810.Dance'), '{}', 'UnknownOperationException'],
  ['kms', target('TrentService.Encrypt'), '{}', 'UnknownOperationException'],
])('an unknown action of %s gets the error of its protocol', async (service, headers, body, code) => {
  const { status, text } = await post(service, headers, body);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(text).toContain(code);
});

test('a request without a signature is refused', async () => {
  const response = await fetch(sandbox.url, { method: 'POST', body: 'Action=DescribeVpcEndpoints' });
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('MissingAuthenticationToken');
});

test('a request that is not JSON gets a client error', async () => {
  expect(await post('dynamodb', target('DynamoDB_20120810.PutItem'), '{')).toMatchObject({
    status: 400,
    text: expect.stringContaining('SerializationException'),
  });
});

test('a queue URL has the host of the request', async () => {
  const here = sandbox.url.replace('127.0.0.1', 'localhost');
  const credentials = { accessKeyId: provider, secretAccessKey: 'any' };
  const sqs = new SQSClient({ endpoint: here, region: 'us-east-1', credentials });
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  expect(QueueUrls[0]).toContain(`${here}/${provider}/linkgate-local-`);
});

test('every account has a network, and the provider a load balancer', async () => {
  const serviceId = await createService(sandbox);
  expect(await createEndpoint(sandbox, '222222222222', serviceId)).toMatch(/^vpce-[0-9a-f]{17}$/);
  const { ServiceDetails } = await as(EC2Client, '222222222222').send(
    new DescribeVpcEndpointServicesCommand({ ServiceNames: [`com.amazonaws.vpce.us-east-1.${serviceId}`] }),
  );
  expect(ServiceDetails).toHaveLength(1);
});

test('Slack’s secrets are in Parameter Store from the start', async () => {
  const readSecret = async (name: string) => {
    const Name = `/linkgate/local/slack/${name}`;
    const { Parameter } = await as(SSMClient, provider).send(
      new GetParameterCommand({ Name, WithDecryption: true }),
    );
    return Parameter;
  };
  expect(await readSecret('signing-secret')).toMatchObject({
    Type: 'SecureString',
    Value: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  const token = (await readSecret('bot-token'))?.Value;
  const response = await fetch(`${sandbox.url}/slack/api/auth.test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await response.json()).toMatchObject({ ok: true, team_id: 'T01LOCAL' });
});

test('the approver’s address is confirmed from the start, and the inbox is empty', async () => {
  const { ApprovalsTopicArn: TopicArn } = await sandbox.ask<Record<string, string>>(
    'GET',
    '/_sandbox/outputs',
  );
  const { Subscriptions } = await as(SNSClient, provider).send(
    new ListSubscriptionsByTopicCommand({ TopicArn }),
  );
  expect(Subscriptions).toMatchObject([
    { Endpoint: 'approver@example.com', SubscriptionArn: expect.stringMatching(`^${TopicArn}:`) },
  ]);
  expect(await sandbox.ask('GET', '/mail')).toEqual({ messages: [] });
});

test('a link in an email works without a signature, and an invalid one gets an error', async () => {
  const { ApprovalsTopicArn: TopicArn } = await sandbox.ask<Record<string, string>>(
    'GET',
    '/_sandbox/outputs',
  );
  const subscribe = new SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: 'new@example.com' });
  await as(SNSClient, provider).send(subscribe);
  const { messages } = await sandbox.ask<{ messages: { to: string; text: string }[] }>('GET', '/mail');
  const link = /http\S+/.exec(messages.find(({ to }) => to === 'new@example.com')?.text ?? '')?.[0] ?? '';
  expect((await fetch(`${link}0`)).status).toBe(400);
  expect(await (await fetch(link)).text()).toContain('Subscription confirmed');
});

test('the Slack page is served', async () => {
  const response = await fetch(`${sandbox.url}/slack`);
  expect(response.headers.get('content-type')).toContain('text/html');
  expect(await response.text()).toContain('# approvals');
});

test('the server listens on the loopback interface only', async () => {
  const externalAddress = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  if (!externalAddress) return console.warn('NOT CHECKED: this machine has no address but loopback');
  const { port } = new URL(sandbox.url);
  await expect(fetch(`http://${externalAddress.address}:${port}/_sandbox/health`)).rejects.toThrow();
});
