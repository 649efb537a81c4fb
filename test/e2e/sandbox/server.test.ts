import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { EC2 } from '@aws-sdk/client-ec2';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { SSM } from '@aws-sdk/client-ssm';
import { STS } from '@aws-sdk/client-sts';
import { afterAll, expect, test } from '@jest/globals';
import { provider, startSandbox } from '../sandbox.ts';

const sandbox = await startSandbox('--quiet');
afterAll(() => sandbox.stop());

function as<T>(Client: new (config: never) => T, accessKeyId: string, region = 'us-east-1'): T {
  return new Client({ ...sandbox.config(accessKeyId), region, maxAttempts: 1 } as never);
}

test.each([
  ['022222222222', '022222222222', 'root'],
  [provider, provider, 'root'],
  [`${provider}.alice`, provider, 'user/alice'],
])('the access key %s is account %s, %s', async (accessKeyId, Account, identity) => {
  const Arn = `arn:aws:iam::${Account}:${identity}`;
  const answer = await as(STS, accessKeyId).getCallerIdentity({});
  expect(answer).toMatchObject({ Account, Arn });
});

test('an access key that is not an account is refused', async () => {
  await expect(as(EC2, 'AKIAIOSFODNN7EXAMPLE').describeVpcEndpoints({})).rejects.toMatchObject({
    name: 'AuthFailure',
    $metadata: { httpStatusCode: 401 },
  });
});

test('resources belong to one account and Region, whatever its name', async () => {
  const putParameter = { Name: '/here', Type: 'String', Value: 'there' } as const;
  const getParameter = { Name: '/here' };
  await as(SSM, '222222222222', 'mx-central-1').putParameter(putParameter);
  expect(await as(SSM, '222222222222', 'mx-central-1').getParameter(getParameter)).toMatchObject({
    Parameter: { Value: 'there' },
  });
  for (const [accountId, region] of [
    ['222222222222', 'eu-west-1'],
    ['333333333333', 'mx-central-1'],
  ] as const)
    await expect(as(SSM, accountId, region).getParameter(getParameter)).rejects.toThrow();
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
  const sqs = new SQS({ ...sandbox.config(), endpoint: here });
  const { QueueUrls = [] } = await sqs.listQueues({});
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

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request like a browser: `fetch` does not let a test set `Host`, `Origin` and `Sec-Fetch-Site`. */
function send(path: string, { method = 'GET', headers = {}, body }: Sent = {}) {
  return new Promise<{ status: number; headers: object; text: string }>((resolve, reject) => {
    const sending = request(`${sandbox.url}${path}`, { method, headers }, async (response) => {
      const chunks = await response.toArray();
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    sending.on('error', reject).end(body);
  });
}

const crossOriginHeaders = {
  'content-type': 'text/plain',
  origin: 'https://evil.example',
  'sec-fetch-site': 'cross-site',
};
const sameOriginHeaders = () => ({ origin: sandbox.url, 'sec-fetch-site': 'same-origin' });
const alice = { team: 'T01LOCAL', user: 'U01ALICE' };

const signedFor = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${provider}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});
const getSecret = {
  method: 'POST',
  headers: {
    ...signedFor('ssm'),
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'AmazonSSM.GetParameter',
  },
  body: JSON.stringify({ Name: '/linkgate/local/slack/signing-secret', WithDecryption: true }),
};

const changes: readonly (readonly [what: string, path: string, method: string, body: unknown])[] = [
  [
    'approves as Alice',
    '/slack/click',
    'POST',
    { ...alice, channel: 'C01APPROVALS', ts: '1.1', action_id: 'approve' },
  ],
  ['types a command as Alice', '/slack/command', 'POST', { ...alice, channel: 'C01OPS', text: 'waiting' }],
  ['calls Slack’s Web API', '/slack/api/auth.test', 'POST', {}],
  ['moves the clock', '/_sandbox/clock', 'POST', { advanceSeconds: 3600 }],
  ['sets a fault', '/_sandbox/faults', 'PUT', []],
  ['calls AWS', '/', 'POST', {}],
  ['asks before it calls AWS', '/', 'OPTIONS', undefined],
  ['calls the HTTP API', '/execute-api/any/services', 'POST', {}],
  ['follows a link of a mail', '/?Action=Unsubscribe&SubscriptionArn=any', 'GET', undefined],
];

test.each(changes)('a web page of another origin that %s is refused', async (_, path, method, body) => {
  const sent = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const { 'sec-fetch-site': site, ...withOrigin } = crossOriginHeaders;
  for (const headers of [
    crossOriginHeaders,
    withOrigin,
    { 'sec-fetch-site': site },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'null' },
    { origin: sandbox.url.replace('127.0.0.1', 'localhost') },
  ]) {
    const response = await send(path, { ...sent, headers });
    expect(response).toMatchObject({
      status: 403,
      text: expect.stringContaining('a page of another origin'),
    });
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test.each(changes)('a client other than a foreign web page %s', async (_, path, method, body) => {
  const sent = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
  for (const headers of [
    {},
    sameOriginHeaders(),
    { 'sec-fetch-site': 'none' },
    { origin: 'null', 'sec-fetch-site': 'same-origin' },
  ])
    expect((await send(path, { ...sent, headers })).text).not.toContain('another origin');
});

test.each([
  ['the signing secret', '/', getSecret],
  ['the health', '/_sandbox/health', {}],
  ['the messages', '/slack/messages?channel=C01OPS', {}],
  ['the mailbox', '/mail', {}],
  ['the first page', '/', {}],
  ['the HTTP API', '/execute-api/any/services', { headers: signedFor('execute-api') }],
])('%s is not served under another host name', async (_, path, sent: Sent) => {
  for (const host of ['rebound.example:4570', 'rebound.example', '127.0.0.1.rebound.example', '0.0.0.0:4570'])
    expect(await send(path, { ...sent, headers: { ...sent.headers, host } })).toMatchObject({
      status: 403,
      text: expect.stringContaining('only loopback names'),
    });
});

test.each(['localhost', 'LOCALHOST:80', '127.0.0.1:4570', '127.8.9.10', '[::1]:4570'])(
  'the signing secret is served under the loopback name %s',
  async (host) => {
    const { status, text } = await send('/', { ...getSecret, headers: { ...getSecret.headers, host } });
    expect(status).toBe(200);
    expect(text).toMatch(/"Value":"[0-9a-f]{32}"/);
  },
);

test('a foreign web page may link to the Slack page, but neither read nor frame it', async () => {
  const { status, headers } = await send('/slack', { headers: { 'sec-fetch-site': 'cross-site' } });
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  });
  expect(headers).not.toHaveProperty('access-control-allow-origin');
});

test.each(['none', 'same-origin'])('a link in an email works for a browser that sends %s', async (site) => {
  const { ApprovalsTopicArn: TopicArn } = await sandbox.ask<Record<string, string>>(
    'GET',
    '/_sandbox/outputs',
  );
  const sns = new SNS(sandbox.config());
  const Endpoint = `${site}@example.com`;
  await sns.subscribe({ TopicArn, Protocol: 'email', Endpoint });
  const mail = (await sandbox.mails()).find(({ to }) => to === Endpoint);
  const link = new URL(/http\S+/.exec(mail?.text ?? '')?.[0] ?? '');
  const path = `${link.pathname}${link.search}`;
  expect(await send(path, { headers: { 'sec-fetch-site': site } })).toMatchObject({
    status: 200,
    text: expect.stringContaining('Subscription confirmed'),
  });
});
