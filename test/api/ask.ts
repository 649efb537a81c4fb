import { expect } from '@jest/globals';
import { apiRoutes } from '../../lib/api/api.ts';
import type { TestEnv } from '../doubles/test-env.ts';
import { operationOf, problemsOfAnswer, problemsOfBody } from './openapi.ts';

interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the API answers in a world; that docs/openapi.yml describes it is looked at each time. */
export async function respond(
  world: TestEnv,
  method: string,
  path: string,
  { body, headers = {} }: Asked = {},
): Promise<Response> {
  const isRaw = body === undefined || typeof body === 'string' || body instanceof Buffer;
  const text = isRaw ? body : JSON.stringify(body);
  const { pathname, search } = new URL(path, 'http://api');
  const operation = operationOf(method, pathname);
  const route = operation?.path ?? pathname;
  const event = { routeKey: `${method} ${route}`, pathParameters: parametersIn(route, pathname), headers };
  const response = await apiRoutes(() => world.deps).request(
    route + search,
    { method, headers, ...(text !== undefined && { body: text }) },
    { event },
  );
  expect(problemsOfAnswer(operation, response.status, await response.clone().json())).toEqual([]);
  if (operation?.definition.requestBody && response.ok)
    expect(problemsOfBody(operation, JSON.parse(String(text ?? 'null')))).toEqual([]);
  return response;
}

/** As API Gateway finds them. */
function parametersIn(route: string, pathname: string): Record<string, string> {
  const values = pathname.split('/').map(decodeURIComponent);
  return Object.fromEntries(
    route
      .split('/')
      .flatMap((part, at) => (part.startsWith('{') ? [[part.slice(1, -1), values[at] ?? '']] : [])),
  );
}

/** The same, of which most tests look at this much. */
export async function ask(
  world: TestEnv,
  method: string,
  path: string,
  body?: unknown,
  headers?: Asked['headers'],
) {
  const response = await respond(world, method, path, { body, ...(headers && { headers }) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
