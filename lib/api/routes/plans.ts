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
import { decodeCursor, ExpiredTokenError, nextPageFields } from '../../storage/cursor.ts';
import { trackIdentity } from '../../storage/table-identity.ts';
import { ApiError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { PlanInput } from '../input.ts';
import type { Routes } from '../request.ts';

/** A page of changes is one chunk of the plan. */
const PlanChangesCursor = v.object({ part: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/** Lambda limits an event to 6 MB, which contains the body as an escaped JSON string. */
const maxPolicyCharacters = 4_500_000;

export const plansRoutes: Routes = {
  'GET /policy': (request, api) => exportPolicy(request.nextToken, api),
  'POST /plans': async (request, api) => {
    const { length } = await request.text();
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
    } = await request.body(PlanInput, 'the policy');
    const plan = await makePlan(document, { takeOwnership, allowRemovals }, api);
    const location = { stage: api.deployment.stage, ...api.hub };
    request.setStatus(201);
    return {
      plan: { ...planView(plan), ...location, ...(await findUnfinishedApply(api)) },
      warnings: listPastExpiries(document, api.now()),
    };
  },
  'GET /plans/{planId}/changes': async (request, api) => {
    const plan = await requirePlan(request.parameter('planId'), api);
    const list = `changes ${plan.planId}`;
    const { part } = decodeCursor(list, request.nextToken, PlanChangesCursor, { part: 0 });
    if (part > 0 && part >= plan.changeParts) throw new ExpiredTokenError();
    const changes = await withCustomerNames(
      (await readPlanChanges(plan, api.table, part)).map(changeView),
      (change) => ('accountId' in change ? change.accountId : undefined),
      api,
    );
    const next = part + 1 < plan.changeParts ? { part: part + 1 } : undefined;
    return { changes, ...nextPageFields(list, next) };
  },
  'GET /plans/{planId}/impact': async (request, api) => {
    const plan = await requirePlan(request.parameter('planId'), api);
    const { effects, ...page } = await predictPlanImpact(plan, request.nextToken, api.caller, api);
    return { effects: await withCustomerNames(effects, selectOwnerAccountId, api), ...page };
  },
  'GET /plans/{planId}/simulation': async (request, api) => {
    const plan = await requirePlan(request.parameter('planId'), api);
    const { requests, ...page } = await simulate(plan, request.nextToken, api);
    return { requests: await withCustomerNames(requests, selectOwnerAccountId, api), ...page };
  },
  'POST /plans/{planId}/apply': async (request, api) => {
    const plan = await requirePlan(request.parameter('planId'), api);
    await trackIdentity(api);
    const { warnings, ...apply } = await applyPlan(plan, api);
    return { apply, warnings };
  },
};

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
