import { type AllowlistEntry, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import { type ApplyResult, applyPlan } from '../../lib/policy-as-code/apply-plan.ts';
import type { ApplyStepDeps } from '../../lib/policy-as-code/apply-step.ts';
import type { PolicyChange } from '../../lib/policy-as-code/change.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { makePlan, type Plan, readPlanChanges } from '../../lib/policy-as-code/plan.ts';
import type { TestEnv } from '../doubles/test-env.ts';

export function aDocument(document: Partial<PolicyDocument> = {}): PolicyDocument {
  return { groups: [], services: [], customers: [], entries: [], ...document };
}

export function allowEntry(
  accountId: string,
  entry: Partial<Extract<PolicyDocument['entries'][number], { effect: 'allow' }>> = {},
) {
  return { service: 'orders', accountId, effect: 'allow' as const, ...entry };
}

export function blockEntry(accountId: string, service = 'orders') {
  return { service, accountId, effect: 'block' as const };
}

export interface PlanAndChanges {
  readonly plan: Plan;
  readonly changes: readonly PolicyChange[];
}

export async function planDocument(
  env: TestEnv,
  document: PolicyDocument,
  takeOwnership = false,
): Promise<PlanAndChanges> {
  const plan = await makePlan(document, { takeOwnership, allowRemovals: true }, env.deps);
  return { plan, changes: await readPlanChanges(plan, env.table) };
}

/** Calls `applyPlan` until it is done, as the command line does. */
export async function applyToEnd(plan: Plan, deps: ApplyStepDeps): Promise<ApplyResult> {
  for (;;) {
    const progress = await applyPlan(plan, deps);
    if (progress.status === 'done') return progress;
  }
}

/** Plans and applies. */
export async function planAndApply(
  env: TestEnv,
  document: PolicyDocument,
  takeOwnership = false,
): Promise<PlanAndChanges> {
  const planned = await planDocument(env, document, takeOwnership);
  await applyToEnd(planned.plan, env.deps);
  return planned;
}

export async function findEntry(
  env: TestEnv,
  serviceId: string,
  accountId: string,
): Promise<AllowlistEntry | undefined> {
  const [item] = await env.table.get([entryKey(serviceId, accountId)]);
  return item && readEntry(item);
}

/** Formats the changes of a plan, one per line. */
export function formatChanges(changes: readonly PolicyChange[]): string[] {
  return changes.map((change) =>
    [change.action, change.kind, change.name, ...('service' in change ? ['at', change.service] : [])].join(
      ' ',
    ),
  );
}
