import * as v from 'valibot';
import { withCustomerNames } from '../../customers/customer-names.ts';
import { findUnfinishedApply } from '../../policy-as-code/apply-lease.ts';
import { applyPlan } from '../../policy-as-code/apply-plan.ts';
import type { PolicyChange } from '../../policy-as-code/change.ts';
import { exportPolicy } from '../../policy-as-code/export.ts';
import { listPastExpiries } from '../../policy-as-code/past-expiries.ts';
import { findPlan, makePlan, type Plan, readPlanChanges } from '../../policy-as-code/plan.ts';
import { predictPlanImpact } from '../../policy-as-code/predict-plan-impact.ts';
import { simulate } from '../../policy-as-code/simulate.ts';
import { decodeCursor, ExpiredTokenError, encodePageToken } from '../../storage/cursor.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { ApiError } from '../api-error.ts';
import type { ApiApp, ApiDeps } from '../env.ts';
import { PlanInput, readBody, validateInput } from '../input.ts';
import { pathParameter } from '../route.ts';

/** A page of changes is one chunk of the plan. */
const PlanChangesCursor = v.object({ part: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/** Lambda limits an event to 6 MB, which contains the body as an escaped JSON string. */
const maxPolicyCharacters = 4_500_000;

export function plansRoutes(app: ApiApp): void {
  app.get('/policy', async (context) =>
    context.json(await exportPolicy(context.req.query('nextToken'), context.get('api'))),
  );
  app.post('/plans', async (context) => {
    const api = context.get('api');
    const { length } = await context.req.text();
    if (length > maxPolicyCharacters)
      throw new ApiError(
        400,
        'TooLarge',
        `the policy has ${length} characters; a request takes at most ${maxPolicyCharacters}`,
      );
    const {
      document,
      takeOwnership = false,
      allowRemovals = false,
    } = validateInput(PlanInput, await readBody(context), 'the policy');
    const plan = await makePlan(document, { takeOwnership, allowRemovals }, api);
    const location = { stage: api.deployment.stage, ...api.hub };
    return context.json(
      {
        plan: { ...planView(plan), ...location, ...(await findUnfinishedApply(api)) },
        warnings: listPastExpiries(document, api.now()),
      },
      201,
    );
  });
  app.get('/plans/:planId/changes', async (context) => {
    const api = context.get('api');
    const plan = await requirePlan(pathParameter(context, 'planId'), api);
    const token = context.req.query('nextToken');
    const list = `changes ${plan.planId}`;
    const { part } = token === undefined ? { part: 0 } : decodeCursor(list, token, PlanChangesCursor);
    if (part > 0 && part >= plan.changeParts) throw new ExpiredTokenError();
    const changes = await withCustomerNames(
      (await readPlanChanges(plan, api.table, part)).map(changeView),
      (change) => ('accountId' in change ? change.accountId : undefined),
      api,
    );
    const isLast = part + 1 >= plan.changeParts;
    return context.json({
      changes,
      ...(!isLast && { nextToken: encodePageToken(list, { part: part + 1 }) }),
    });
  });
  app.get('/plans/:planId/impact', async (context) => {
    const api = context.get('api');
    const plan = await requirePlan(pathParameter(context, 'planId'), api);
    const { effects, ...page } = await predictPlanImpact(
      plan,
      context.req.query('nextToken'),
      api.caller,
      api,
    );
    return context.json({ effects: await withCustomerNames(effects, selectOwnerAccountId, api), ...page });
  });
  app.get('/plans/:planId/simulation', async (context) => {
    const api = context.get('api');
    const plan = await requirePlan(pathParameter(context, 'planId'), api);
    const { requests, ...page } = await simulate(plan, context.req.query('nextToken'), api);
    return context.json({ requests: await withCustomerNames(requests, selectOwnerAccountId, api), ...page });
  });
  app.post('/plans/:planId/apply', async (context) => {
    const api = context.get('api');
    const plan = await requirePlan(pathParameter(context, 'planId'), api);
    await trackIdentity(api);
    const { warnings, ...apply } = await applyPlan(plan, api);
    return context.json({ apply, warnings });
  });
}

function selectOwnerAccountId({ ownerAccountId }: { readonly ownerAccountId: string }): string {
  return ownerAccountId;
}

/** @throws ApiError */
async function requirePlan(planId: string, api: ApiDeps): Promise<Plan> {
  const plan = await findPlan(planId, api);
  if (plan) return plan;
  throw new ApiError(404, 'UnknownPlan', 'there is no such plan; a plan expires after a day, plan again');
}

function planView({ planId, createdAt, createdBy, summary }: Plan) {
  return { planId, createdAt, createdBy, summary };
}

function changeView(change: PolicyChange) {
  if (change.kind === 'principal') return change;
  const { version: _version, ...view } = change;
  return view;
}
