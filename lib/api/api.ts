import { type Context, Hono } from 'hono';
import { MalformedTokenError } from '../connection/list-connections.ts';
import { NameTakenError, OtherStageError, ServiceNotFoundError } from '../service/register-service.ts';
import { ContendedError } from '../table/contention.ts';
import { ApiError } from './api-error.ts';
import type { Api, ApiApp, Env } from './env.ts';
import { allowlistRoutes } from './routes/allowlist.ts';
import { connectionsRoutes } from './routes/connections.ts';
import { servicesRoutes } from './routes/services.ts';
import { setupRoutes } from './routes/setup.ts';
import { sweepsRoutes } from './routes/sweeps.ts';

const routes: readonly ((app: ApiApp) => void)[] = [
  setupRoutes,
  servicesRoutes,
  allowlistRoutes,
  connectionsRoutes,
  sweepsRoutes,
];

/** linkgate's HTTP API. Each request brings what it runs with. */
export function apiRoutes(apiFor: (context: Context) => Api): ApiApp {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    context.set('api', apiFor(context));
    await next();
  });
  app.onError((error, context) => {
    const known = answerTo(error);
    if (!known) context.get('api').report(error);
    const { status, code, message, details } = known ?? {
      status: 500 as const,
      code: 'InternalError',
      message:
        'linkgate failed, and the log of on-api-request says why; look what is there before you try again',
      details: undefined,
    };
    return context.json({ error: { code, message, ...(details && { details }) } }, status);
  });
  app.notFound((context) =>
    context.json(
      { error: { code: 'NotFound', message: `there is no ${context.req.method} ${context.req.path}` } },
      404,
    ),
  );

  for (const add of routes) add(app);
  return app;
}

function answerTo(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof ServiceNotFoundError) return new ApiError(404, 'UnknownService', error.message);
  if (error instanceof NameTakenError) return new ApiError(400, 'NameTaken', error.message);
  if (error instanceof OtherStageError) return new ApiError(409, 'Conflict', error.message);
  if (error instanceof MalformedTokenError) return new ApiError(400, 'InvalidRequest', error.message);
  if (error instanceof ContendedError) return new ApiError(409, 'Conflict', `${error.message}; try again`);
  return undefined;
}
