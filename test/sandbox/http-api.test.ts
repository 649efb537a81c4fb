import { expect, test } from '@jest/globals';
import type { Role } from '../../sandbox/callers.ts';
import { createHttpApis, type HttpApi, type Route } from '../../sandbox/http-api.ts';
import type { Outcome } from '../../sandbox/lambda/execution-environment.ts';
import { manualClock } from './aws/manual-clock.ts';

const functionArn = 'arn:aws:lambda:us-east-1:111111111111:function:api';
const apiArn = 'arn:aws:execute-api:us-east-1:111111111111:api';
const root = {
  accountId: '111111111111',
  region: 'us-east-1',
  principal: 'root',
  arn: 'arn:aws:iam::111111111111:root',
  accessKeyId: '111111111111',
};

const roleArn = 'arn:aws:iam::111111111111:role/reader';
/** A caller with a read-only role. */
const reader = {
  ...root,
  principal: 'reader',
  arn: 'arn:aws:sts::111111111111:assumed-role/reader/session',
  accessKeyId: 'ASIAREADER',
  roleArn,
  role: {
    arn: roleArn,
    usedByLambda: [],
    policies: [
      {
        Statement: {
          Effect: 'Allow' as const,
          Action: 'execute-api:Invoke',
          Resource: `${apiArn}/$default/GET/things/*`,
        },
      },
    ],
  },
};

interface Event {
  readonly routeKey: string;
  readonly pathParameters?: object;
  readonly body?: string;
}

/** An API whose function returns its event as the response body, or `outcome`. */
function anApi({
  keys = ['GET /things/{thing}', 'GET /x'],
  needsIam = true,
  throttling,
  outcome,
  isPermitted = true,
}: {
  keys?: readonly string[];
  needsIam?: boolean;
  throttling?: HttpApi['throttling'];
  outcome?: Outcome;
  isPermitted?: boolean;
} = {}) {
  const clock = manualClock();
  const invoke = async (_arn: string, event: unknown): Promise<Outcome> =>
    outcome ?? { ok: true, value: { statusCode: 200, body: JSON.stringify(event) } };
  const apis = createHttpApis({
    now: clock.now,
    lambda: { invoke } as never,
    permissions: { allow: () => {}, allows: () => isPermitted },
    roles: new Map<string, Role>([[reader.roleArn, reader.role]]),
  });
  const routes: Route[] = keys.map((key) => ({ key, functionArn, needsIam }));
  const api: HttpApi = { id: 'api', arn: apiArn, routes, throttling };
  const ask = (method: string, path: string, caller: typeof root | undefined = root, body = '') =>
    apis.handle(
      api,
      { method, path, headers: { host: 'h' }, body: Buffer.from(body), sourceIp: '::1' },
      caller,
    );
  const readEvent = async (method: string, path: string, body?: string): Promise<Event> =>
    JSON.parse(String((await ask(method, path, root, body)).body));
  return { clock, apis, api, ask, readEvent };
}

test('the function gets the request in payload format 2.0', async () => {
  const { readEvent } = anApi({ keys: ['PUT /allowlist/{service}/{account}'] });
  expect(await readEvent('PUT', '/allowlist/%2A/012345678901?a=1&a=2&b=%20', '{"x":1}')).toMatchObject({
    version: '2.0',
    routeKey: 'PUT /allowlist/{service}/{account}',
    rawPath: '/allowlist/*/012345678901',
    rawQueryString: 'a=1&a=2&b=%20',
    headers: { host: 'h' },
    queryStringParameters: { a: '1,2', b: ' ' },
    pathParameters: { service: '*', account: '012345678901' },
    requestContext: {
      accountId: '111111111111',
      authorizer: { iam: { userArn: root.arn, accountId: root.accountId } },
      http: { method: 'PUT', path: '/allowlist/*/012345678901', sourceIp: '::1' },
      stage: '$default',
    },
    body: '{"x":1}',
    isBase64Encoded: false,
  });
});

test('a binary body is base64', async () => {
  const { apis, api } = anApi();
  const request = { method: 'GET', path: '/x', headers: {}, body: Buffer.from([0xff, 0]), sourceIp: '::1' };
  const { body } = await apis.handle(api, request, root);
  expect(JSON.parse(String(body))).toMatchObject({ body: '/wA=', isBase64Encoded: true });
});

test.each([
  ['/services/list', 'GET /services/list'],
  ['/services/one', 'GET /services/{service}'],
])('GET %s takes the most specific route, %s', async (path, key) => {
  const keys = ['POST /services/list', 'GET /services/{service}', 'GET /services/list'];
  expect((await anApi({ keys }).readEvent('GET', path)).routeKey).toBe(key);
});

test.each([
  ['/things/a%20b', '/things/a b'],
  ['/things/a%2Fb', '/things/a/b'],
  ['/things/a%5Cb%23', '/things/a\\b#'],
  ['/things/..', '/things/..'],
  ['/things/a%3Fb', '/things/a'],
  ['/things/a%252Fb', '/things/a/b'],
])('the path %s matches its route, and reaches the function as %s', async (path, rawPath) => {
  expect(await anApi().readEvent('GET', path)).toMatchObject({
    routeKey: 'GET /things/{thing}',
    rawPath,
    requestContext: { http: { path: rawPath } },
  });
});

const failure: Outcome = { ok: false, error: { errorType: 'Error', errorMessage: '' } };
const stranger = { ...root, accountId: '222222222222' };
test.each<[string, number, string, typeof root?, Parameters<typeof anApi>[0]?]>([
  ['no route', 404, '/there', root],
  ['no signature', 403, '/x'],
  ['the signature of another account', 403, '/x', stranger],
  ['a function that does not let the API in', 500, '/x', root, { isPermitted: false }],
  ['a function that throws', 500, '/x', root, { outcome: failure }],
  ['a path that is no URL encoding', 400, '/%E0%A4%A', root],
  ['a path that is no URL encoding once it is decoded', 400, '/percent%25done', root],
])('%s gets %d', async (_, status, path, caller = undefined, options = {}) => {
  const { apis, api } = anApi(options);
  const request = { method: 'GET', path, headers: {}, body: Buffer.alloc(0), sourceIp: '::1' };
  const answer = await apis.handle(api, request, caller);
  expect(answer).toMatchObject({ status, body: expect.stringContaining('message') });
});

test.each([
  ['/things/one', 200],
  ['/x', 403],
])('with permission for GET /things/* only, GET %s gets %d', async (path, status) => {
  expect(await anApi().ask('GET', path, reader)).toMatchObject({ status });
});

test('a route without authorization passes no caller', async () => {
  const { readEvent } = anApi({ needsIam: false });
  expect(JSON.stringify(await readEvent('GET', '/x'))).not.toContain('authorizer');
});

test('requests beyond the burst are refused until the bucket refills', async () => {
  const { ask, clock } = anApi({ throttling: { capacity: 2, refillPerSecond: 1 } });
  const status = async () => (await ask('GET', '/x')).status;
  expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
  clock.advance(1000);
  expect([await status(), await status()]).toEqual([200, 429]);
});

test.each([
  [
    { statusCode: 201, headers: { 'Content-Type': 'text/html' }, body: 'x' },
    { status: 201, headers: { 'content-type': 'text/html' }, body: 'x' },
  ],
  [{ statusCode: 204 }, { status: 204, body: '' }],
])('the function result %j becomes %j', async (value, response) => {
  expect(await anApi({ outcome: { ok: true, value } }).ask('GET', '/x')).toMatchObject(response);
});
