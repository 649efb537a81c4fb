import { orReported } from '../runtime/runtime.ts';
import { MalformedItemError, UnreadableItemError } from '../storage/entity.ts';
import { isLeased } from '../storage/lease.ts';
import { conflict, OptimisticLockError, retryOnConflict } from '../storage/optimistic-lock.ts';
import { previewChangedItem } from './apply-change.ts';
import {
  type ApplyLease,
  ApplyRunningError,
  advanceLease,
  applyLeaseKey,
  isApplyFinished,
  readApplyState,
  releaseApplyLease,
  startOrResumeApply,
} from './apply-lease.ts';
import {
  type ApplyStepDeps,
  applyChange,
  approvePrincipalsStep,
  entryWrite,
  type PrincipalsApproval,
  principalApprovals,
  type StepResult,
} from './apply-step.ts';
import { type ItemChange, isApplicable } from './change.ts';
import { chunksBySize } from './chunked-item.ts';
import type { PolicyProblem } from './desired-state.ts';
import { type Plan, PolicyProblemsError, readPlanChanges } from './plan.ts';
import { describeChange, itemsChangedSince, StalePlanError } from './stale-plan.ts';

/** The progress of an apply. */
export interface ApplyResult {
  readonly status: 'running' | 'done';
  readonly done: number;
  readonly of: number;
  /** Warnings for a person about the changes of this call. */
  readonly warnings: readonly string[];
}

/** The time that a run reserves for one more step and its response, in milliseconds. */
const planApplyReserveMs = 14_000;

/** The maximum number of entries in one transaction: with the lease, within DynamoDB's limits (4 MB, 100 items). */
const transactionLimits = { size: 2_000_000, count: 90 };

/**
 * Applies as many changes of a plan as time permits. The caller repeats the call until all are applied. Each transaction of a
 * change also writes the lease, so that an apply resumes after a crash, and a run that lost the lease changes no more items.
 * @throws PolicyProblemsError, StalePlanError, ApplyRunningError, and the errors of registering a service and setting a customer
 */
export async function applyPlan(plan: Plan, deps: ApplyStepDeps): Promise<ApplyResult> {
  const { table, now, caller } = deps;
  const changes = (await readPlanChanges(plan, table)).filter(isApplicable);
  const tasks = [...changes.filter((change) => change.kind !== 'principal'), ...principalApprovals(changes)];
  const state = await readApplyState(deps);
  const { stored } = state;
  const isSamePlan = stored?.planId === plan.planId;
  const isRunning = isLeased(stored, now());
  if (isRunning && !isSamePlan) throw new ApplyRunningError(stored);
  if (isSamePlan && isApplyFinished(stored))
    return { status: 'done', done: stored.done, of: tasks.length, warnings: [] };
  requireStorable(
    changes.filter((change) => change.kind !== 'principal'),
    deps,
  );
  if (!isRunning) await requireUnchangedState(plan, tasks, isSamePlan ? stored.done : undefined, deps);
  const acquired = startOrResumeApply(plan, state, { by: caller, of: tasks.length, now: now() });
  if (!(await table.write([acquired.write]))) return throwLeaseLost(deps);
  return runTasks(tasks, acquired.lease, deps);
}

/** One step of an apply. */
type ApplyTask = ItemChange | PrincipalsApproval;

/** Checks that the table can store every change, because a partly applied policy has a different effect. */
function requireStorable(changes: readonly ItemChange[], deps: ApplyStepDeps): void {
  const author = { by: deps.caller, now: deps.now() };
  const problems = changes.flatMap((change): PolicyProblem[] => {
    try {
      previewChangedItem(change, undefined, author, deps.hub);
      return [];
    } catch (error) {
      if (!(error instanceof MalformedItemError)) throw error;
      return [{ message: `${describeChange(change)}: ${error.message}` }];
    }
  });
  if (problems.length > 0) throw new PolicyProblemsError(problems);
}

/**
 * Checks that nobody changed the plan's items. Ignores the changes of a resumed apply itself, and its interrupted step.
 * @param resumedAt the number of changes of a resumed apply; undefined for a new one.
 */
