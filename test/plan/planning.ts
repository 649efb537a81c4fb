import { type AllowlistEntry, entryKey, readEntry } from '../../lib/allowlist/entry.ts';
import { applyPlan, type Progress } from '../../lib/plan/apply-plan.ts';
import type { Applying } from '../../lib/plan/apply-step.ts';
import type { Change } from '../../lib/plan/change.ts';
import type { PolicyDocument } from '../../lib/plan/document.ts';
import { changesOf, makePlan, type Plan } from '../../lib/plan/plan.ts';
import type { World } from '../doubles/world.ts';

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

export async function planned(world: World, document: PolicyDocument, adopt = false): Promise<Planned> {
  const plan = await makePlan(document, { adopt, allowRemovals: true }, world.deps);
  return { plan, changes: await changesOf(plan, world.table) };
}

/** Calls it until all is done, as the command line does. */
export async function applied(plan: Plan, deps: Applying): Promise<Progress> {
  for (;;) {
    const progress = await applyPlan(plan, deps);
    if (progress.status === 'done') return progress;
  }
}

/** Plans and applies at once. */
export async function follow(world: World, document: PolicyDocument, adopt = false): Promise<Planned> {
  const made = await planned(world, document, adopt);
  await applied(made.plan, world.deps);
  return made;
}

export async function entryIn(
  world: World,
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
