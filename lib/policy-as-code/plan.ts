import * as v from 'valibot';
import { approverGroupPartition } from '../approvers/approver-group.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { servicesPartition } from '../services/service.ts';
import { entity, formatKey, indexByKey } from '../storage/entity.ts';
import type { Key, Table } from '../storage/table.ts';
import { ttlInDays } from '../storage/ttl.ts';
import { type ChangeAction, changeKey, type ItemChange, PolicyChange } from './change.ts';
import { chunkedItems, chunkKeys, chunkValues } from './chunked-item.ts';
import { itemVersions, readCurrentState } from './current-state.ts';
import { type PolicyProblem, resolveDesiredState } from './desired-state.ts';
import { computeChanges } from './diff.ts';
import type { PolicyDocument } from './document.ts';
import { diffPrincipals, type PrincipalChangesDeps } from './principal-changes.ts';
import { requireFewRemovals } from './removal-limit.ts';

/** The number of changes by action. */
export const PlanSummary = v.object({
  add: v.number(),
  change: v.number(),
  remove: v.number(),
  conflicts: v.number(),
  unmanaged: v.number(),
});
export type PlanSummary = v.InferOutput<typeof PlanSummary>;

/** The changes from the table to a policy, with the versions of all inputs. TTL deletes it after a day. */
export const Plan = v.object({
  planId: v.string(),
  createdAt: v.string(),
  createdBy: v.string(),
  summary: PlanSummary,
  /** The number of parts with changes, and the number of parts with input versions. */
  changeParts: v.number(),
  versionParts: v.number(),
  /** The services whose entries are inputs, registered or not. */
  serviceIds: v.array(v.string()),
  /** Seconds since the epoch, for DynamoDB's TTL. */
  expiresAt: v.number(),
  version: v.number(),
});
export type Plan = v.InferOutput<typeof Plan>;

const planEntity = entity(Plan.entries, ({ planId }) => planKey(planId));
export const readPlan = planEntity.read;
const PlannedItemVersion = v.tuple([v.string(), v.number()]);
/** A value in a part of a plan. */
export const PartValue = v.union([PolicyChange, PlannedItemVersion]);

const planPartition = (planId: string) => `PLAN#${planId}`;
const planKey = (planId: string): Key => ({ pk: planPartition(planId), sk: 'PLAN' });
const partSeries = { changes: 'CHANGES', versions: 'VERSIONS' };

/** A part of the plan is missing. */
export class IncompletePlanError extends Error {
  override readonly name = 'LostPartError';

  constructor(planId: string) {
    super(`a part of the plan ${planId} is missing: plan again`);
  }
}

/** The policy cannot be applied. */
export class PolicyProblemsError extends Error {
  override readonly name = 'ProblemsError';
  readonly problems: readonly PolicyProblem[];

  constructor(problems: readonly PolicyProblem[]) {
    super(`the policy cannot be applied: ${problems.length} problems`);
    this.problems = problems;
  }
}

interface PlanDeps extends PrincipalChangesDeps {
  readonly table: Table;
  readonly id: () => string;
}

/**
 * Computes the changes of a document, stores them as a plan, and writes no other item.
 * @throws PolicyProblemsError, TooManyRemovalsError
 */
export async function makePlan(
  document: PolicyDocument,
  { takeOwnership, allowRemovals }: { readonly takeOwnership: boolean; readonly allowRemovals: boolean },
  deps: PlanDeps,
): Promise<Plan> {
  const { table, hub, id, now, caller } = deps;
  const state = await readCurrentState(document, deps);
  const { desiredState, problems } = resolveDesiredState(document, state, hub);
  if (problems.length > 0) throw new PolicyProblemsError(problems);
  const changes: PolicyChange[] = computeChanges(desiredState, state, { takeOwnership }).filter(
    isReadableChange(state.unreadable),
  );
  if (!allowRemovals) requireFewRemovals(changes, state);
  changes.push(...(await diffPrincipals(changes, state, deps)));

  const time = now();
  const planId = id();
  const expiresAt = ttlInDays(time, 1);
  const parts = (name: string, values: readonly unknown[]) =>
    chunkedItems(planPartition(planId), name, values, expiresAt);
  const changeParts = parts(partSeries.changes, changes);
  const versionParts = parts(partSeries.versions, [...itemVersions(state)]);
  const plan: Plan = {
    planId,
    createdAt: time.toISOString(),
    createdBy: caller,
    summary: summarizeChanges(changes),
    changeParts: changeParts.length,
    versionParts: versionParts.length,
    serviceIds: [...state.serviceIds],
    expiresAt,
    version: 1,
  };
  // The plan item is the last write, so that a stored plan has all of its parts.
  for (const item of [...changeParts, ...versionParts, planEntity.item(plan)])
    await table.write([{ put: item, expected: 0 }]);
  return plan;
}

/** Excludes changes of unreadable items, and removals of groups that an unreadable service or group may name. */
function isReadableChange(unreadable: readonly Key[]): (change: ItemChange) => boolean {
  const keys = new Set(unreadable.map(formatKey));
  const mayNameGroups = unreadable.some(
    ({ pk }) => pk === servicesPartition || pk === approverGroupPartition,
  );
  return (change) =>
    !keys.has(formatKey(changeKey(change))) &&
    !(mayNameGroups && change.kind === 'group' && change.action === 'remove');
}

/** @returns undefined if the plan does not exist or has expired. */
export async function findPlan(
  planId: string,
  { table, now }: { readonly table: Table } & Pick<Runtime, 'now'>,
): Promise<Plan | undefined> {
  const plan = await planEntity.find(planKey(planId), table);
  return plan && plan.expiresAt * 1000 > now().getTime() ? plan : undefined;
}

/**
 * Reads the changes of a plan, in order.
 * @param part only these of one part. A part is a page.
 * @throws IncompletePlanError, UnreadableItemError
 */
export async function readPlanChanges(plan: Plan, table: Table, part?: number): Promise<PolicyChange[]> {
  const keys = chunkKeys(planPartition(plan.planId), partSeries.changes, plan.changeParts);
  const selected = part === undefined ? keys : keys.slice(part, part + 1);
  return readParts(selected, PolicyChange, plan, table);
}

/**
 * Reads the versions of a plan's inputs, by key.
 * @throws IncompletePlanError, UnreadableItemError
 */
export async function readPlannedVersions(plan: Plan, table: Table): Promise<Map<string, number>> {
  const keys = chunkKeys(planPartition(plan.planId), partSeries.versions, plan.versionParts);
  return new Map(await readParts(keys, PlannedItemVersion, plan, table));
}

async function readParts<const Schema extends v.GenericSchema>(
  keys: readonly Key[],
  schema: Schema,
  { planId }: Plan,
  table: Table,
): Promise<v.InferOutput<Schema>[]> {
  const parts = indexByKey(await table.get(keys)).all(keys);
  if (parts.length < keys.length) throw new IncompletePlanError(planId);
  return parts.flatMap((item) => chunkValues(item, schema));
}

const summaryField: Readonly<Record<ChangeAction, keyof PlanSummary>> = {
  add: 'add',
  change: 'change',
  adopt: 'change',
  remove: 'remove',
  conflict: 'conflicts',
  unmanaged: 'unmanaged',
};

function summarizeChanges(changes: readonly PolicyChange[]): PlanSummary {
  const summary = { add: 0, change: 0, remove: 0, conflicts: 0, unmanaged: 0 };
  for (const { action } of changes) summary[summaryField[action]]++;
  return summary;
}