async function requireUnchangedState(
  plan: Plan,
  tasks: readonly ApplyTask[],
  resumedAt: number | undefined,
  deps: ApplyStepDeps,
): Promise<void> {
  const done = resumedAt ?? 0;
  const isBegun = resumedAt !== undefined && tasks[done]?.kind !== 'entry';
  const appliedTasks = tasks.slice(0, isBegun ? done + 1 : done).filter((task) => task.kind !== 'approval');
  const changedItems = await itemsChangedSince(plan, appliedTasks, deps);
  if (changedItems.length > 0) throw new StalePlanError(changedItems);
}

async function runTasks(
  tasks: readonly ApplyTask[],
  acquiredLease: ApplyLease,
  deps: ApplyStepDeps,
): Promise<ApplyResult> {
  let lease = acquiredLease;
  const warnings: string[] = [];
  try {
    for (const batch of batchEntries(tasks.slice(lease.payload.done))) {
      if (deps.remainingMs() < planApplyReserveMs)
        return { status: 'running', ...applyCounts(lease), warnings };
      const leaseAfterBatch = await applyEntryBatch(batch, lease, deps);
      if (leaseAfterBatch) lease = leaseAfterBatch;
      else
        for (const task of batch) {
          const taskResult = await applyTask(task, tasks, lease, deps);
          lease = taskResult.lease;
          warnings.push(...taskResult.warnings);
        }
    }
  } catch (error) {
    await orReported(deps.reportError, 'release apply lease', () =>
      deps.table.write([releaseApplyLease(lease)]),
    );
    throw error;
  }
  return { status: 'done', ...applyCounts(lease), warnings };
}

function applyCounts({ payload: { done, of } }: ApplyLease) {
  return { done, of };
}

/** Splits the tasks into batches of consecutive entries. Every other task is a batch of one. */
function batchEntries(tasks: readonly ApplyTask[]): ApplyTask[][] {
  const runs: ApplyTask[][] = [];
  for (const task of tasks) {
    const run = runs.at(-1);
    if (task.kind === 'entry' && run?.[0]?.kind === 'entry') run.push(task);
    else runs.push([task]);
  }
  return runs.flatMap((run) => chunksBySize(run, transactionLimits));
}

/** @returns undefined if the caller has to apply the tasks one by one. */
async function applyEntryBatch(
  batch: readonly ApplyTask[],
  lease: ApplyLease,
  deps: ApplyStepDeps,
): Promise<ApplyLease | undefined> {
  const entries = batch.filter((task) => task.kind === 'entry');
  if (entries.length < batch.length) return undefined;
  const author = { by: deps.caller, now: deps.now() };
  const after = advanceLease(lease, batch.length, author.now);
  const writes = entries.map((entry) => entryWrite(entry, author));
  return (await deps.table.write([...writes, after.write])) ? after.lease : undefined;
}

async function applyTask(
  task: ApplyTask,
  tasks: readonly ApplyTask[],
  lease: ApplyLease,
  deps: ApplyStepDeps,
): Promise<{ readonly lease: ApplyLease; readonly warnings: readonly string[] }> {
  const name = task.kind === 'approval' ? task.serviceId : describeChange(task);
  const changes = tasks.filter((each) => each.kind !== 'approval');
  const warnings: string[] = [];
  return retryOnConflict(name, async () => {
    const step = await skipIfUnreadable(name, () =>
      task.kind === 'approval' ? approvePrincipalsStep(task, deps) : applyChange(task, changes, deps),
    );
    warnings.push(...step.warnings);
    const after = advanceLease(lease, 1, deps.now());
    if (await deps.table.write([...step.writes, after.write])) return { lease: after.lease, warnings };
    await requireApplyLease(lease, deps);
    return conflict;
  });
}

/** Skips a change that needs an unreadable item, and applies the others. */
async function skipIfUnreadable(name: string, step: () => Promise<StepResult>): Promise<StepResult> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof UnreadableItemError)) throw error;
    return { writes: [], warnings: [`${name} was left as it is: ${error.message}`] };
  }
}

/** @throws ApplyRunningError if another apply holds the lease. */
async function requireApplyLease(held: ApplyLease, deps: ApplyStepDeps): Promise<void> {
  const { stored } = await readApplyState(deps);
  if (stored && stored.version !== held.version) throw new ApplyRunningError(stored);
}

/** @throws ApplyRunningError, OptimisticLockError if nobody can say who holds the lease. */
async function throwLeaseLost(deps: ApplyStepDeps): Promise<never> {
  const { stored } = await readApplyState(deps);
  throw stored ? new ApplyRunningError(stored) : new OptimisticLockError(applyLeaseKey.sk);
}
