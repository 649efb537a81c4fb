import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bundle } from '../../packaging/bundle.mjs';
import { inlineSchemaKeys } from '../../packaging/schema-keys.mjs';
import { endpointId, serviceId } from '../builders.ts';
import { type CannedResponse, cannedAws } from './canned-aws.ts';
import * as stock from './clients.ts';

type Clients = typeof stock;

const folder = mkdtempSync(join(tmpdir(), 'linkgate-bundle-'));
const resolvePath = (path: string) => fileURLToPath(new URL(path, import.meta.url));
let shakenClients: Clients;
let aws: Awaited<ReturnType<typeof cannedAws>>;

beforeAll(async () => {
  aws = await cannedAws();
  const outfile = join(folder, 'clients.cjs');
  await bundle(resolvePath('clients.ts'), outfile);
  shakenClients = createRequire(import.meta.url)(outfile);
}, 30_000);

afterAll(async () => {
  await aws.close();
  rmSync(folder, { recursive: true });
});

/** Returns the result or the error of a client, and its requests. */
async function callResult(
  clients: Clients,
  canned: CannedResponse,
  call: (clients: Clients, config: object) => Promise<unknown>,
) {
  aws.answer(canned);
  const config = {
    endpoint: aws.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: '111111111111', secretAccessKey: 'unused' },
    maxAttempts: 1,
  };
  const result = await call(clients, config).catch((error: Error) => ({ ...error, message: error.message }));
  return { result: structuredClone(result), requests: [...aws.requests] };
}

/** Expects the same result of the stock and the tree-shaken client, and returns it. */
async function expectSameResult(
  canned: CannedResponse,
  call: (clients: Clients, config: object) => Promise<unknown>,
) {
  const expected = await callResult(stock, canned, call);
  expect(await callResult(shakenClients, canned, call)).toEqual(expected);
  return expected;
}

function accept(clients: Clients, config: object) {
  return new clients.EC2Client(config).send(
    new clients.AcceptVpcEndpointConnectionsCommand({
      ServiceId: serviceId(1),
      VpcEndpointIds: [endpointId(1), endpointId(2)],
    }),
  );
}

function describeConnections(clients: Clients, config: object) {
  return new clients.EC2Client(config).send(
    new clients.DescribeVpcEndpointConnectionsCommand({
      Filters: [{ Name: 'vpc-endpoint-state', Values: ['pendingAcceptance'] }],
      MaxResults: 1_000,
    }),
  );
}

function ec2(action: string, content: string): string {
  return `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>${content}</${action}Response>`;
}

function connectionItem(number: number): string {
  return `<item><creationTimestamp>2026-11-21T11:59:00.000Z</creationTimestamp><dnsEntrySet><item><dnsName>d${number}</dnsName>
    <hostedZoneId>Z1</hostedZoneId></item></dnsEntrySet><ipAddressType>ipv4</ipAddressType><serviceId>${serviceId(1)}</serviceId>
    <vpcEndpointId>${endpointId(number)}</vpcEndpointId><vpcEndpointOwner>022222222222</vpcEndpointOwner>
    <vpcEndpointRegion>us-east-1</vpcEndpointRegion><vpcEndpointState>pendingAcceptance</vpcEndpointState></item>`;
}

