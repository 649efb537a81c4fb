import { type AllowlistEntry, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import { applyPlan, type Progress } from '../../lib/policy-as-code/apply-plan.ts';
import type { ApplyStepDeps } from '../../lib/policy-as-code/apply-step.ts';
import type { Change } from '../../lib/policy-as-code/change.ts';
import type { PolicyDocument } from '../../lib/policy-as-code/document.ts';
import { listChanges, makePlan, type Plan } from '../../lib/policy-as-code/plan.ts';
import type { TestEnv } from '../doubles/test-env.ts';

export function aDocument(document: Partial<PolicyDocument> = {}): PolicyDocument {
  return { groups: [], services: [], customers: [], entries: [], ...document };
}

export function allowing(
  accountId: string,
  entry: Partial<Extract<PolicyDocument['entries'][number], { effect: 'allow' }>> = {},
) {
  return { service: 'orders', accountId, effect: 'allow' as const, ...entry };
}

export function blocking(accountId: string, service = 'orders') {
  return { service, accountId, effect: 'block' as const };
}

export interface Planned {
  readonly plan: Plan;
  readonly changes: readonly Change[];
}

export async function planned(world: TestEnv, document: PolicyDocument, adopt = false): Promise<Planned> {
  const plan = await makePlan(document, { adopt, allowRemovals: true }, world.deps);
  return { plan, changes: await listChanges(plan, world.table) };
}

/** Calls it until all is done, as the command line does. */
export async function applied(plan: Plan, deps: ApplyStepDeps): Promise<Progress> {
  for (;;) {
    const progress = await applyPlan(plan, deps);
    if (progress.status === 'done') return progress;
  }
}

/** Plans and applies at once. */
export async function follow(world: TestEnv, document: PolicyDocument, adopt = false): Promise<Planned> {
  const made = await planned(world, document, adopt);
  await applied(made.plan, world.deps);
  return made;
}

export async function entryIn(
  world: TestEnv,
  serviceId: string,
  accountId: string,
): Promise<AllowlistEntry | undefined> {
  const [item] = await world.table.get([entryKey(serviceId, accountId)]);
  return item && readEntry(item);
}

/** What a plan says it does, in a line each. */
export function linesOf(changes: readonly Change[]): string[] {
  return changes.map((change) =>
    [change.action, change.kind, change.name, ...('service' in change ? ['at', change.service] : [])].join(
      ' ',
    ),
  );
}
