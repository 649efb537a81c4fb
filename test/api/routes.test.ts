import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import type { LambdaContext } from 'hono/aws-lambda';
import { matchedRoutes } from 'hono/route';
import { createApiApp } from '../../lib/api/api.ts';
import { type HttpApiEvent, respondByRoute } from '../../lib/api/route.ts';
import { createHttpApis } from '../../sandbox/http-api.ts';
import type { PolicyDocument } from '../../sandbox/iam/policy.ts';
import { aConnection, aService, endpointId } from '../builders.ts';
import { createTestEnv } from '../doubles/test-env.ts';
import { operations } from './openapi.ts';

const account = '111111111111';
const apiArn = `arn:aws:execute-api:us-east-1:${account}:api`;
const functionArn = `arn:aws:lambda:us-east-1:${account}:function:on-api-request`;
const levels = ['viewer', 'approver', 'administrator'];

interface ManagedPolicy {
  readonly Properties: { readonly PolicyDocument: PolicyDocument };
}
const managedPolicies: () => { Resources: Record<string, ManagedPolicy> } = createRequire(import.meta.url)(
  '../../resources/managed-policies.cjs',
);

/** Resolves an intrinsic function as CloudFormation does. */
function resolvePolicy(level: string): PolicyDocument {
  const name = `${level[0]?.toUpperCase()}${level.slice(1)}Policy`;
  const values = { Partition: 'aws', Region: 'us-east-1', AccountId: account };
  const text = JSON.stringify(managedPolicies().Resources[name]?.Properties.PolicyDocument)
    .replace(/\$\{AWS::(\w+)\}/g, (_, value: keyof typeof values) => values[value])
    .replace(/\$\{HttpApi\}/g, 'api')
    .replace(/\{"Fn::Sub":("[^"]+")\}/g, '$1');
  return JSON.parse(text);
}

/** linkgate behind API Gateway, for a caller with exactly one managed policy. */
function calledBy(level: string) {
  let ran: string | undefined;
  const env = createTestEnv({ services: [aService()], connections: [aConnection()] });
  const app = createApiApp((context) => {
    const { method, path } = matchedRoutes(context).at(-1) ?? {};
    if (method !== 'ALL') ran = `${method} ${path?.replace(/:(\w+)/g, '{$1}')}`;
    return env.deps;
  });
  const respond = respondByRoute(app);
  const roleArn = `arn:aws:iam::${account}:role/${level}`;
  const apis = createHttpApis({
    now: () => env.time.getTime(),
    lambda: {
      invoke: async (_arn: string, event: HttpApiEvent) => ({
        ok: true,
        value: await respond(event, {} as LambdaContext),
      }),
    } as never,
    permissions: { allow: () => {}, allows: () => true },
    roles: new Map([[roleArn, { arn: roleArn, usedByLambda: [], policies: [resolvePolicy(level)] }]]),
  });
  const routes = operations.map(({ method, path }) => ({
    key: `${method} ${path}`,
    functionArn,
    needsIam: true,
  }));
  const api = { id: 'api', arn: apiArn, routes, throttling: undefined };
  const caller = {
    accountId: account,
    region: 'us-east-1',
    principal: level,
    arn: `arn:aws:sts::${account}:assumed-role/${level}/session`,
    accessKeyId: 'ASIAEXAMPLE',
    roleArn,
  };
  /** Returns the operation that runs; undefined if none does. */
  return async function call(method: string, path: string): Promise<string | undefined> {
    ran = undefined;
    const body = Buffer.from(method === 'GET' ? '' : '{}');
    const request = { method, path, headers: { host: 'h' }, body, sourceIp: '::1' };
    await apis.handle(api, request, caller);
    return ran;
  };
}

const special = ['\\', '%5C', '#', '%23', '?', '%3F', '..', '%2E%2E', '%2F', '%252F', '//', '%2F%2F'];
/** Parameter values that select another operation if the API reads them as part of the path. */
const traversalValues = ['\\', '%5C', '/', '//', '%2F', '%252F'].flatMap((slash) =>
  ['', '#', '%23', '?', '%3F', '%253F'].flatMap((end) => [
    ['x', `revocation${end}`].join(slash),
    ['..', 'plans', 'id', `apply${end}`].join(slash),
    ['..', '..', 'setup', ''].join(slash) + end,
  ]),
);
const values = [...special, ...special.map((text) => `x${text}`), ...traversalValues];

const calls = operations.flatMap(({ method, path, access }) =>
  (path.match(/\{\w+\}/g) ?? []).flatMap((parameter) =>
    values.map((value) => ({
      operation: `${method} ${path}`,
      access,
      method,
      path: path.replace(parameter, value).replace(/\{\w+\}/g, 'x'),
    })),
  ),
);
const accessOf = new Map(operations.map(({ method, path, access }) => [`${method} ${path}`, access]));

test.each(levels)(
  'whatever a path parameter contains, a caller with the %s policy runs only operations of that policy',
  async (level) => {
    const call = calledBy(level);
    const included = levels.slice(0, levels.indexOf(level) + 1);
    const ran = new Set<string>();
    for (const { method, path } of calls) {
      const operation = await call(method, path);
      if (operation !== undefined) ran.add(operation);
    }
    expect([...ran].filter((operation) => !included.includes(accessOf.get(operation) ?? 'none'))).toEqual([]);
    expect(ran.size).toBeGreaterThan(1);
  },
  60_000,
);

test('a path whose parameters have one segment each runs the operation of its route, and no other', async () => {
  const call = calledBy('administrator');
  const oneSegment = calls.filter(
    ({ operation, path }) => /^[^?]*$/.test(path) && segments(path) === segments(operation),
  );
  const wrong = [];
  for (const { operation, method, path } of oneSegment) {
    const ran = await call(method, path);
    if (ran !== undefined && ran !== operation) wrong.push({ operation, path, ran });
  }
  expect(wrong).toEqual([]);
}, 60_000);

test.each([
  ['decoded', '*'],
  ['URL-encoded', '%2A'],
])('a path parameter has the same value when API Gateway passes it %s', async (_how, service) => {
  const respond = respondByRoute(createApiApp(() => createTestEnv().deps));
  const event = {
    routeKey: 'PUT /allowlist/{service}/{accountId}',
    rawPath: '/allowlist/*/022222222222',
    rawQueryString: '',
    pathParameters: { service, accountId: '022222222222' },
    headers: {},
    body: '{"effect":"block"}',
    isBase64Encoded: false,
    requestContext: { domainName: 'h', http: { method: 'PUT' } },
  };
  const { statusCode, body } = await respond(event as unknown as HttpApiEvent, {} as LambdaContext);
  expect([statusCode, JSON.parse(body)]).toMatchObject([200, { entry: { serviceId: '*' } }]);
});

test('an unknown route answers 404, whatever the path says', async () => {
  const respond = respondByRoute(createApiApp(() => createTestEnv().deps));
  const event = {
    routeKey: '$default',
    rawPath: `/connections/${endpointId(1)}/revocation`,
    rawQueryString: '',
    headers: {},
    isBase64Encoded: false,
    requestContext: { domainName: 'h', http: { method: 'POST' } },
  };
  const { statusCode, body } = await respond(event as unknown as HttpApiEvent, {} as LambdaContext);
  expect([statusCode, body]).toEqual([404, expect.stringContaining('there is no $default')]);
});

function segments(path: string): number {
  return path.split('/').length;
}