describe('the bundled clients and the stock ones send the same request and return the same result for', () => {
  test('a success', async () => {
    const { result } = await expectSameResult(
      { body: ec2('AcceptVpcEndpointConnections', '<unsuccessful/>') },
      accept,
    );
    expect(result).toMatchObject({ Unsuccessful: [] });
  });

  test('a refusal inside a success', async () => {
    const refusal = `<unsuccessful><item><resourceId>${endpointId(2)}</resourceId><error><code>InvalidState</code><message>not now</message></error></item></unsuccessful>`;
    const { result } = await expectSameResult({ body: ec2('AcceptVpcEndpointConnections', refusal) }, accept);
    expect(result).toMatchObject({
      Unsuccessful: [{ ResourceId: endpointId(2), Error: { Code: 'InvalidState', Message: 'not now' } }],
    });
  });

  test('an error', async () => {
    const body =
      '<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors><RequestID>r-1</RequestID></Response>';
    const { result } = await expectSameResult({ status: 503, body }, accept);
    expect(result).toMatchObject({ name: 'RequestLimitExceeded', message: 'slow down' });
  });

  test('a page of 1,000 connections', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => connectionItem(index + 1)).join('');
    const body = ec2(
      'DescribeVpcEndpointConnections',
      `<vpcEndpointConnectionSet>${items}</vpcEndpointConnectionSet><nextToken>more</nextToken>`,
    );
    const { result } = await expectSameResult({ body }, describeConnections);
    expect(result).toMatchObject({ NextToken: 'more' });
    expect((result as { VpcEndpointConnections: unknown[] }).VpcEndpointConnections).toHaveLength(1_000);
  });

  test('items with unprocessed keys', async () => {
    const Key = { pk: { S: 'A' }, sk: { S: '1' } };
    const body = JSON.stringify({
      Responses: {
        linkgate: [
          { ...Key, version: { N: '3' }, drift: { L: [] }, location: { M: { region: { S: 'x' } } } },
        ],
      },
      UnprocessedKeys: { linkgate: { Keys: [Key], ConsistentRead: true } },
    });
    const { result } = await expectSameResult({ body }, (clients, config) =>
      new clients.DynamoDBClient(config).send(
        new clients.BatchGetItemCommand({
          RequestItems: { linkgate: { Keys: [Key], ConsistentRead: true } },
        }),
      ),
    );
    expect(result).toMatchObject(JSON.parse(body));
  });

  test('a cancelled transaction with its reasons', async () => {
    const body = JSON.stringify({
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      Message: 'cancelled',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Message: 'no' }],
    });
    const { result } = await expectSameResult({ status: 400, body }, async (clients, config) => {
      const command = new clients.TransactWriteItemsCommand({
        ClientRequestToken: 'the-same',
        TransactItems: [{ Put: { TableName: 'linkgate', Item: { pk: { S: 'A' } } } }],
      });
      return new clients.DynamoDBClient(config)
        .send(command)
        .catch((error) => ({ ...error, isKnown: error instanceof clients.TransactionCanceledException }));
    });
    expect(result).toMatchObject({
      isKnown: true,
      CancellationReasons: [{}, { Code: 'ConditionalCheckFailed' }],
    });
  });
});

describe('the bundle of', () => {
  /** Returns the bundled code of a function. */
  async function bundleCode(name: string): Promise<string> {
    const { outputFiles } = await bundle(
      resolvePath(`../../functions/${name}.ts`),
      join(folder, `${name}.js`),
      {
        write: false,
        sourcemap: false,
      },
    );
    return outputFiles?.[0]?.text ?? '';
  }

  test('apply-verdicts has the EC2 schemas that it uses only', async () => {
    const code = await bundleCode('apply-verdicts');
    expect(code).toContain('AcceptVpcEndpointConnections');
    expect(code).not.toContain('RunInstances');
    expect(code.length).toBeLessThan(500 * 1024);
  }, 30_000);

  test('record-connection-state, which never calls EC2, has no EC2 client', async () => {
    const code = await bundleCode('record-connection-state');
    expect(code).not.toContain('VpcEndpointConnectionsRequest');
    expect(code.length).toBeLessThan(350 * 1024);
  }, 30_000);
});

test('a computed key is replaced if its constant is a string, and stays otherwise', () => {
  const source = 'const _a = "A";\nconst b = 1;\nexport const x = { [_a]: 1, [b]: 2, [_unknown]: 3 };';
  expect(inlineSchemaKeys(source)).toContain('{ "A": 1, [b]: 2, [_unknown]: 3 }');
});
