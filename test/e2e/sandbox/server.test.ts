import { networkInterfaces } from 'node:os';
import { DescribeVpcEndpointsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, expect, test } from '@jest/globals';
import { provider, startSandbox } from '../sandbox.ts';

const sandbox = await startSandbox('--quiet');
afterAll(() => sandbox.stop());

function as<T>(Client: new (config: never) => T, accessKeyId: string, region = 'us-east-1'): T {
  return new Client({ ...sandbox.config(accessKeyId), region, maxAttempts: 1 } as never);
}

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

test('a request without a signature is refused', async () => {
  const response = await fetch(sandbox.url, { method: 'POST', body: 'Action=DescribeVpcEndpoints' });
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('MissingAuthenticationToken');
});

test('a request that is not JSON gets a client error', async () => {
  const headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=${provider}/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'DynamoDB_20120810.PutItem',
  };
  const response = await fetch(sandbox.url, { method: 'POST', headers, body: '{' });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('SerializationException');
});

test('a queue URL has the host of the request', async () => {
  const here = sandbox.url.replace('127.0.0.1', 'localhost');
  const sqs = new SQSClient({ ...sandbox.config(), endpoint: here });
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  expect(QueueUrls[0]).toContain(`${here}/${provider}/linkgate-local-`);
});

test('the server listens on the loopback interface only', async () => {
  const externalAddress = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  if (!externalAddress) return console.warn('NOT CHECKED: this machine has no address but loopback');
  const { port } = new URL(sandbox.url);
  await expect(fetch(`http://${externalAddress.address}:${port}/_sandbox/health`)).rejects.toThrow();
});
