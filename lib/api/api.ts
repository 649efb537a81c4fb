import { type Context, Hono } from 'hono';
import { withDryRun } from './dry-run.ts';
import type { ApiApp, ApiDeps, ApiEnv } from './env.ts';
import { toErrorResponse } from './errors.ts';
import { handleIdempotencyKey } from './idempotency-key.ts';
import { type Routes, readRequest } from './request.ts';
import { allowlistRoutes } from './routes/allowlist.ts';
import { approversRoutes } from './routes/approvers.ts';
import { auditRoutes } from './routes/audit.ts';
import { connectionsRoutes } from './routes/connections.ts';
import { customersRoutes } from './routes/customers.ts';
import { deploymentRoutes } from './routes/deployment.ts';
import { operationsRoutes } from './routes/operations.ts';
import { plansRoutes } from './routes/plans.ts';
import { revocationRoutes } from './routes/revocation.ts';
import { servicesRoutes } from './routes/services.ts';
import { sweepsRoutes } from './routes/sweeps.ts';
import { addUnreadableWarnings, collectUnreadable } from './unreadable.ts';

const routes: Routes = {
  ...deploymentRoutes,
  ...servicesRoutes,
  ...allowlistRoutes,
  ...connectionsRoutes,
  ...revocationRoutes,
  ...sweepsRoutes,
  ...operationsRoutes,
  ...approversRoutes,
  ...customersRoutes,
  ...plansRoutes,
  ...auditRoutes,
};

/** Builds linkgate's HTTP API. `apiFor` returns the dependencies of one request. */
export function createApiApp(apiFor: (context: Context) => ApiDeps): ApiApp {
  const app = new Hono<ApiEnv>();
  app.use(async (context, next) => {
    const { reportError, ...api } = apiFor(context);
    const unreadable = collectUnreadable(reportError);
    context.set('api', withDryRun(context, { ...api, reportError: unreadable.reportError }));
    await next();
    await addUnreadableWarnings(unreadable.errors(), context);
  });
  app.use(handleIdempotencyKey);
  app.onError(toErrorResponse);
  app.notFound((context) =>
    context.json({ error: { code: 'NotFound', message: `there is no ${context.env.event.routeKey}` } }, 404),
  );

  for (const [route, handle] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ');
    app.on(method, path.replace(/\{(\w+)\}/g, ':$1'), async (context) =>
      context.json(await handle(readRequest(context), context.get('api'))),
    );
  }
  return app;
}
