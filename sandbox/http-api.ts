import { type Caller, callerUserId } from './aws/aws-service.ts';
import type { Role } from './callers.ts';
import { isAllowed } from './iam/policy.ts';
import type { InvokePermissions } from './invoke-permissions.ts';
import type { Lambda } from './lambda/lambda.ts';
import { inMemory, type OpenMap } from './persistence.ts';
import { type Bucket, type Level, takeToken } from './token-bucket.ts';

export interface Route {
  /** `GET /services/{service}` */
  readonly key: string;
  readonly functionArn: string;
  readonly needsIam: boolean;
}

export interface HttpApi {
  readonly id: string;
  /** The ARN in `execute-api` permissions. */
  readonly arn: string;
  readonly routes: Route[];
  throttling: Bucket | undefined;
}

export interface HttpRequest {
  readonly method: string;
  /** Path and query below the URL of the API. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly sourceIp: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `roleArn`: absent if the root of an account calls. */
type ApiCaller = Caller & { readonly accessKeyId: string; readonly roleArn?: string };

interface LambdaResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string;
}

/** API Gateway's HTTP APIs, by id. */
export function createHttpApis({
  now,
  lambda,
  permissions,
  roles,
  openMap = inMemory,
}: {
  now: () => number;
  lambda: Lambda;
  permissions: InvokePermissions;
  roles: ReadonlyMap<string, Role>;
  openMap?: OpenMap;
}) {
  const apis = new Map<string, HttpApi>();
  const buckets = openMap<Level>('http-api/buckets');

  function isThrottled({ id, throttling }: HttpApi): boolean {
    return throttling !== undefined && takeToken(buckets, id, throttling, now()) > 0;
  }

  /** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html */
  function mayInvoke({ arn }: HttpApi, method: string, path: string, caller: ApiCaller | undefined): boolean {
    if (caller?.accountId !== arn.split(':')[4]) return false;
    if (caller?.roleArn === undefined) return true;
    const access = { action: 'execute-api:Invoke', resource: `${arn}/$default/${method}${path}` };
    return isAllowed(roles.get(caller.roleArn)?.policies ?? [], access);
  }

  return {
    add: (api: HttpApi) => void apis.set(api.id, api),
    find: (id: string) => apis.get(id),
    /** `caller`: undefined if the request has no signature. */
    async handle(api: HttpApi, request: HttpRequest, caller: ApiCaller | undefined): Promise<HttpResponse> {
      const [, path = '', queryString = ''] = /^([^?]*)\??(.*)$/.exec(request.path) ?? [];
      const rawPath = decodePath(path);
      if (rawPath === undefined) return messageResponse(400, 'Bad Request');
      // Routing and IAM use the path as sent; only the function receives the decoded path.
      const match = matchRoute(api, request.method, path);
      if (!match) return messageResponse(404, 'Not Found');
      const { route, parameters } = match;
      if (route.needsIam && !mayInvoke(api, request.method, path, caller))
        return messageResponse(403, 'Forbidden');
      if (isThrottled(api)) return messageResponse(429, 'Too Many Requests');

      const sourceArn = `${api.arn}/$default/${route.key.replace(' ', '')}`;
      if (!permissions.allows(route.functionArn, 'apigateway.amazonaws.com', sourceArn))
        return messageResponse(500, 'Internal Server Error');
      const at = { rawPath, queryString };
      const event = toLambdaEvent(
        api,
        request,
        at,
        route,
        parameters,
        route.needsIam ? caller : undefined,
        now(),
      );
      const outcome = await lambda.invoke(route.functionArn, event);
      return outcome.ok ? toHttpResponse(outcome.value) : messageResponse(500, 'Internal Server Error');
    },
  };
}

/**
 * Returns the path that functions get: decoded, cut at a decoded `?`, and decoded again. AWS's Lambda test tool
 * decodes `rawPath`, `path` and `pathParameters`; captured events show the rest:
 * https://github.com/hotsock/voker/blob/main/vokerhttp/testdata/ingress-paths.json
 * @returns undefined if API Gateway refuses the path.
 */
function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(decodeURIComponent(path).split('?')[0] ?? '');
  } catch {
    return undefined;
  }
}

/** Finds the most specific route: the one with the fewest parameters. */
function matchRoute({ routes }: HttpApi, method: string, path: string) {
  const candidates = routes.flatMap((route) => {
    const [routeMethod = '', routePath = ''] = route.key.split(' ');
    const parameters = routeMethod === method ? matchPath(routePath, path) : undefined;
    return parameters ? [{ route, parameters }] : [];
  });
  const count = (parameters: object) => Object.keys(parameters).length;
  return candidates.sort((a, b) => count(a.parameters) - count(b.parameters))[0];
}

function matchPath(template: string, path: string): Record<string, string> | undefined {
  const names = template.split('/');
  const parts = path.split('/');
  const isMatch = (name: string, index: number) =>
    name.startsWith('{') ? parts[index] !== '' : name === parts[index];
  if (names.length !== parts.length || !names.every(isMatch)) return undefined;
  return Object.fromEntries(
    names.flatMap((name, index) =>
      name.startsWith('{') ? [[name.slice(1, -1), decodeURIComponent(parts[index] ?? '')]] : [],
    ),
  );
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, format 2.0 */
function toLambdaEvent(
  api: HttpApi,
  request: HttpRequest,
  { rawPath, queryString }: { readonly rawPath: string; readonly queryString: string },
  route: Route,
  pathParameters: Readonly<Record<string, string>>,
  caller: ApiCaller | undefined,
  time: number,
) {
  const { method, headers, body, sourceIp } = request;
  const values = new URLSearchParams(queryString);
  const query = Object.fromEntries(
    [...new Set(values.keys())].map((name) => [name, values.getAll(name).join(',')]),
  );
  const isText = body.equals(Buffer.from(body.toString('utf8')));
  return {
    version: '2.0',
    routeKey: route.key,
    rawPath,
    rawQueryString: queryString,
    headers,
    ...(queryString !== '' && { queryStringParameters: query }),
    requestContext: {
      accountId: api.arn.split(':')[4],
      apiId: api.id,
      ...(caller && { authorizer: { iam: iamAuthorizer(caller) } }),
      domainName: headers.host ?? '',
      domainPrefix: api.id,
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: crypto.randomUUID(),
      routeKey: route.key,
      stage: '$default',
      time: new Date(time).toUTCString(),
      timeEpoch: time,
    },
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    ...(body.length > 0 && { body: isText ? body.toString() : body.toString('base64') }),
    isBase64Encoded: !isText,
  };
}

function iamAuthorizer(caller: ApiCaller) {
  const { accessKeyId, accountId, arn } = caller;
  const userId = callerUserId(caller);
  return {
    accessKey: accessKeyId,
    accountId,
    callerId: userId,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: arn,
    userId,
  };
}

/** Converts a function's result. */
function toHttpResponse(value: unknown): HttpResponse {
  const { statusCode, headers = {}, body = '' } = value as LambdaResponse;
  const lowerCase = Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name.toLowerCase(), String(text)]),
  );
  return { status: statusCode, headers: { 'content-type': 'text/plain; charset=utf-8', ...lowerCase }, body };
}

function messageResponse(status: number, text: string): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message: text }) };
}
