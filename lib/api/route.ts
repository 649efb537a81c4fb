import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import type { ApiApp } from './env.ts';

/** A request of an HTTP API in payload format 2.0. */
export type HttpApiEvent = Extract<LambdaEvent, { rawPath: string }>;

/**
 * Routes each event by its `routeKey`, the route that IAM has authorized. `rawPath` is decoded, so a `\`, `#`, `?` or `..` in a
 * parameter would select another route.
 */
export function respondByRoute(app: ApiApp) {
  const respond = handle(app);
  return (event: HttpApiEvent, context: LambdaContext) => respond(withRoutePath(event), context);
}

/** Replaces the path with that of the route, with parameters in braces. `ApiRequest` reads their values. */
function withRoutePath(event: HttpApiEvent): HttpApiEvent {
  const [, method = 'GET', rawPath = '/'] = /^([A-Z]+) (\/.+)$/.exec(event.routeKey) ?? [];
  const { requestContext } = event;
  return {
    ...event,
    rawPath,
    requestContext: { ...requestContext, http: { ...requestContext.http, method } },
  };
}
