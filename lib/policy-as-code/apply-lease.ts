import * as v from 'valibot';
import type { Runtime } from '../runtime/runtime.ts';
import { entity, parseEach, type ReadDeps } from '../storage/entity.ts';
import type { Key, Write } from '../storage/table.ts';

/** The lease of the only running apply, with its progress. */
const ApplyLease = v.object({
  planId: v.string(),
  by: v.string(),
  startedAt: v.string(),
  /** ISO 8601: the end of the lease. Until then linkgate applies no other plan. */
  leaseUntil: v.string(),
  /** The number of applied changes. */
  done: v.number(),
  of: v.number(),
  /** The services with entries among the inputs of the plan. */
  serviceIds: v.array(v.string()),
  version: v.number(),
});
export type ApplyLease = v.InferOutput<typeof ApplyLease>;

const applyLeaseEntity = entity(ApplyLease.entries);
export const readApplyLease = applyLeaseEntity.read;
export const applyLeaseKey: Key = { pk: 'POLICY', sk: 'APPLY' };

/** The duration of the lease after each write, in milliseconds: longer than the timeout of the function. */
const applyLeaseMs = 40_000;

/** Another apply holds the lease. */
export class ApplyRunningError extends Error {
  override readonly name = 'ApplyRunningError';

  constructor({ by, startedAt, leaseUntil, done, of }: ApplyLease) {
    super(
      `${by} has been applying a plan since ${startedAt}, with ${done} of ${of} changes done; if that apply ended without an answer, apply again after ${leaseUntil}`,
    );
  }
}

/** Reads the lease. An unreadable lease counts as absent. */
export async function findApplyLease({ table, reportError }: ReadDeps): Promise<ApplyLease | undefined> {
  const [lease] = parseEach(await table.get([applyLeaseKey]), applyLeaseEntity.read, reportError);
  return lease;
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
  const lease = await findApplyLease(deps);
  if (!lease || isApplyFinished(lease)) return {};
  const { by, startedAt: at, done, of, leaseUntil } = lease;
  const unfinished = { by, at, done, of };
  return isApplyLeaseActive(lease, now())
    ? { running: { ...unfinished, leaseUntil } }
    : { interrupted: unfinished };
}

export function isApplyFinished({ done, of }: ApplyLease): boolean {
  return done >= of;
}

export function isApplyLeaseActive({ leaseUntil }: ApplyLease, now: Date): boolean {
  return new Date(leaseUntil) > now;
}

/** Builds a lease. It continues the progress of an earlier run of the same plan. */
export function startOrResumeLease(
  { planId, serviceIds }: Pick<ApplyLease, 'planId' | 'serviceIds'>,
  before: ApplyLease | undefined,
  { by, of, now }: { readonly by: string; readonly of: number; readonly now: Date },
): ApplyLease {
  const { startedAt, done } = before?.planId === planId ? before : { startedAt: now.toISOString(), done: 0 };
  return { planId, by, startedAt, done, of, serviceIds, leaseUntil: '', version: before?.version ?? 0 };
}

/**
 * Renews the lease after more changes. The write belongs in the transaction of these changes, so that a run that lost the lease
 * changes no more items.
 */
export function advanceLease(
  lease: ApplyLease,
  more: number,
  now: Date,
): { readonly lease: ApplyLease; readonly write: Extract<Write, { put: unknown }> } {
  const done = lease.done + more;
  return saveApplyLease(lease, { done, heldFor: done < lease.of ? applyLeaseMs : 0 }, now);
}

/** Builds the write that releases the lease and keeps its progress. */
export function releaseApplyLease(lease: ApplyLease, now: Date): Write {
  return saveApplyLease(lease, { done: lease.done, heldFor: 0 }, now).write;
}

function saveApplyLease(lease: ApplyLease, { done, heldFor }: { done: number; heldFor: number }, now: Date) {
  const leaseUntil = new Date(now.getTime() + heldFor).toISOString();
  const after = { ...lease, done, leaseUntil, version: lease.version + 1 };
  return {
    lease: after,
    write: { put: applyLeaseEntity.item(applyLeaseKey, after), expected: lease.version },
  };
}
