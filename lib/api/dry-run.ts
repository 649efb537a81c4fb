import type { Context } from 'hono';
import { overlayTable } from '../policy-as-code/overlay-table.ts';
import { invalidRequestError } from './api-error.ts';
import type { ApiDeps, ApiEnv } from './env.ts';
import { DryRunQuery, validateInput } from './input.ts';

/** The operations that change only the table, and that predict the impact of the change. */
const dryRunRoutes = [
  'PUT /allowlist/{service}/{accountId}',
  'DELETE /allowlist/{service}/{accountId}',
  'POST /services/{service}/disconnect',
  'POST /services/{service}/resume',
];

/**
 * Keeps all writes of a dry run in memory. The response then predicts the impact of the change.
 * @throws ApiError if the operation has no dry run, so that nobody changes something by mistake.
 */
export function withDryRun(context: Context<ApiEnv>, api: ApiDeps): ApiDeps {
  const { dryRun } = validateInput(DryRunQuery, context.req.query(), 'the query');
  if (dryRun !== 'true') return api;
  const { routeKey } = context.env.event;
  if (!dryRunRoutes.includes(routeKey)) throw invalidRequestError(`${routeKey} has no dry run`);
  return { ...api, isDryRun: true, table: overlayTable(api.table) };
}
