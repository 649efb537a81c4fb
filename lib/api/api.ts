import { type Context, Hono } from 'hono';
import { withDryRun } from './dry-run.ts';
import type { ApiApp, ApiDeps, ApiEnv } from './env.ts';
import { toErrorResponse } from './errors.ts';
import { handleIdempotencyKey } from './idempotency-key.ts';
import { allowlistRoutes } from './routes/allowlist.ts';
import { approversRoutes } from './routes/approvers.ts';
import { auditRoutes } from './routes/audit.ts';
import { connectionsRoutes } from './routes/connections.ts';
import { customersRoutes } from './routes/customers.ts';
import { doctorRoutes } from './routes/doctor.ts';
import { itemsRoutes } from './routes/items.ts';
import { modeRoutes } from './routes/mode.ts';
import { operationsRoutes } from './routes/operations.ts';
import { plansRoutes } from './routes/plans.ts';
import { revocationRoutes } from './routes/revocation.ts';
import { servicesRoutes } from './routes/services.ts';
import { setupRoutes } from './routes/setup.ts';
import { slackRoutes } from './routes/slack.ts';
import { sweepsRoutes } from './routes/sweeps.ts';
import { addUnreadableWarnings, collectUnreadable } from './unreadable.ts';

const routeGroups: readonly ((app: ApiApp) => void)[] = [
  setupRoutes,
  servicesRoutes,
  allowlistRoutes,
  connectionsRoutes,
  revocationRoutes,
  sweepsRoutes,
  modeRoutes,
  operationsRoutes,
  approversRoutes,
  customersRoutes,
  plansRoutes,
  slackRoutes,
  auditRoutes,
  doctorRoutes,
  itemsRoutes,
];

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

  for (const add of routeGroups) add(app);
  return app;
}
