import type { Context } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import type { ApiApp, ApiEnv } from './env.ts';

/** An HTTP API's request in payload format 2.0. */
export type HttpApiEvent = Extract<LambdaEvent, { rawPath: string }>;

/**
 * Answers each event by its `routeKey`, the route that IAM has judged. `rawPath` comes decoded: a `\`, `#`, `?` or `..` in a
 * parameter makes another route of it.
 */
export function respondByRoute(app: ApiApp) {
  const respond = handle(app);
  return (event: HttpApiEvent, context: LambdaContext) => respond(withRoutePath(event), context);
}

/** The path is the route's own, with its parameters in braces; `pathParameter` reads their values. */
function withRoutePath(event: HttpApiEvent): HttpApiEvent {
  const [, method = 'GET', rawPath = '/'] = /^([A-Z]+) (\/.+)$/.exec(event.routeKey) ?? [];
  const { requestContext } = event;
  return {
    ...event,
    rawPath,
    requestContext: { ...requestContext, http: { ...requestContext.http, method } },
  };
}

/** API Gateway hands parameters over decoded. Should it not, nothing changes: no id and no name has a `%`. */
export function pathParameter({ env }: Context<ApiEnv>, name: string): string {
  const value = env.event.pathParameters?.[name] ?? '';
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
