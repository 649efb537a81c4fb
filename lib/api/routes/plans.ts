import * as v from 'valibot';
import { pageToken, positionIn, StaleTokenError } from '../../page-token.ts';
import { unfinishedApply } from '../../plan/apply-lease.ts';
import { applyPlan } from '../../plan/apply-plan.ts';
import type { Change } from '../../plan/change.ts';
import { exportPolicy } from '../../plan/export.ts';
import { pastExpiries } from '../../plan/past-expiries.ts';
import { changesIn, findPlan, makePlan, type Plan } from '../../plan/plan.ts';
import { predict } from '../../plan/predict.ts';
import { simulate } from '../../plan/simulate.ts';
import { lineageOf } from '../../table/lineage.ts';
import { ApiError } from '../api-error.ts';
import type { Api, ApiApp } from '../env.ts';
import { bodyOf, PlanInput, valid } from '../input.ts';
import { pathParameter } from '../route.ts';

/** A page of a plan's changes is a part of it. */
const Position = v.object({ part: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/** Lambda takes 6 MB, in which the body is a text in JSON once more. */
const largest = 4_500_000;

export function plansRoutes(app: ApiApp): void {
  app.get('/policy', async (context) =>
    context.json(await exportPolicy(context.req.query('nextToken'), context.get('api'))),
  );
  app.post('/plans', async (context) => {
    const api = context.get('api');
    const { length } = await context.req.text();
    if (length > largest)
      throw new ApiError(
        400,
        'TooLarge',
        `the policy has ${length} characters, and ${largest} fit into a request`,
      );
    const {
      document,
      adopt = false,
      allowRemovals = false,
    } = valid(PlanInput, await bodyOf(context), 'the policy');
    const plan = await makePlan(document, { adopt, allowRemovals }, api);
    const where = { stage: api.deployment.stage, ...api.hub };
    return context.json(
      {
        plan: { ...viewOfPlan(plan), ...where, ...(await unfinishedApply(api)) },
        warnings: pastExpiries(document, api.now()),
      },
      201,
    );
  });
  app.get('/plans/:planId/changes', async (context) => {
    const api = context.get('api');
    const plan = await planNamed(pathParameter(context, 'planId'), api);
    const token = context.req.query('nextToken');
    const list = `changes ${plan.planId}`;
    const { part } = token === undefined ? { part: 0 } : positionIn(list, token, Position);
    if (part > 0 && part >= plan.changeParts) throw new StaleTokenError();
    const changes = (await changesIn(plan, part, api.table)).map(viewOfChange);
    const isLast = part + 1 >= plan.changeParts;
    return context.json({ changes, ...(!isLast && { nextToken: pageToken(list, { part: part + 1 }) }) });
  });
  app.get('/plans/:planId/impact', async (context) => {
    const api = context.get('api');
    const plan = await planNamed(pathParameter(context, 'planId'), api);
    return context.json(await predict(plan, context.req.query('nextToken'), api.caller, api));
  });
  app.get('/plans/:planId/simulation', async (context) => {
    const api = context.get('api');
    const plan = await planNamed(pathParameter(context, 'planId'), api);
    return context.json(await simulate(plan, context.req.query('nextToken'), api));
  });
  app.post('/plans/:planId/apply', async (context) => {
    const api = context.get('api');
    const plan = await planNamed(pathParameter(context, 'planId'), api);
    await lineageOf(api);
    const { warnings, ...apply } = await applyPlan(plan, api);
    return context.json({ apply, warnings });
  });
}

/** @throws ApiError */
async function planNamed(planId: string, api: Api): Promise<Plan> {
  const plan = await findPlan(planId, api);
  if (plan) return plan;
  throw new ApiError(
    404,
    'UnknownPlan',
    'there is no such plan; a plan is forgotten after a day, plan again',
  );
}

function viewOfPlan({ planId, createdAt, createdBy, summary }: Plan) {
  return { planId, createdAt, createdBy, summary };
}

function viewOfChange(change: Change) {
  if (change.kind === 'principal') return change;
  const { version: _version, ...view } = change;
  return view;
}
