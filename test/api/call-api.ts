import { expect } from '@jest/globals';
import { createApiApp } from '../../lib/api/api.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { findOperation, validateRequestBody, validateResponse } from './openapi.ts';

interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Calls the API and validates the request and the response against docs/openapi.yml.
 * @param request method and path, such as `GET /mode`
 */
export async function sendApiRequest(
  env: TestEnv,
  request: string,
  { body, headers = {} }: RequestOptions = {},
): Promise<Response> {
  const [method = '', path = ''] = request.split(/ (.*)/s);
  const isRaw = body === undefined || typeof body === 'string' || body instanceof Buffer;
  const text = isRaw ? body : JSON.stringify(body);
  const { pathname, search } = new URL(path, 'http://api');
  const operation = findOperation(method, pathname);
  const route = operation?.path ?? pathname;
  const event = {
    routeKey: `${method} ${route}`,
    pathParameters: parsePathParameters(route, pathname),
    headers,
  };
  const response = await createApiApp(() => env.deps).request(
    route + search,
    { method, headers, ...(text !== undefined && { body: text }) },
    { event },
  );
  expect(validateResponse(operation, response.status, await response.clone().json())).toEqual([]);
  if (operation?.definition.requestBody && response.ok)
    expect(validateRequestBody(operation, JSON.parse(String(text ?? 'null')))).toEqual([]);
  return response;
}

/** Parses path parameters as API Gateway does. */
function parsePathParameters(route: string, pathname: string): Record<string, string> {
  const values = pathname.split('/').map(decodeURIComponent);
  return Object.fromEntries(
    route
      .split('/')
      .flatMap((part, at) => (part.startsWith('{') ? [[part.slice(1, -1), values[at] ?? '']] : [])),
  );
}

/** Calls the API and returns status and body. */
export async function callApi(
  env: TestEnv,
  request: string,
  body?: unknown,
  headers: RequestOptions['headers'] = {},
) {
  const response = await sendApiRequest(env, request, { body, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** What `callApi` returns for an error whose message contains `sentence`. */
export function errorAnswer(status: number, code: string, sentence = '') {
  return { status, body: { error: { code, message: expect.stringContaining(sentence) } } };
}
