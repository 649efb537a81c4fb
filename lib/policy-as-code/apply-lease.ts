import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import type { ReadDeps } from '../storage/entity.ts';
import {
  isLeased,
  type Lease,
  type LeaseState,
  type LeaseWrite,
  lease,
  leasePartition,
  type StoredLease,
} from '../storage/lease.ts';
import type { Key, Write } from '../storage/table.ts';

/** The progress of the only running apply. */
const ApplyPayload = v.object({
  planId: v.string(),
  by: v.string(),
  startedAt: v.string(),
  /** The number of applied changes. */
  done: v.number(),
  of: v.number(),
  /** The services with entries among the inputs of the plan. */
  serviceIds: v.array(v.string()),
});
type ApplyPayload = v.InferOutput<typeof ApplyPayload>;
type StoredApplyLease = StoredLease<ApplyPayload>;
export type ApplyLease = Lease<ApplyPayload>;

/** The duration of the lease after each write, in milliseconds: longer than the timeout of the function. */
const applyLeaseMs = 40_000;

const applyLease = lease(ApplyPayload.entries, applyLeaseMs);
export const readApplyLease = applyLease.read;
export const applyLeaseKey: Key = { pk: leasePartition, sk: 'policy-apply' };

/** Another apply holds the lease. */
export class ApplyRunningError extends Error {
  override readonly name = 'ApplyRunningError';

  constructor({ by, startedAt, leaseUntil, done, of }: StoredApplyLease) {
    const after = leaseUntil === undefined ? '' : ` after ${leaseUntil}`;
    super(
      `${by} has been applying a plan since ${startedAt}, with ${done} of ${of} changes done; if that apply ended without an answer, apply again${after}`,
    );
  }
}

/** Reads the lease. An unreadable lease counts as absent. */
export function readApplyState(deps: ReadDeps): Promise<LeaseState<ApplyPayload>> {
  return applyLease.readState(applyLeaseKey, deps);
}

/** The progress of an unfinished apply. */
interface ApplyProgress {
  readonly by: string;
  /** ISO 8601: its start. */
  readonly at: string;
  readonly done: number;
  readonly of: number;
}

/** The state of the last apply, if it is unfinished. */
export interface UnfinishedApply {
  /** Its lease is active, and linkgate applies no other plan. After `leaseUntil` the apply counts as interrupted. */
  readonly running?: ApplyProgress & { readonly leaseUntil: string };
  readonly interrupted?: ApplyProgress;
}

/** @returns an empty object if the last apply is finished. */
export async function findUnfinishedApply({
  now,
  ...deps
}: ReadDeps & Pick<Runtime, 'now'>): Promise<UnfinishedApply> {
  const { stored } = await readApplyState(deps);
  if (!stored || isApplyFinished(stored)) return {};
  const { by, startedAt: at, done, of } = stored;
  const unfinished = { by, at, done, of };
  return isLeased(stored, now())
    ? { running: { ...unfinished, leaseUntil: stored.leaseUntil } }
    : { interrupted: unfinished };
}

export function isApplyFinished({ done, of }: ApplyPayload): boolean {
  return done >= of;
}

/** Builds the write that acquires the lease. It continues the progress of an earlier run of the same plan. */
export function startOrResumeApply(
  { planId, serviceIds }: Pick<ApplyPayload, 'planId' | 'serviceIds'>,
  state: LeaseState<ApplyPayload>,
  { by, of, now }: { readonly by: string; readonly of: number; readonly now: Date },
): LeaseWrite<ApplyPayload> {
  const { startedAt, done } =
    state.stored?.planId === planId ? state.stored : { startedAt: now.toISOString(), done: 0 };
  return saveProgress(state, { planId, by, startedAt, done, of, serviceIds }, now);
}

/**
 * Renews the lease after more changes. The write belongs in the transaction of these changes, so that a run that lost the lease
 * changes no more items.
 */
export function advanceLease(held: ApplyLease, more: number, now: Date): LeaseWrite<ApplyPayload> {
  return saveProgress(held, { ...held.payload, done: held.payload.done + more }, now);
}

/** Builds the write that releases the lease and keeps its progress. */
export function releaseApplyLease(held: ApplyLease): Write {
  return applyLease.release(held, held.payload).write;
}

function saveProgress(held: ApplyLease | LeaseState<ApplyPayload>, progress: ApplyPayload, now: Date) {
  return isApplyFinished(progress)
    ? applyLease.release(held, progress)
    : applyLease.renew(held, progress, now);
}
